"""Changing an agenda: its rules, the spans of its week, absences; and saying whom a change would strand.

Every change is made and then looked at, in one transaction: if appointments to come have lost their slot by
it, it is only kept when whoever makes it knows of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from desk.appointments import agenda_of
from desk.models import Absence, AppointmentService, Booking, BookingState, Office, SlotPattern
from desk.settings import ROME
from desk.slots import Slot
from desk.town_changes import note_change, values_of


class WouldStrand(Exception):
    """Appointments to come would have no slot any more; nothing is changed. ``bookings`` says which."""

    def __init__(self, bookings: Sequence[Booking]) -> None:
        super().__init__(f"{len(bookings)} appointments to come would have no slot")
        self.bookings = tuple(bookings)


class Overlaps(ValueError):
    """The span overlaps another one of the same weekday."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a service's agenda; see :class:`~desk.models.AppointmentService`."""

    slot_minutes: int
    capacity: int
    notice_hours: int
    horizon_days: int
    most_per_citizen: int
    kept_percent: int
    kept_until_days: int
    active: bool


def stranded(session: Session, services: Sequence[AppointmentService], *, now: datetime) -> Sequence[Booking]:
    """The appointments to come for which there is no slot, or no place in it, the next one first."""
    found: list[Booking] = []
    for service in services:
        bookings = session.scalars(
            select(Booking)
            .where(
                Booking.service_code == service.code,
                Booking.state == BookingState.BOOKED,
                Booking.starts_at > now,
            )
            .options(joinedload(Booking.citizen))
            .order_by(Booking.booked_at, Booking.id)
        ).all()
        agenda = agenda_of(session, service, now)
        slots: dict[datetime, Slot] = {}
        for day in {booking.starts_at.astimezone(ROME).date() for booking in bookings}:
            slots |= {slot.starts: slot for slot in agenda.slots_of(day)}
        taken: defaultdict[datetime, int] = defaultdict(int)
        for booking in bookings:
            slot = slots.get(booking.starts_at)
            taken[booking.starts_at] += 1
            fits = slot is not None and slot.ends == booking.ends_at
            if not (service.active and fits and taken[booking.starts_at] <= agenda.capacity):
                found.append(booking)
    return sorted(found, key=lambda booking: (booking.starts_at, booking.id))


@contextmanager
def stranding_nobody(
    session: Session, services: Sequence[AppointmentService], *, now: datetime, accepted: bool
) -> Iterator[None]:
    """A change of the agendas of ``services``. Raises :class:`WouldStrand` out of it, unless ``accepted``.

    What had lost its slot before is not asked about again.
    """
    before = {booking.id for booking in stranded(session, services, now=now)}
    yield
    session.flush()
    for service in services:
        session.expire(service, ["patterns"])
    new = [booking for booking in stranded(session, services, now=now) if booking.id not in before]
    if new and not accepted:
        raise WouldStrand(new)


def change_rules(
    session: Session, service: AppointmentService, rules: Rules, *, by: str, now: datetime, accepted: bool
) -> None:
    """Give the service other rules. Raises :class:`WouldStrand`."""
    before = values_of(service)
    with stranding_nobody(session, [service], now=now, accepted=accepted):
        for name, value in asdict(rules).items():
            setattr(service, name, value)
    note_change(
        session,
        by=by,
        what="appointment_services",
        which=service.code,
        before=before,
        after=values_of(service),
        now=now,
    )


def add_pattern(
    session: Session,
    service: AppointmentService,
    *,
    weekday: int,
    begins: time,
    ends: time,
    by: str,
    now: datetime,
) -> SlotPattern:
    """Let the service receive in one more span of the week. Raises :class:`Overlaps`.

    Slots that are there stay where they are, since no two spans of a service overlap.
    """
    # A span of another service of the office is the same people's time.
    others = session.scalars(
        select(SlotPattern)
        .join(AppointmentService, AppointmentService.code == SlotPattern.service_code)
        .where(
            AppointmentService.office_code == service.office_code,
            AppointmentService.active,
            SlotPattern.weekday == weekday,
            SlotPattern.begins < ends,
            SlotPattern.ends > begins,
        )
    ).first()
    if others is not None:
        raise Overlaps
    pattern = SlotPattern(service_code=service.code, weekday=weekday, begins=begins, ends=ends)
    session.add(pattern)
    session.flush()
    session.expire(service, ["patterns"])
    note_change(
        session,
        by=by,
        what="slot_patterns",
        which=service.code,
        before=None,
        after=values_of(pattern),
        now=now,
    )
    return pattern


def remove_pattern(session: Session, pattern: SlotPattern, *, by: str, now: datetime, accepted: bool) -> None:
    """Let the service receive in that span no more. Raises :class:`WouldStrand`."""
    service = session.get_one(AppointmentService, pattern.service_code)
    before = values_of(pattern)
    with stranding_nobody(session, [service], now=now, accepted=accepted):
        session.delete(pattern)
    note_change(session, by=by, what="slot_patterns", which=service.code, before=before, after=None, now=now)


def add_absence(
    session: Session,
    office: Office,
    *,
    begins_at: datetime,
    ends_at: datetime,
    reason: str,
    by: str,
    now: datetime,
    accepted: bool,
) -> Absence:
    """Let the office receive nobody in that time. Raises :class:`WouldStrand`."""
    absence = Absence(office_code=office.code, begins_at=begins_at, ends_at=ends_at, reason=reason)
    with stranding_nobody(session, office.services, now=now, accepted=accepted):
        session.add(absence)
    note_change(
        session, by=by, what="absences", which=office.code, before=None, after=values_of(absence), now=now
    )
    return absence


def remove_absence(session: Session, absence: Absence, *, by: str, now: datetime) -> None:
    """Let the office receive again in that time."""
    before = values_of(absence)
    session.delete(absence)
    note_change(
        session, by=by, what="absences", which=absence.office_code, before=before, after=None, now=now
    )
