"""Spans of days on Rome's calendar, and the half hours of a day.

A day is what Rome's calendar says: it has 23 hours when the clocks go forward, 25 when they go back.
Half hours are counted in UTC and carry the place on the clock they are shown at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from desk.settings import ROME

HALF_HOUR = timedelta(minutes=30)
#: Places of half hours on the clock.
HALVES = 48


@dataclass(frozen=True, slots=True)
class Period:
    """From the day ``first`` to the day ``last``, both included. Raises ``ValueError`` if it is empty."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"a period from {self.first} to {self.last} has no days")

    @property
    def begins_at(self) -> datetime:
        """The first moment, UTC."""
        return midnight(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment after it, UTC."""
        return midnight(self.last + timedelta(days=1))

    def __len__(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        for number in range(len(self)):
            yield self.first + timedelta(days=number)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def before(self) -> Period:
        """What it is compared with: the whole month or year before it, if it is one; else as many days."""
        end = self.first - timedelta(days=1)
        if self == year(self.first.year):
            return year(end.year)
        if self == month(self.first):
            return month(end)
        return Period(self.first - timedelta(days=len(self)), end)


def month(day: date) -> Period:
    """The month that ``day`` lies in."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def year(number: int) -> Period:
    """A calendar year."""
    return Period(date(number, 1, 1), date(number, 12, 31))


def week(day: date) -> Period:
    """The week, Monday to Sunday, that ``day`` lies in."""
    monday = day - timedelta(days=day.weekday())
    return Period(monday, monday + timedelta(days=6))


@lru_cache(maxsize=4096)
def midnight(day: date) -> datetime:
    """When ``day`` begins in Rome, UTC."""
    return datetime.combine(day, time(), ROME).astimezone(UTC)


def day_in_rome(at: datetime) -> date:
    """The day of Rome's calendar that ``at`` lies in."""
    return at.astimezone(ROME).date()


@dataclass(frozen=True, slots=True)
class Slot:
    """A half hour: its day, when it begins (UTC), and its place on Rome's clock (0 to 47)."""

    day: date
    begins_at: datetime
    half: int


def slot_of(at: datetime) -> Slot:
    """The half hour that ``at`` lies in."""
    # Rome's offset is whole hours, so half hours begin together there and in UTC.
    utc = at.astimezone(UTC)
    return _slot(utc.replace(minute=0 if utc.minute < 30 else 30, second=0, microsecond=0))


def slots_of(day: date) -> tuple[Slot, ...]:
    """The half hours of a day in order: 46, 48 or 50."""
    begins, ends = midnight(day), midnight(day + timedelta(days=1))
    return tuple(_slot(begins + number * HALF_HOUR) for number in range((ends - begins) // HALF_HOUR))


@lru_cache(maxsize=65536)
def _slot(begins_at: datetime) -> Slot:
    here = begins_at.astimezone(ROME)
    return Slot(here.date(), begins_at, here.hour * 2 + here.minute // 30)
