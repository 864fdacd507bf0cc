"""What the card of a citizen shows: everything an operator at the counter may need, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from desk.courses import position
from desk.identity_card_rules import renewable_from
from desk.models import (
    Booking,
    Call,
    CertificateDetails,
    Citizen,
    Consent,
    Enrolment,
    IdentityDocument,
    PhoneNumber,
    Purpose,
    Request,
)
from desk.preferences import language_of
from desk.settings import ROME

#: Rows of each list; older ones are found through the list of requests.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number, and what it may be texted for: the consent in force, by purpose."""

    e164: str
    shared: bool
    language: str | None
    consents: Mapping[Purpose, Consent]


@dataclass(frozen=True, slots=True)
class Place:
    """An enrolment in a course; position on the waiting list, ``None`` for who has a place."""

    reference: str
    course: Mapping[str, str]
    standing: str
    position: int | None


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """An identity card, and whether it can be renewed by now."""

    document: IdentityDocument
    expired: bool
    renewable: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A citizen with all that is current."""

    citizen: Citizen
    numbers: Sequence[Number]
    #: Request and the code of what was asked for.
    requests: Sequence[tuple[Request, str]]
    bookings: Sequence[Booking]
    places: Sequence[Place]
    calls: Sequence[Call]
    cards: Sequence[IdentityCard]


def read_card(db: Session, number: int, *, now: datetime) -> Card | None:
    """The card of the citizen with that id."""
    citizen = db.get(Citizen, number)
    if citizen is None:
        return None
    numbers = [_number(db, row.e164) for row in sorted(citizen.phone_numbers, key=lambda row: row.id)]
    own = [each.e164 for each in numbers if not each.shared]
    requests = db.scalars(
        select(Request).where(Request.citizen_id == number).order_by(Request.id.desc()).limit(SHOWN)
    ).all()
    return Card(
        citizen,
        numbers,
        [(request, _kind(request)) for request in requests],
        db.scalars(
            select(Booking)
            .where(Booking.citizen_id == number)
            .options(selectinload(Booking.service))
            .order_by(Booking.starts_at.desc())
            .limit(SHOWN)
        ).all(),
        _places(db, number),
        db.scalars(
            select(Call).where(Call.caller_e164.in_(own)).order_by(Call.started_at.desc()).limit(SHOWN)
        ).all(),
        _cards(db, number, now),
    )


def _number(db: Session, e164: str) -> Number:
    people = db.scalar(select(func.count(PhoneNumber.citizen_id.distinct())).where(PhoneNumber.e164 == e164))
    consents = db.scalars(
        select(Consent).where(Consent.e164 == e164, Consent.withdrawn_at.is_(None)).order_by(Consent.id)
    )
    return Number(
        e164, (people or 0) > 1, language_of(db, e164), {consent.purpose: consent for consent in consents}
    )


def _kind(request: Request) -> str:
    details = request.details
    return details.certificate if isinstance(details, CertificateDetails) else details.kind


def _places(db: Session, number: int) -> Sequence[Place]:
    found = db.scalars(
        select(Enrolment)
        .join(Enrolment.request)
        .where(Request.citizen_id == number)
        .options(selectinload(Enrolment.request), selectinload(Enrolment.course))
        .order_by(Enrolment.id.desc())
        .limit(SHOWN)
    ).all()
    return [
        Place(
            each.request.reference,
            {"it": each.course.name_it, "en": each.course.name_en},
            "withdrawn" if each.cancelled_at else "given" if each.placed_at else "waiting",
            position(db, each),
        )
        for each in found
    ]


def _cards(db: Session, number: int, now: datetime) -> Sequence[IdentityCard]:
    today = now.astimezone(ROME).date()
    found = db.scalars(
        select(IdentityDocument)
        .where(IdentityDocument.citizen_id == number)
        .order_by(IdentityDocument.issued_on.desc(), IdentityDocument.id.desc())
    ).all()
    return [
        IdentityCard(each, each.expires_on < today, renewable_from(each.expires_on) <= today)
        for each in found
    ]
