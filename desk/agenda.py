"""The agenda of an office as its people read it: every slot of a day, who comes, what is still free."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.appointments import agenda_of, appointments_at
from desk.calendar import is_holiday, midnight
from desk.models import Absence, AppointmentService, Booking, BookingState, Closure, Office, SlotPlace
from desk.slots import Slot


@dataclass(frozen=True, slots=True)
class Row:
    """A slot and who comes, or an appointment that no slot stands for (any more). Moments are aware."""

    starts: datetime
    ends: datetime
    #: 0 where there is no such slot.
    capacity: int
    bookings: Sequence[Booking]
    #: Places that somebody is just deciding about.
    held: int
    #: Places that can be given now; none in the past.
    free: int

    @property
    def is_slot(self) -> bool:
        """Whether the office receives then."""
        return self.capacity > 0


@dataclass(frozen=True, slots=True)
class ServiceDay:
    """One service on one day."""

    service: AppointmentService
    rows: Sequence[Row]

    @property
    def booked(self) -> int:
        """Appointments of the day that stand."""
        return sum(len(row.bookings) for row in self.rows)

    @property
    def free(self) -> int:
        """Places that can still be given."""
        return sum(row.free for row in self.rows)


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """An office on one day, on the calendar of Rome."""

    day: date
    holiday: bool
    closure: Closure | None
    absences: Sequence[Absence]
    services: Sequence[ServiceDay]
    #: Appointments that were cancelled.
    cancelled: Sequence[Booking]


def offices(session: Session) -> Sequence[Office]:
    """The offices in the order in which their services are spoken."""
    first = select(func.min(AppointmentService.position)).where(AppointmentService.office_code == Office.code)
    return session.scalars(select(Office).order_by(first.scalar_subquery(), Office.code)).all()


def read_days(
    session: Session, office: Office, *, first: date, days: int, now: datetime
) -> Sequence[OfficeDay]:
    """``days`` days of the office from ``first`` on."""
    begin, end = midnight(first), midnight(first + timedelta(days=days))
    bookings = appointments_at(session, office.code, begin=begin, end=end) or ()
    absences = session.scalars(
        select(Absence)
        .where(Absence.office_code == office.code, Absence.begins_at < end, Absence.ends_at > begin)
        .order_by(Absence.begins_at)
    ).all()
    closures = {
        row.day: row
        for row in session.scalars(
            select(Closure).where(Closure.day >= first, Closure.day < first + timedelta(days=days))
        )
    }
    held = _held(session, office, begin, end, now)
    agendas = [
        (service, agenda_of(session, service, begin, at_the_desk=True))
        for service in office.services
        if service.active or any(booking.service_code == service.code for booking in bookings)
    ]
    found = []
    for day in (first + timedelta(days=ahead) for ahead in range(days)):
        start, stop = midnight(day), midnight(day + timedelta(days=1))
        of_day = [booking for booking in bookings if start <= booking.starts_at < stop]
        standing = [booking for booking in of_day if booking.state is BookingState.BOOKED]
        services = []
        for service, agenda in agendas:
            theirs = [booking for booking in standing if booking.service_code == service.code]
            slots = {slot.starts: slot for slot in agenda.slots_of(day)} if service.active else {}
            given = {starts for starts, slot in slots.items() if agenda.gives(slot, now)}
            rows = _rows(slots, theirs, held.get(service.code, {}), given)
            services.append(ServiceDay(service, sorted(rows, key=lambda row: (row.starts, row.ends))))
        found.append(
            OfficeDay(
                day=day,
                holiday=is_holiday(day),
                closure=closures.get(day),
                absences=[each for each in absences if each.begins_at < stop and each.ends_at > start],
                services=services,
                cancelled=[booking for booking in of_day if booking.state is BookingState.CANCELLED],
            )
        )
    return found


def _rows(
    slots: dict[datetime, Slot], bookings: Sequence[Booking], held: dict[datetime, int], given: set[datetime]
) -> Iterator[Row]:
    by_start: defaultdict[datetime, list[Booking]] = defaultdict(list)
    for booking in bookings:
        slot = slots.get(booking.starts_at)
        if slot is not None and slot.ends == booking.ends_at:
            by_start[slot.starts].append(booking)
        else:
            yield Row(booking.starts_at, booking.ends_at, 0, [booking], 0, 0)
    for starts, slot in slots.items():
        theirs, waiting = by_start[starts], held.get(starts, 0)
        free = max(0, slot.capacity - len(theirs) - waiting) if starts in given else 0
        yield Row(starts, slot.ends, slot.capacity, theirs, waiting, free)


def _held(
    session: Session, office: Office, begin: datetime, end: datetime, now: datetime
) -> dict[str, dict[datetime, int]]:
    rows = session.execute(
        select(SlotPlace.service_code, SlotPlace.starts_at, func.count())
        .join(AppointmentService, AppointmentService.code == SlotPlace.service_code)
        .where(
            AppointmentService.office_code == office.code,
            SlotPlace.starts_at >= begin,
            SlotPlace.starts_at < end,
            SlotPlace.held_until > now,
        )
        .group_by(SlotPlace.service_code, SlotPlace.starts_at)
    )
    held: defaultdict[str, dict[datetime, int]] = defaultdict(dict)
    for service, starts, count in rows:
        held[service][starts] = count
    return held
