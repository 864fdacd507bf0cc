"""When the desk is open: pure decisions on a town's hours, Italy's holidays and what was decided by hand.

Every time is an aware datetime, read on the clock of Europe/Rome, also in the night of the clock change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from typing import TYPE_CHECKING, Self, TypeVar

from desk.calendar import is_holiday
from desk.settings import ROME

if TYPE_CHECKING:
    from desk.town import Override, Town

T = TypeVar("T", int, date)

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


#: From an opening up to, but not including, a closing; both in UTC: two times on Rome's clock compare without
#: their offset.
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A week of intervals (0 is Monday), the days on which others apply, and what was decided by hand.

    The special intervals of a day replace those of its weekday, on holidays too; a closure closes the whole
    day whatever they say. While the override is in force, it alone counts.
    """

    week: Mapping[int, tuple[Interval, ...]]
    closures: frozenset[date] = frozenset()
    special: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)
    override: Override | None = None

    @classmethod
    def of(cls, town: Town) -> Self:
        """The hours of a town."""
        return cls.from_rows(
            ((row.weekday, Interval(row.opens, row.closes)) for row in town.opening_hours),
            (closure.day for closure in town.closures),
            ((row.day, Interval(row.opens, row.closes)) for row in town.special_hours),
            town.override,
        )

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[tuple[int, Interval]],
        closures: Iterable[date] = (),
        special: Iterable[tuple[date, Interval]] = (),
        override: Override | None = None,
    ) -> Self:
        """From (weekday, interval) and (day, interval) pairs in any order.

        Overlapping or touching intervals become one.
        """
        return cls(_by_day(rows), frozenset(closures), _by_day(special), override)

    def day(self, day: date) -> tuple[Interval, ...]:
        """The regular intervals of a day in order; none on closures, nor on holidays without special ones."""
        if day in self.closures:
            return ()
        if day in self.special:
            return self.special[day]
        return () if is_holiday(day) else self.week.get(day.weekday(), ())

    def told(self, day: date) -> tuple[tuple[time, time], ...]:
        """The spans of a day as they are told, the override included; midnight closes at ``time(0)``."""
        begin, end = _moment(day, time()), _moment(day + timedelta(days=1), time())
        told = []
        for opens, closes in self._spans(day):
            if opens >= end:
                break
            # What is decided by hand begins within a minute, and clocks are told without seconds.
            first, last = (moment.replace(second=0, microsecond=0) for moment in (opens, closes))
            first, last = max(first, begin), min(last, end)
            if first < last:
                told.append((first.astimezone(ROME).time(), last.astimezone(ROME).time()))
        return tuple(told)

    def is_open(self, at: datetime) -> bool:
        """Whether the desk is open at that moment."""
        return self.closes_at(at) is not None

    def closes_at(self, at: datetime) -> datetime | None:
        """When it closes, if it is open now; in Europe/Rome."""
        now = at.astimezone(UTC)
        for opens, closes in self._spans(_day_of(at)):
            if opens > now:
                break
            if now < closes:
                return closes.astimezone(ROME)
        return None

    def next_opening(self, at: datetime) -> datetime | None:
        """The next time it opens after that moment, in Europe/Rome; None if it does not within a year."""
        for opens, _closes in self._spans(_day_of(at)):
            if opens > at.astimezone(UTC):
                return opens.astimezone(ROME)
        return None

    def in_force(self, at: datetime) -> Override | None:
        """The override, if it counts at that moment."""
        override = self.override
        return override if override and override.begins <= at < override.ends else None

    def regular(self) -> Self:
        """The same hours without what was decided by hand."""
        return replace(self, override=None)

    def regular_end(self, at: datetime, *, opened: bool) -> datetime:
        """Until when an override of that moment lasts by itself, in Europe/Rome.

        That is when the regular hours next turn to the same state: the next closing for a desk closed by
        hand, the next opening for one that was opened. At the latest it is midnight: an override that
        somebody forgot must not hold the next day up.
        """
        midnight = datetime.combine(_day_of(at) + timedelta(days=1), time(), tzinfo=ROME)
        now = at.astimezone(UTC)
        spans = self.regular()._spans(_day_of(at))
        turns = (opens if opened else closes for opens, closes in spans)
        turn = next((turn for turn in turns if turn > now), None)
        return midnight if turn is None or turn > midnight.astimezone(UTC) else turn.astimezone(ROME)

    def _spans(self, day: date) -> Iterator[Span]:
        """The times in which it is open in order, from ``day`` on for a year. None touches the one before."""
        override = self.override
        regular = self._regular_spans(day)
        if override is None:
            return regular
        begins, ends = override.begins.astimezone(UTC), override.ends.astimezone(UTC)
        if override.open:
            return _joined(merge([(begins, ends)], regular))
        return _without(regular, begins, ends)

    def _regular_spans(self, first: date) -> Iterator[Span]:
        for ahead in range(_HORIZON_DAYS + 1):
            day = first + timedelta(days=ahead)
            for interval in self.day(day):
                opens, closes = _moment(day, interval.opens), _moment(day, interval.closes)
                # An interval within the hour that the clocks skip in March does not exist that day.
                if opens < closes:
                    yield opens, closes


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans in order, those that overlap or touch as one."""
    current: Span | None = None
    for opens, closes in spans:
        if current is None:
            current = opens, closes
        elif opens <= current[1]:
            current = current[0], max(current[1], closes)
        else:
            yield current
            current = opens, closes
    if current is not None:
        yield current


def _without(spans: Iterable[Span], begins: datetime, ends: datetime) -> Iterator[Span]:
    """What is left of spans outside of a time."""
    for opens, closes in spans:
        before, after = min(closes, begins), max(opens, ends)
        if opens < before:
            yield opens, before
        if after < closes:
            yield after, closes


def _day_of(at: datetime) -> date:
    if at.tzinfo is None:
        raise ValueError("a time without a time zone says nothing")
    return at.astimezone(ROME).date()


def _moment(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=ROME).astimezone(UTC)


def _by_day(rows: Iterable[tuple[T, Interval]]) -> dict[T, tuple[Interval, ...]]:
    rows = list(rows)
    return {day: _merged(interval for of, interval in rows if of == day) for day in {day for day, _ in rows}}


def _merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    merged: list[Interval] = []
    for interval in sorted(intervals):
        if merged and interval.opens <= merged[-1].closes:
            merged[-1] = Interval(merged[-1].opens, max(merged[-1].closes, interval.closes))
        else:
            merged.append(interval)
    return tuple(merged)
