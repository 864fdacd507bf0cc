"""Appointments: what is free, holding a slot while a citizen decides, booking, moving, cancelling.

No two citizens can have one place of a slot: hold and booking share a row, whose key is unique in the
database (:class:`desk.models.SlotPlace`). Taking a place is one statement that writes the row only if it is
absent, is a hold that ran out, or is already the same holder's; so there is no moment between looking and
taking. Places are always tried in ascending order, so two callers never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from desk.applicants import Whose, belongs_to
from desk.db import insert, one_at_a_time
from desk.events import note_event
from desk.models import (
    Absence,
    AppointmentService,
    Booking,
    BookingChange,
    BookingState,
    BookingStep,
    Call,
    Channel,
    Closure,
    EventKind,
    IdentifiedBy,
    Message,
    MessageState,
    Office,
    SlotPlace,
)
from desk.receipts import note_agreement
from desk.references import add_with_reference
from desk.settings import ROME
from desk.slots import Agenda, Pattern, Slot, Span
from desk.sms.outbox import write_if_agreed
from desk.sms.templates import GSM_7

#: How long a slot is kept for somebody who is deciding; every step of theirs begins it anew.
HOLD = timedelta(minutes=5)
#: What is written to the citizen about each step.
TEMPLATES: Mapping[BookingStep, str] = {
    BookingStep.BOOKED: "appointment_booked",
    BookingStep.MOVED: "appointment_moved",
    BookingStep.CANCELLED: "appointment_cancelled",
}
#: What other systems are told of each step.
EVENTS: Mapping[BookingStep, EventKind] = {
    BookingStep.BOOKED: EventKind.APPOINTMENT_BOOKED,
    BookingStep.MOVED: EventKind.APPOINTMENT_MOVED,
    BookingStep.CANCELLED: EventKind.APPOINTMENT_CANCELLED,
}


class UnknownService(ValueError):
    """There is no such service, or it gives no appointments (any more)."""


class SlotTaken(Exception):
    """The slot is full, or there is no such slot (any more)."""


class TooMany(Exception):
    """The citizen has as many appointments to come as one may have."""


class NotBooked(Exception):
    """The appointment was cancelled, or its time has come."""


class BookingOrder(BaseModel):
    """A confirmed appointment. ``holder`` is who holds the slot; booking twice with it books once.

    ``sms`` says that a receipt is expected at ``contact_e164``, ``consent_text`` is the version of the text
    by which the citizen agreed to it just now.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    service: str
    starts_at: AwareDatetime
    holder: str
    citizen_id: int | None = None
    #: Who comes, where that is nobody of the register: the name, the last name first, and the tax code where
    #: somebody has verified it.
    applicant: str | None = Field(default=None, max_length=160)
    applicant_tax_code: str | None = None
    contact_e164: str | None = None
    identified_by: IdentifiedBy | None = None
    identity_recording: Path | None = None
    language: str = "it"
    channel: Channel = Channel.PHONE
    call_unique_id: str | None = None
    sms: bool = False
    consent_text: str | None = None


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A slot that can be taken; moments are aware, in UTC."""

    starts: datetime
    ends: datetime
    places: int


def services(session: Session) -> Sequence[AppointmentService]:
    """What one can make an appointment for, in the order it is spoken."""
    return session.scalars(
        select(AppointmentService).where(AppointmentService.active).order_by(AppointmentService.position)
    ).all()


def free_slots(
    session: Session,
    service: str,
    *,
    now: datetime,
    limit: int,
    since: datetime | None = None,
    channel: Channel = Channel.PHONE,
    holder: str | None = None,
) -> Sequence[FreeSlot]:
    """The first ``limit`` free slots that begin at ``since`` or later.

    What ``holder`` holds counts as free for them. Raises :class:`UnknownService`.
    """
    agenda = _agenda(session, service, now, channel)
    first = since or now
    taken = _taken(session, service, SlotPlace.starts_at >= first, now=now, holder=holder)
    found: list[FreeSlot] = []
    for slot in agenda.slots_between(first, now):
        if len(found) == limit:
            break
        places = _open_places(agenda, slot, taken.get(slot.starts, set()), channel, now)
        if places:
            found.append(FreeSlot(slot.starts, slot.ends, len(places)))
    return found


def hold(
    session: Session,
    service: str,
    starts: datetime,
    *,
    holder: str,
    now: datetime,
    channel: Channel = Channel.PHONE,
) -> datetime:
    """Keep a place of the slot for ``holder`` and return until when. Holding it again prolongs it.

    ``holder`` may hold one place at a time: :func:`release` what was held before, in a transaction of its
    own.

    Raises:
        SlotTaken: nothing is held then.
        UnknownService: see there.
    """
    _take(session, service, starts, holder=holder, channel=channel, now=now)
    return now + HOLD


def release(session: Session, holder: str) -> None:
    """Give back what ``holder`` holds."""
    session.execute(delete(SlotPlace).where(SlotPlace.holder == holder, SlotPlace.booking_id.is_(None)))


def release_expired(session: Session, *, now: datetime) -> int:
    """Give back every hold that ran out; returns how many. They count as free before that already."""
    expired = (
        select(SlotPlace.id)
        .where(SlotPlace.booking_id.is_(None), SlotPlace.held_until <= now)
        # Rows that a caller is just taking are left alone: waiting for them could end in a circle.
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(expired).all()
    session.execute(delete(SlotPlace).where(SlotPlace.id.in_(ids)))
    return len(ids)


def may_book(
    session: Session,
    service: str,
    *,
    citizen_id: int | None,
    contact_e164: str | None,
    now: datetime,
    tax_code: str | None = None,
) -> bool:
    """Whether this citizen may have one more appointment. Who has neither a name nor a number may not.

    ``tax_code`` is that of somebody who is not in the register. Raises :class:`UnknownService`.
    """
    theirs = _theirs(citizen_id, tax_code, contact_e164)
    if theirs is None:
        return False
    booked = session.scalar(
        select(func.count())
        .select_from(Booking)
        .where(
            theirs,
            Booking.service_code == service,
            Booking.state == BookingState.BOOKED,
            Booking.starts_at > now,
        )
    )
    return (booked or 0) < _service(session, service).most_per_citizen


def book(session: Session, order: BookingOrder, *, now: datetime, by: str | None = None) -> Booking:
    """Book the slot and write consent and SMS receipt, all in the caller's transaction.

    The slot is best held before; without a hold it is taken if it is free. The same ``holder`` gives the same
    appointment however often it is booked. ``by`` is the log-in of an operator who books for a citizen.

    Raises:
        SlotTaken: the hold ran out and somebody else was quicker.
        TooMany: the citizen has enough appointments, or is nobody whose appointments can be counted.
        UnknownService: see there.
    """
    known = session.scalar(select(Booking).where(Booking.idempotency_key == order.holder))
    if known is not None:
        return known
    # Two calls of one citizen at once must not both count before either has booked.
    one_at_a_time(
        session, f"bookings of {order.citizen_id or order.applicant_tax_code or order.contact_e164}"
    )
    if not may_book(
        session,
        order.service,
        citizen_id=order.citizen_id,
        tax_code=order.applicant_tax_code,
        contact_e164=order.contact_e164,
        now=now,
    ):
        raise TooMany
    slot, place = _take(
        session, order.service, order.starts_at, holder=order.holder, channel=order.channel, now=now
    )
    booking = _new_booking(session, order, slot, now)
    _occupy(session, place, booking)
    _note(session, booking, BookingStep.BOOKED, by=by or order.channel.value, now=now)
    note_agreement(session, order, by=by or order.call_unique_id or order.holder, now=now)
    if order.sms:
        _tell(session, booking, BookingStep.BOOKED, now)
    return booking


def move(
    session: Session,
    booking_id: int,
    starts: datetime,
    *,
    holder: str,
    by: str,
    now: datetime,
    channel: Channel = Channel.PHONE,
) -> Booking:
    """Give the appointment another time of the same service; the reference stays. Writes the SMS.

    Raises:
        NotBooked: see there.
        SlotTaken: also if ``starts`` is the time it has. The appointment stays as it was.
    """
    booking = _to_come(session, booking_id, now)
    if starts == booking.starts_at:
        raise SlotTaken
    slot, place = _take(session, booking.service_code, starts, holder=holder, channel=channel, now=now)
    _take_back_reminder(session, booking, now)
    session.execute(delete(SlotPlace).where(SlotPlace.booking_id == booking.id))
    booking.starts_at, booking.ends_at = slot.starts, slot.ends
    booking.revision += 1
    _occupy(session, place, booking)
    _note(session, booking, BookingStep.MOVED, by=by, now=now)
    _tell(session, booking, BookingStep.MOVED, now)
    return booking


def cancel(session: Session, booking_id: int, *, by: str, now: datetime) -> Booking:
    """Cancel the appointment; its place is free at once. Writes the SMS. Raises :class:`NotBooked`."""
    booking = _to_come(session, booking_id, now)
    _take_back_reminder(session, booking, now)
    session.execute(delete(SlotPlace).where(SlotPlace.booking_id == booking.id))
    booking.state = BookingState.CANCELLED
    booking.revision += 1
    _note(session, booking, BookingStep.CANCELLED, by=by, now=now)
    _tell(session, booking, BookingStep.CANCELLED, now)
    return booking


def note_came(session: Session, booking_id: int, *, came: bool, now: datetime) -> Booking:
    """Note whether the citizen came; the last word counts.

    Raises :class:`NotBooked` for an appointment that was cancelled or is still to come.
    """
    booking = session.get(Booking, booking_id, with_for_update=True, populate_existing=True)
    if booking is None or booking.state is not BookingState.BOOKED or booking.starts_at > now:
        raise NotBooked
    booking.came = came
    session.flush()
    return booking


def appointments_of(session: Session, whose: Whose, *, now: datetime) -> Sequence[Booking]:
    """The appointments to come of a citizen, or of somebody outside the register, the next one first."""
    return session.scalars(
        select(Booking)
        .where(belongs_to(Booking, whose), Booking.state == BookingState.BOOKED, Booking.starts_at > now)
        .order_by(Booking.starts_at, Booking.id)
    ).all()


def appointment_by_reference(session: Session, reference: str, *, now: datetime) -> Booking | None:
    """The appointment to come with that reference. Whether the caller may know of it is not asked here."""
    return session.scalar(
        select(Booking).where(
            Booking.reference == reference, Booking.state == BookingState.BOOKED, Booking.starts_at > now
        )
    )


def appointments_at(
    session: Session, office: str, *, begin: datetime, end: datetime
) -> Sequence[Booking] | None:
    """An office's appointments from ``begin`` to before ``end``, cancelled ones too.

    ``None`` if there is no such office.
    """
    if session.get(Office, office) is None:
        return None
    return session.scalars(
        select(Booking)
        .join(AppointmentService)
        .where(AppointmentService.office_code == office, Booking.starts_at >= begin, Booking.starts_at < end)
        .options(
            joinedload(Booking.service).joinedload(AppointmentService.office),
            joinedload(Booking.citizen),
            selectinload(Booking.history),
        )
        .order_by(Booking.starts_at, Booking.id)
    ).all()


def _service(session: Session, code: str) -> AppointmentService:
    service = session.get(AppointmentService, code)
    if service is None or not service.active:
        raise UnknownService(code)
    return service


def agenda_of(
    session: Session, service: AppointmentService, now: datetime, *, at_the_desk: bool = False
) -> Agenda:
    """When the service receives from the day of ``now`` on, offered or not, and by which rules.

    ``at_the_desk`` is for operators: the earliest notice is for citizens who are not there yet.
    """
    absences = select(Absence).where(Absence.office_code == service.office_code, Absence.ends_at > now)
    return Agenda(
        patterns=[Pattern(row.weekday, row.begins, row.ends) for row in service.patterns],
        slot_length=timedelta(minutes=service.slot_minutes),
        capacity=service.capacity,
        notice=timedelta() if at_the_desk else timedelta(hours=service.notice_hours),
        horizon_days=service.horizon_days,
        kept_percent=service.kept_percent,
        kept_until_days=service.kept_until_days,
        closed_days=_closed_days(session, now),
        absences=[Span(row.begins_at, row.ends_at) for row in session.scalars(absences)],
    )


def _agenda(session: Session, code: str, now: datetime, channel: Channel) -> Agenda:
    return agenda_of(session, _service(session, code), now, at_the_desk=channel is Channel.COUNTER)


def _closed_days(session: Session, now: datetime) -> frozenset[date]:
    today = now.astimezone(ROME).date()
    return frozenset(session.scalars(select(Closure.day).where(Closure.day >= today)))


def _taken(
    session: Session, service: str, when: ColumnElement[bool], *, now: datetime, holder: str | None
) -> dict[datetime, set[int]]:
    """The places that are booked, or held by others, by the beginning of their slot."""
    held_by_others = SlotPlace.held_until > now
    if holder is not None:
        held_by_others &= SlotPlace.holder != holder
    rows = session.execute(
        select(SlotPlace.starts_at, SlotPlace.place).where(
            SlotPlace.service_code == service, when, or_(SlotPlace.booking_id.is_not(None), held_by_others)
        )
    )
    taken: dict[datetime, set[int]] = {}
    for starts, place in rows:
        taken.setdefault(starts, set()).add(place)
    return taken


def _open_places(agenda: Agenda, slot: Slot, taken: set[int], channel: Channel, now: datetime) -> list[int]:
    """The places of ``slot`` that ``channel`` may still take, in ascending order."""
    if len(taken) >= slot.capacity:
        # Also after the capacity was lowered below what is booked.
        return []
    first = agenda.kept_now(slot, now) if channel is Channel.WEB else 0
    return [place for place in range(first, slot.capacity) if place not in taken]


def _take(
    session: Session, service: str, starts: datetime, *, holder: str, channel: Channel, now: datetime
) -> tuple[Slot, int]:
    """Hold a place of the slot: the slot and the id of the row. Raises :class:`SlotTaken`."""
    agenda = _agenda(session, service, now, channel)
    mine = session.scalar(
        select(SlotPlace.place).where(
            SlotPlace.service_code == service, SlotPlace.starts_at == starts, SlotPlace.holder == holder
        )
    )
    slot = agenda.slot_at(starts)
    # The earliest notice may pass while somebody decides about a slot that was offered in time.
    if slot is None or (mine is None and not agenda.gives(slot, now)):
        raise SlotTaken
    taken = _taken(session, service, SlotPlace.starts_at == starts, now=now, holder=holder)
    places = _open_places(agenda, slot, taken.get(starts, set()), channel, now)
    # What was looked up only saves vain tries: the statement below decides.
    for place in places if mine is None else [mine]:
        free_or_mine = (SlotPlace.held_until <= now) | (SlotPlace.holder == holder)
        row = session.scalar(
            insert(session.get_bind().dialect.name, SlotPlace.__table__)
            .values(service_code=service, starts_at=starts, place=place, holder=holder, held_until=now + HOLD)
            .on_conflict_do_update(
                index_elements=[SlotPlace.service_code, SlotPlace.starts_at, SlotPlace.place],
                set_={"holder": holder, "held_until": now + HOLD},
                where=SlotPlace.booking_id.is_(None) & free_or_mine,
            )
            .returning(SlotPlace.id)
        )
        if row is not None:
            return slot, row
    raise SlotTaken


def _occupy(session: Session, place: int, booking: Booking) -> None:
    session.execute(
        update(SlotPlace).where(SlotPlace.id == place).values(booking_id=booking.id, held_until=None)
    )


def _theirs(
    citizen_id: int | None, tax_code: str | None, contact_e164: str | None
) -> ColumnElement[bool] | None:
    if citizen_id is not None:
        return Booking.citizen_id == citizen_id
    if tax_code is not None:
        return Booking.applicant_tax_code == tax_code
    if contact_e164 is not None:
        return Booking.citizen_id.is_(None) & (Booking.contact_e164 == contact_e164)
    return None


def _new_booking(session: Session, order: BookingOrder, slot: Slot, now: datetime) -> Booking:
    call_id = None
    if order.call_unique_id is not None:
        call_id = session.scalar(select(Call.id).where(Call.unique_id == order.call_unique_id))
    return add_with_reference(
        session,
        lambda reference: Booking(
            reference=reference,
            service_code=order.service,
            starts_at=slot.starts,
            ends_at=slot.ends,
            state=BookingState.BOOKED,
            channel=order.channel,
            citizen_id=order.citizen_id,
            contact_e164=order.contact_e164,
            applicant=order.applicant,
            applicant_tax_code=order.applicant_tax_code,
            identified_by=order.identified_by,
            identity_recording=str(order.identity_recording) if order.identity_recording else None,
            language=order.language,
            idempotency_key=order.holder,
            call_id=call_id,
            booked_at=now,
        ),
    )


def reminder_key(booking: Booking) -> str:
    """What makes a reminder one: the appointment and the time it has."""
    return f"reminder {booking.id} {booking.starts_at:%Y%m%d%H%M}"


def _take_back_reminder(session: Session, booking: Booking, now: datetime) -> None:
    """A reminder that was not sent yet would tell a wrong time."""
    session.execute(
        update(Message)
        .where(
            Message.idempotency_key == reminder_key(booking),
            Message.state.in_((MessageState.CREATED, MessageState.VOICE_NOTICE)),
        )
        .values(not_after=now)
        .execution_options(synchronize_session=False)
    )


def _to_come(session: Session, booking_id: int, now: datetime) -> Booking:
    booking = session.get(Booking, booking_id, with_for_update=True, populate_existing=True)
    if booking is None or booking.state is not BookingState.BOOKED or booking.starts_at <= now:
        raise NotBooked
    return booking


def _note(session: Session, booking: Booking, step: BookingStep, *, by: str, now: datetime) -> None:
    session.add(BookingChange(booking_id=booking.id, step=step, starts_at=booking.starts_at, at=now, by=by))
    session.flush()
    data = {
        "reference": booking.reference,
        "service": booking.service_code,
        "channel": booking.channel.value,
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
    }
    note_event(session, EVENTS[step], data, now=now)


def _tell(session: Session, booking: Booking, step: BookingStep, now: datetime) -> None:
    """Write the SMS where the number has consented.

    What the appointment is for stays out of it: others read a family's telephone too.
    """
    starts = booking.starts_at.astimezone(ROME)
    values = {"ref": booking.reference, "day": f"{starts:%d/%m/%Y}", "time": f"{starts:%H:%M}"}
    if step is not BookingStep.CANCELLED:
        office = _service(session, booking.service_code).office
        values["place"] = "".join(letter for letter in office.place if letter in GSM_7)
    write_if_agreed(
        session,
        to=booking.contact_e164,
        template=TEMPLATES[step],
        values=values,
        language=booking.language,
        request_id=None,
        now=now,
    )
