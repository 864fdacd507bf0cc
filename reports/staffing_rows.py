"""What staffing rests on, read from the database: past calls, how long they take, who is logged in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.calendar import is_holiday
from desk.models import OpeningHours
from reports.calls import half_hours, total
from reports.forecast import History
from reports.occupancy import occupancy
from reports.periods import Period, day_in_rome, slot_of

#: Handling and patience are means over so many days: they change slowly.
RECENT = timedelta(days=90)
#: How far back calls are looked at: two years know each season twice.
REACH = timedelta(days=730)
#: Fewer abandons than this say nothing of patience.
_ABANDONS = 20


class NothingRecorded(ValueError):
    """There are no answered calls to learn from."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What the town's own rows say; times are seconds."""

    history: History
    #: Talk and wrap-up of a call.
    handling: float
    #: After how long callers give up on average; infinite where too few did.
    patience: float
    #: Phones of the desk that are not paused, on average while it is open.
    logged_in: float
    #: Days from now on which the desk is open.
    open_weekdays: frozenset[int]

    def open_days(self, first: date, weeks: int) -> list[date]:
        """The open days of so many weeks."""
        days = (first + timedelta(days=number) for number in range(7 * weeks))
        return [day for day in days if day.weekday() in self.open_weekdays and not is_holiday(day)]


def read_workload(session: Session, *, now: datetime) -> Workload:
    """What was recorded until yesterday. Raises :class:`NothingRecorded`."""
    yesterday = day_in_rome(now) - timedelta(days=1)
    recent = Period(yesterday - RECENT, yesterday)
    calls = total(session, recent)
    if not calls.aht:
        raise NothingRecorded("no answered calls of the last three months: were they counted?")
    # Who was answered would have waited longer: all time waited, by how many gave up (exponential).
    patience = math.inf
    if calls.abandoned >= _ABANDONS:
        patience = max(1.0, (calls.waited_answered + calls.waited_abandoned) / calls.abandoned)
    weekdays = frozenset(session.scalars(select(OpeningHours.weekday)))
    there = occupancy(session, recent, now=now)
    return Workload(
        _history(session, Period(yesterday - REACH, yesterday), weekdays),
        calls.aht,
        patience,
        sum(
            (one.open_seconds - one.paused_seconds) / one.open_seconds
            for extension, one in there.items()
            if extension and one.open_seconds
        ),
        weekdays,
    )


def _history(session: Session, period: Period, weekdays: frozenset[int]) -> History:
    offered: dict[date, dict[int, int]] = {}
    for at, (calls, _) in half_hours(session, period).items():
        slot = slot_of(at)
        halves = offered.setdefault(slot.day, {})
        halves[slot.half] = halves.get(slot.half, 0) + calls
    if not offered:
        return History({})
    days: Mapping[date, dict[int, int]] = {
        day: offered.get(day, {})
        for day in period
        if day >= min(offered) and day.weekday() in weekdays and not is_holiday(day)
    }
    return History(days)
