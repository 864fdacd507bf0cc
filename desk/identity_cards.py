"""Identity cards: noting them, and telling their holders in time, as many as can be received."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from desk.appointments import UnknownService, free_slots
from desk.citizens import number_to_text
from desk.db import one_at_a_time
from desk.identity_card_rules import expiry, renewable_from, rules
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
