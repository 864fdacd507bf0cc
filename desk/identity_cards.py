"""Identity cards: how long they are valid, and telling their holders in time, as many as can be received.

The rules are dated data with their sources (``identity_card_rules.toml``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from desk.appointments import UnknownService, free_slots
from desk.citizens import number_to_text
from desk.db import one_at_a_time
from desk.models import (
    Booking,
    BookingState,
    Citizen,
    DocumentKind,
    DocumentNotice,
    IdentityDocument,
    NoticeStage,
    Purpose,
)
from desk.phone_numbers import national
from desk.preferences import language_of
from desk.settings import ROME
from desk.sms.outbox import write_message

FILE = Path(__file__).with_name("identity_card_rules.toml")

#: What one makes an appointment for.
SERVICE = "identity_card"
#: The key of the appointments in the main menu.
APPOINTMENTS_KEY = "2"
#: From so many days before it expires a card is expiring, no longer only renewable.
LAST_DAYS = 30
#: Who was told in these days may still be about to book: a place is left for everyone of them.
STILL_TO_BOOK = timedelta(days=7)
#: Slots that are counted at most.
_SLOTS = 10_000

TEMPLATES = {
    NoticeStage.RENEWABLE: "card_renewable",
    NoticeStage.EXPIRING: "card_expiring",
    NoticeStage.PAPER: "card_paper",
}
#: Who is told first where not all can be.
_URGENCY = (NoticeStage.EXPIRING, NoticeStage.PAPER, NoticeStage.RENEWABLE)


class NoRule(ValueError):
    """No rule was in force on the day of issue."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From which age (in whole years) a card is valid for how many years."""

    from_age: int
    years: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What is in force from ``since`` on, and which law says so."""

    since: date
    validity: Sequence[Validity]
    #: Whether a card is valid until the next birthday after its years are over.
    until_birthday: bool
    source: str
    #: By what it was checked, and what was not.
    checked: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules. ``no_travel_from`` is about paper cards."""

    issue: Sequence[Rule]
    renewable_days: int
    no_travel_from: date


@cache
def rules() -> Rules:
    """The rules in the file."""
    data = tomllib.loads(FILE.read_text(encoding="utf-8"))
    issue = [
        Rule(**{**entry, "validity": [Validity(**part) for part in entry["validity"]]})
        for entry in data["rules"]
    ]
    return Rules(
        sorted(issue, key=lambda rule: rule.since),
        data["renewal"]["days_before"],
        data["paper"]["no_travel_from"],
    )


def expiry(issued_on: date, birth_date: date) -> date:
    """The last day on which a card is valid. Raises :class:`NoRule`."""
    rule = next((rule for rule in reversed(rules().issue) if rule.since <= issued_on), None)
    if rule is None or birth_date > issued_on:
        raise NoRule(str(issued_on))
    age = _age(birth_date, issued_on)
    years = [part.years for part in rule.validity if part.from_age <= age][-1]
    over = _in_year(issued_on, issued_on.year + years)
    if not rule.until_birthday:
        return over
    birthday = _in_year(birth_date, over.year)
    return birthday if birthday >= over else _in_year(birth_date, over.year + 1)


def renewable_from(expires_on: date) -> date:
    """The first day on which a card can be renewed."""
    return expires_on - timedelta(days=rules().renewable_days)


def is_for_travel(kind: DocumentKind, expires_on: date, day: date) -> bool:
    """Whether a card that may be used for travel still is a travel document on ``day``."""
    paper_is_over = kind is DocumentKind.PAPER and day >= rules().no_travel_from
    return day <= expires_on and not paper_is_over


def stage_of(kind: DocumentKind, expires_on: date, day: date) -> NoticeStage | None:
    """What the holder should know on ``day``; ``None`` for nothing (any more)."""
    if day > expires_on:
        return None
    if day >= expires_on - timedelta(days=LAST_DAYS):
        return NoticeStage.EXPIRING
    if kind is DocumentKind.PAPER:
        # Renewing it is due for this reason already.
        return NoticeStage.PAPER if day >= renewable_from(rules().no_travel_from) else None
    return NoticeStage.RENEWABLE if day >= renewable_from(expires_on) else None


