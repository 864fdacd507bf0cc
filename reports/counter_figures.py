"""Figures of the counter: what citizens come for, when, and whether they keep their appointments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import (
    AppointmentService,
    Booking,
    BookingChange,
    BookingState,
    BookingStep,
    CounterService,
    CounterVisit,
    FlowCategory,
)
from reports.calls import HeatMap
from reports.periods import Period, day_in_rome, slot_of


class FlowBy(StrEnum):
    """What visits are told apart by."""

    CATEGORY = "category"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Flow:
    """Visits for one thing, and their share of all; ``None`` if nobody came at all."""

    code: str
    name_it: str
    name_en: str
    visits: int
    share: float | None


@dataclass(frozen=True, slots=True)
class AppointmentFigures:
    """Appointments whose time was in a period."""

    #: Not cancelled, and their time is over.
    due: int = 0
    kept: int = 0
    missed: int = 0
    to_come: int = 0
    #: Moved to another time, or cancelled, in the period.
    moved: int = 0
    cancelled: int = 0

    @property
    def not_noted(self) -> int:
        """Nobody said whether the citizen came."""
        return self.due - self.kept - self.missed

    @property
    def kept_share(self) -> float | None:
        """Kept ÷ (kept + missed)."""
        known = self.kept + self.missed
        return self.kept / known if known else None

    @property
    def missed_share(self) -> float | None:
        """Missed ÷ (kept + missed)."""
        known = self.kept + self.missed
        return self.missed / known if known else None


def counter_flow(session: Session, period: Period, *, by: FlowBy = FlowBy.CATEGORY) -> tuple[Flow, ...]:
    """What citizens came to the counter for, in the town's own order; what nobody came for is there, too."""
    column = CounterVisit.category_code if by is FlowBy.CATEGORY else CounterVisit.service_code
    visits: Mapping[str, int] = dict(
        session.execute(
            select(column, func.count())
            .where(CounterVisit.at >= period.begins_at, CounterVisit.at < period.ends_at)
            .group_by(column)
        ).all()
    )
    whole = sum(visits.values())
    return tuple(
        Flow(row.code, row.name_it, row.name_en, count, count / whole if whole else None)
        for row in _things(session, by)
        for count in (visits.get(row.code, 0),)
    )


def _things(session: Session, by: FlowBy) -> Sequence[FlowCategory] | Sequence[CounterService]:
    if by is FlowBy.CATEGORY:
        return session.scalars(select(FlowCategory).order_by(FlowCategory.position)).all()
    return session.scalars(select(CounterService).order_by(CounterService.position)).all()


def visits_in(session: Session, period: Period) -> int:
    """How many visits there were."""
    return (
        session.scalar(
            select(func.count())
            .select_from(CounterVisit)
            .where(CounterVisit.at >= period.begins_at, CounterVisit.at < period.ends_at)
        )
        or 0
    )


def visits_a_week(session: Session, period: Period) -> float | None:
    """Mean number of visits in seven days; ``None`` if nobody came."""
    visits = visits_in(session, period)
    return visits * 7 / len(period) if visits else None


def counter_heat_map(session: Session, period: Period) -> HeatMap:
    """When in the week citizens come to the counter."""
    visits: Counter[tuple[int, int]] = Counter()
    for at in session.scalars(
        select(CounterVisit.at).where(CounterVisit.at >= period.begins_at, CounterVisit.at < period.ends_at)
    ):
        slot = slot_of(at)
        visits[slot.day.weekday(), slot.half] += 1
    return HeatMap(Counter(day.weekday() for day in period), visits)


def visits_by_day(session: Session, period: Period) -> Mapping[date, int]:
    """Visits on each day of ``period``."""
    visits = Counter(
        day_in_rome(at)
        for at in session.scalars(
            select(CounterVisit.at).where(
                CounterVisit.at >= period.begins_at, CounterVisit.at < period.ends_at
            )
        )
    )
    return {day: visits[day] for day in period}


def appointment_figures(
    session: Session, period: Period, *, now: datetime
) -> Mapping[str, AppointmentFigures]:
    """Appointments by the office they are with; ``""`` is all of them."""
    counts: dict[str, Counter[str]] = {"": Counter()}
    for office in session.scalars(select(AppointmentService.office_code).distinct()):
        counts[office] = Counter()

    def count(office: str, what: str) -> None:
        counts[office][what] += 1
        counts[""][what] += 1

    for office, came, starts_at in session.execute(
        select(AppointmentService.office_code, Booking.came, Booking.starts_at)
        .join(AppointmentService, AppointmentService.code == Booking.service_code)
        .where(
            Booking.state == BookingState.BOOKED,
            Booking.starts_at >= period.begins_at,
            Booking.starts_at < period.ends_at,
        )
    ):
        if starts_at > now:
            count(office, "to_come")
            continue
        count(office, "due")
        if came is not None:
            count(office, "kept" if came else "missed")
    for office, step in session.execute(
        select(AppointmentService.office_code, BookingChange.step)
        .join(Booking, Booking.id == BookingChange.booking_id)
        .join(AppointmentService, AppointmentService.code == Booking.service_code)
        .where(
            BookingChange.step.in_((BookingStep.MOVED, BookingStep.CANCELLED)),
            BookingChange.at >= period.begins_at,
            BookingChange.at < period.ends_at,
        )
    ):
        count(office, step.value)
    return {office: AppointmentFigures(**found) for office, found in counts.items()}
