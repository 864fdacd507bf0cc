"""When the desk is open: pure decisions on a town's weekly hours, its closures and Italy's holidays.

Every time is an aware datetime, read on the clock of Europe/Rome, also in the night of the clock change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Self

from desk.calendar import is_holiday
from desk.settings import ROME

if TYPE_CHECKING:
    from desk.town import Town

#: How far ahead an opening is looked for. A town closed for longer has no next opening.
_HORIZON_DAYS = 366


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From the opening up to, but not including, the closing time on the same day (wall clock)."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError(f"opens {self.opens}, closes {self.closes}: the interval is empty")


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A week of intervals (0 is Monday), and the days on which they do not apply besides the holidays."""

    week: Mapping[int, tuple[Interval, ...]]
    closures: frozenset[date] = frozenset()

    @classmethod
    def of(cls, town: Town) -> Self:
        """The hours of a town."""
        rows = [(row.weekday, Interval(row.opens, row.closes)) for row in town.opening_hours]
        return cls.from_rows(rows, (closure.day for closure in town.closures))

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[int, Interval]], closures: Iterable[date] = ()) -> Self:
        """From (weekday, interval) pairs in any order; overlapping or touching intervals become one."""
        rows = list(rows)
        week = {
            weekday: _merged(interval for day, interval in rows if day == weekday)
            for weekday in {day for day, _ in rows}
        }
        return cls(week, frozenset(closures))

    def day(self, day: date) -> tuple[Interval, ...]:
        """The intervals of a day in order; none on holidays and closures."""
        if day in self.closures or is_holiday(day):
            return ()
        return self.week.get(day.weekday(), ())

    def is_open(self, at: datetime) -> bool:
        """Whether the desk is open at that moment."""
        return self.closes_at(at) is not None

    def closes_at(self, at: datetime) -> datetime | None:
        """When it closes, if it is open now; in Europe/Rome."""
        for opens, closes in self._spans(_day_of(at)):
            if opens <= at.astimezone(UTC) < closes:
                return closes.astimezone(ROME)
        return None

    def next_opening(self, at: datetime) -> datetime | None:
        """The next time it opens after that moment, in Europe/Rome; None if it does not within a year."""
        today = _day_of(at)
        for ahead in range(_HORIZON_DAYS + 1):
            for opens, _closes in self._spans(today + timedelta(days=ahead)):
                if opens > at.astimezone(UTC):
                    return opens.astimezone(ROME)
        return None

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The day's intervals as moments in UTC: two times on Rome's clock compare without their offset."""
        for interval in self.day(day):
            opens, closes = _moment(day, interval.opens), _moment(day, interval.closes)
            # An interval within the hour that the clocks skip in March does not exist that day.
            if opens < closes:
                yield opens, closes


def _day_of(at: datetime) -> date:
    if at.tzinfo is None:
        raise ValueError("a time without a time zone says nothing")
    return at.astimezone(ROME).date()


def _moment(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=ROME).astimezone(UTC)


def _merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and interval.opens <= merged[-1].closes:
            merged[-1] = Interval(merged[-1].opens, max(merged[-1].closes, interval.closes))
        else:
            merged.append(interval)
    return tuple(merged)