def register_card(
    session: Session, citizen: Citizen, *, kind: DocumentKind, issued_on: date
) -> IdentityDocument:
    """Note a card that was issued, valid as the rules say. Raises :class:`NoRule`."""
    document = IdentityDocument(
        citizen_id=citizen.id,
        kind=kind,
        issued_on=issued_on,
        expires_on=expiry(issued_on, citizen.birth_date),
    )
    session.add(document)
    session.flush()
    return document


def notify_holders(session: Session, *, town_number: str, now: datetime) -> int:
    """Write to the holders whose time has come, no more than can be received; returns to how many.

    Each is told once of a document at a stage, with consent to notices, and not with an appointment already
    made. The most urgent come first; the others wait for the next free slots.
    """
    # Two workers must not both count before either has written.
    one_at_a_time(session, "identity card notices")
    left = _places(session, now)
    told = 0
    for stage, document in _due(session, now):
        if told >= left:
            break
        to = number_to_text(session, document.citizen_id, Purpose.NOTICES)
        if to is None:
            continue
        day = rules().no_travel_from if stage is NoticeStage.PAPER else document.expires_on
        message = write_message(
            session,
            to=to,
            template=TEMPLATES[stage],
            values={"day": f"{day:%d/%m/%Y}", "number": national(town_number), "key": APPOINTMENTS_KEY},
            language=_language(session, to),
            request_id=None,
            now=now,
            not_after=datetime.combine(document.expires_on + timedelta(days=1), time(), ROME),
            key=f"card {document.id} {stage}",
        )
        session.add(DocumentNotice(document_id=document.id, stage=stage, message_id=message.id, noted_at=now))
        session.flush()
        told += 1
    return told


def _places(session: Session, now: datetime) -> int:
    """Free places, less one for everybody who was told lately and has not booked."""
    try:
        free = sum(slot.places for slot in free_slots(session, SERVICE, now=now, limit=_SLOTS))
    except UnknownService:
        return 0
    lately = (
        select(func.count(func.distinct(IdentityDocument.citizen_id)))
        .select_from(DocumentNotice)
        .join(IdentityDocument)
        .where(DocumentNotice.noted_at > now - STILL_TO_BOOK, ~_has_appointment(now))
    )
    return max(0, free - (session.scalar(lately) or 0))


def _due(session: Session, now: datetime) -> Iterator[tuple[NoticeStage, IdentityDocument]]:
    """The documents whose holders are to be told, the most urgent first."""
    today = now.astimezone(ROME).date()
    newer = aliased(IdentityDocument)
    documents = session.scalars(
        select(IdentityDocument).where(
            IdentityDocument.expires_on >= today,
            # A card that was replaced is of no interest.
            ~exists().where(
                newer.citizen_id == IdentityDocument.citizen_id,
                newer.issued_on > IdentityDocument.issued_on,
            ),
            ~_has_appointment(now),
        )
    ).all()
    told = {(document, stage) for document, stage in session.execute(_TOLD)}
    due = [
        (stage, document)
        for document in documents
        if (stage := stage_of(document.kind, document.expires_on, today)) is not None
        and (document.id, stage) not in told
    ]
    yield from sorted(due, key=lambda pair: (_URGENCY.index(pair[0]), pair[1].expires_on, pair[1].id))


_TOLD = select(DocumentNotice.document_id, DocumentNotice.stage)


def _has_appointment(now: datetime) -> ColumnElement[bool]:
    return exists().where(
        Booking.citizen_id == IdentityDocument.citizen_id,
        Booking.service_code == SERVICE,
        Booking.state == BookingState.BOOKED,
        Booking.starts_at > now,
    )


def _language(session: Session, to: str) -> str:
    return language_of(session, to) or "it"


def _age(birth_date: date, day: date) -> int:
    return day.year - birth_date.year - (day < _in_year(birth_date, day.year))


def _in_year(day: date, year: int) -> date:
    """The same day of another year. Who was born on 29 February has the 28th in other years."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
