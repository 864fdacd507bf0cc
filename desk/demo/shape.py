"""The shape of the demo year: how much happens on which days and in which half hours, and who is at work."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from desk.calendar import is_holiday
from desk.settings import ROME

_HALF = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Span:
    """Opening hours: one span of a weekday (0 is Monday), on Rome's clock."""

    weekday: int
    opens: time
    closes: time


@cache
def figures() -> dict[str, Any]:
    """What ``year.toml`` says."""
    return tomllib.loads(Path(__file__).with_name("year.toml").read_text(encoding="utf-8"))


def some(random: Random, expected: float) -> int:
    """How many there are of what is ``expected`` on average and comes at random (Poisson)."""
    number, left = 0, random.expovariate(1)
    while left < expected:
        number += 1
        left += random.expovariate(1)
    return number


class Shape:
    """The open days of a year and their weights."""

    def __init__(self, year: int, hours: Sequence[Span]) -> None:
        self.year = year
        self._hours = hours
        days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
        self.days = [day for day in days if day.year == year]
        self.open_days = [day for day in self.days if self.spans(day)]
        raw = {day: self._raw(day) for day in self.open_days}
        mean = sum(raw.values()) / len(raw)
        #: How many times as much as on an average open day.
        self.factors = {day: weight / mean for day, weight in raw.items()}
        self._spans = [span for day in self.open_days for span in self.spans(day)]
        self._ends = [ends for _, ends in self._spans]

    def spans(self, day: date) -> list[tuple[datetime, datetime]]:
        """From when to when the desk is open on ``day``."""
        if is_holiday(day):
            return []
        return [
            (datetime.combine(day, span.opens, ROME), datetime.combine(day, span.closes, ROME))
            for span in self._hours
            if span.weekday == day.weekday()
        ]

    def moments(self, random: Random, day: date, expected: float) -> list[datetime]:
        """When something happens that is ``expected`` so often on that open day, in order."""
        halves = self._halves(day)
        number = some(random, expected)
        found = []
        for begins, ends, _ in random.choices(halves, [weight for *_, weight in halves], k=number):
            found.append(begins + (ends - begins) * random.random())
        return sorted(found)

    def closed_moments(self, random: Random, day: date, expected: float) -> list[datetime]:
        """The same for an hour at which citizens are awake and the desk is closed."""
        spans = self.spans(day)
        found = []
        for _ in range(some(random, expected)):
            at = datetime.combine(day, time(8), ROME) + timedelta(seconds=random.uniform(0, 13.5 * 3600))
            if not any(begins <= at < ends for begins, ends in spans):
                found.append(at)
        return sorted(found)

    def working(self, at: datetime) -> datetime:
        """``at``, or the next moment at which the desk is open; the year's end if there is none."""
        place = bisect_right(self._ends, at)
        if place == len(self._spans):
            return max(at, datetime(self.year + 1, 1, 1, tzinfo=ROME))
        return max(at, self._spans[place][0])

    def busy(self, at: datetime) -> float:
        """The share of time for which a counter has somebody in front of it."""
        weight = _weight(at.astimezone(ROME).time())
        return min(0.85, 0.2 + 0.17 * weight * min(1.5, self.factors.get(at.astimezone(ROME).date(), 0)))

    def _raw(self, day: date) -> float:
        weight = sum(weight for *_, weight in self._halves(day))
        return weight * float(figures()["months"][day.month - 1]) * uplift(day)

    def _halves(self, day: date) -> list[tuple[datetime, datetime, float]]:
        found = []
        for begins, ends in self.spans(day):
            at = begins
            while at < ends:
                until = min(at + _HALF, ends)
                found.append((at, until, _weight(at.time()) * ((until - at) / _HALF)))
                at = until
        return found


def uplift(day: date, category: str | None = None) -> float:
    """How many times as many come because of a deadline (of that category of visits)."""
    times = 1.0
    for span in figures()["busy"]:
        if tuple(span["begins"]) <= (day.month, day.day) <= tuple(span["ends"]):
            if category is None:
                times *= span["times"]
            elif category == span["category"]:
                # All that is more is about this.
                times *= 1 + 8 * (span["times"] - 1)
    return times


def _weight(at: time) -> float:
    found = 0.3
    for begins, weight in figures()["half_hours"]:
        if at >= begins:
            found = weight
    return float(found)
