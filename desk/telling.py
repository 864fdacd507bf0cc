"""What the town tells citizens on its own: appointments of the next working day, delays, passports."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from desk.appointments import reminder_key
from desk.calendar import add_working_days
from desk.citizens import number_to_text
from desk.models import (
    Booking,
    BookingChange,
    BookingState,
    Message,
    Purpose,
    Request,
    RequestState,
)
from desk.preferences import language_of
from desk.requests import WAITED_FOR, write_news
from desk.settings import ROME
from desk.sms.outbox import write_if_agreed
from desk.sms.templates import GSM_7

#: A delay that is older was told, or there was no consent to.
_LATEST_DELAY = timedelta(days=14)


def remind(session: Session, *, now: datetime) -> int:
    """Write the reminders of the appointments whose working day before is today; returns how many are new.

    Who made or changed the appointment today knows. An appointment is reminded of once for each time it has.
    """
    today = now.astimezone(ROME).date()
    last = add_working_days(today, 1)
    begin = datetime.combine(today, datetime.min.time(), ROME)
    changed_today = exists().where(BookingChange.booking_id == Booking.id, BookingChange.at >= begin)
    bookings = session.scalars(
        select(Booking)
        .where(
            Booking.state == BookingState.BOOKED,
            Booking.starts_at >= begin + timedelta(days=1),
            Booking.starts_at < datetime.combine(last + timedelta(days=1), datetime.min.time(), ROME),
            ~changed_today,
        )
        .order_by(Booking.starts_at)
    ).all()
    written = 0
    for booking in bookings:
        key = reminder_key(booking)
        if session.scalar(select(Message.id).where(Message.idempotency_key == key)) is not None:
            continue
        starts, place = booking.starts_at.astimezone(ROME), booking.service.office.place
        message = write_if_agreed(
            session,
            to=booking.contact_e164,
            template="appointment_reminder",
            values={
                "ref": booking.reference,
                "day": f"{starts:%d/%m/%Y}",
                "time": f"{starts:%H:%M}",
                "place": "".join(letter for letter in place if letter in GSM_7),
            },
            language=booking.language,
            request_id=None,
            now=now,
            not_after=booking.starts_at,
            key=key,
        )
        written += message is not None
    return written


def tell_delays(session: Session, *, now: datetime) -> int:
    """Write to who waits for a request that is overdue, once per request; returns to how many now."""
    today = now.astimezone(ROME).date()
    late = session.scalars(
        select(Request).where(
            Request.state.in_((RequestState.RECEIVED, RequestState.IN_PROGRESS)),
            Request.kind.in_(WAITED_FOR),
            Request.due_on < today,
            Request.due_on >= today - _LATEST_DELAY,
            ~exists().where(Message.request_id == Request.id, Message.template == "request_delayed"),
        )
    ).all()
    written = [
        write_news(session, request, "request_delayed", occasion="delayed", now=now) for request in late
    ]
    return len(written) - written.count(None)


def tell_passport_arrived(session: Session, citizen_id: int, *, now: datetime) -> Message | None:
    """Write that the passport can be collected; ``None`` if no number of the citizen consents.

    Told once a day, however often the counter says so.
    """
    to = number_to_text(session, citizen_id, Purpose.RECEIPTS)
    return write_if_agreed(
        session,
        to=to,
        template="passport_arrived",
        values={},
        language=(language_of(session, to) if to else None) or "it",
        request_id=None,
        now=now,
        key=f"passport {citizen_id} {now.astimezone(ROME).date()}",
    )
