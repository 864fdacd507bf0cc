"""What happens to a caller who wants a person, before the queue: is it any use to wait?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Way(StrEnum):
    """Where a caller goes."""

    RING = "ring"
    #: Nobody is logged in whose phone can be reached.
    NOBODY = "nobody"
    #: The desk will have closed before it is the caller's turn.
    TOO_LATE = "too_late"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """The queue at one moment: operators, those of them who are free, and callers waiting.

    An operator counts, also a busy one, whose phone can be reached and is not paused.
    """

    operators: int
    free: int
    waiting: int

    @property
    def served_at_once(self) -> bool:
        """Whether one more caller finds a free phone."""
        return self.free > self.waiting


def way_of(
    facts: QueueFacts | None, *, expected: float | None, closes_at: datetime | None, now: datetime
) -> Way:
    """Where a caller goes who wants a person now.

    Args:
        facts: the queue; ``None`` if it cannot be asked: then phones ring, rather in vain than not at all.
        expected: the plain estimate of the wait (seconds) for who is not served at once.
        closes_at: when the desk closes; ``None`` if it is closed.
        now: the moment; both are aware.
    """
    if closes_at is None:
        return Way.CLOSED
    if facts is None:
        return Way.RING
    if facts.operators < 1:
        return Way.NOBODY
    if not facts.served_at_once and expected is not None and now + timedelta(seconds=expected) > closes_at:
        return Way.TOO_LATE
    return Way.RING
