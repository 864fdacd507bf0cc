"""The slots of an agenda: which times of a day an office receives at, from its weekly patterns.

Patterns are wall clock Europe/Rome, slots are moments. On the days of the clock changes a time that does not
exist has no slot, and of a time that comes twice the first one is meant: what a citizen is told is never
ambiguous, and no two slots of a day overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from desk.calendar import is_holiday
from desk.settings import ROME


@dataclass(frozen=True, slots=True)
class Pattern:
    """A span of every week (0 is Monday), wall clock Europe/Rome."""

    weekday: int
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time, from ``begins`` to just before ``ends``, both aware."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot. ``starts`` and ``ends`` are aware, in UTC; ``kept`` places are for phone and counter."""

    starts: datetime
    ends: datetime
    capacity: int
    kept: int


@dataclass(frozen=True, slots=True)
class Agenda:
    """When a service receives, and by which rules it gives its slots away."""

    patterns: Sequence[Pattern]
    slot_length: timedelta
    capacity: int
    #: The earliest slot on offer begins so long after now, the latest so many days.
    notice: timedelta
    horizon_days: int
    #: This share of places (percent) is not given on the web until ``kept_until_days`` before.
    kept_percent: int
    kept_until_days: int
    closed_days: frozenset[date] = frozenset()
    absences: Sequence[Span] = ()

    def slots_of(self, day: date) -> Iterator[Slot]:
        """The slots of ``day`` in order, whoever has them."""
        if is_holiday(day) or day in self.closed_days:
            return
        for number, span in enumerate(self._spans(day)):
            # Counted before absences, so that an absence does not change which of the others are kept.
            kept = self._kept_before(number + 1) - self._kept_before(number)
            if not any(
                absence.begins < span.ends and span.begins < absence.ends for absence in self.absences
            ):
                yield Slot(span.begins, span.ends, self.capacity, kept)

    def slots_between(self, first: datetime, now: datetime) -> Iterator[Slot]:
        """The slots from ``first`` on that can be given at ``now``, in order."""
        earliest = max(first, now + self.notice)
        day = earliest.astimezone(ROME).date()
        while day <= self._last_day(now):
            yield from (slot for slot in self.slots_of(day) if slot.starts >= earliest)
            day += timedelta(days=1)

    def slot_at(self, starts: datetime) -> Slot | None:
        """The slot that begins at ``starts``, whoever has it."""
        day = starts.astimezone(ROME).date()
        return next((slot for slot in self.slots_of(day) if slot.starts == starts), None)

    def gives(self, slot: Slot, now: datetime) -> bool:
        """Whether ``slot`` lies between earliest notice and horizon as seen from ``now``."""
        return slot.starts >= now + self.notice and slot.starts.astimezone(ROME).date() <= self._last_day(now)

    def _last_day(self, now: datetime) -> date:
        return now.astimezone(ROME).date() + timedelta(days=self.horizon_days)

    def kept_now(self, slot: Slot, now: datetime) -> int:
        """How many places of ``slot`` the web does not give today."""
        days = (slot.starts.astimezone(ROME).date() - now.astimezone(ROME).date()).days
        return slot.kept if days >= self.kept_until_days else 0

    def _kept_before(self, slots: int) -> int:
        """Kept places among the first ``slots`` of a day: the share is spread evenly."""
        return slots * self.capacity * self.kept_percent // 100

    def _spans(self, day: date) -> Iterator[Span]:
        free_from = datetime.min.replace(tzinfo=UTC)
        for pattern in sorted(
            (pattern for pattern in self.patterns if pattern.weekday == day.weekday()),
            key=lambda pattern: pattern.begins,
        ):
            end = _moment(day, pattern.ends)
            wall = datetime.combine(day, pattern.begins)
            while wall.date() == day and wall.time() < pattern.ends:
                starts = _moment(day, wall.time())
                exists = starts.astimezone(ROME).time() == wall.time()
                ends = starts + self.slot_length
                if exists and starts >= free_from and ends <= end:
                    yield Span(starts, ends)
                    free_from = ends
                wall += self.slot_length


def _moment(day: date, wall: time) -> datetime:
    """A wall clock time as a moment; of a time that comes twice, the first one."""
    return datetime.combine(day, wall, ROME).astimezone(UTC)
