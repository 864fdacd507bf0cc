"""What happens to a caller who wants a person: is it any use to wait, and which phones ring when?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from desk.town import Phone


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


#: The desk's tiers: who has a lower penalty in the queue rings first.
PENALTY = {"back_office": 0, "counter": 1}


@dataclass(frozen=True, slots=True)
class Ringing:
    """Phones that begin to ring ``after`` so many seconds, for ``seconds``."""

    after: int
    extensions: tuple[str, ...]
    seconds: int


def rings(phones: Sequence[Phone]) -> tuple[Ringing, ...]:
    """Which phones ring for a caller whom nobody answers, tier by tier: the next one joins in after each.

    The queue's times are made of this (``queues.conf``, ``queuerules.conf``).
    """
    found: list[Ringing] = []
    for tier in sorted(PENALTY, key=PENALTY.__getitem__):
        some = [phone for phone in phones if phone.tier == tier]
        if some:
            after = found[-1].after + found[-1].seconds if found else 0
            longest = max(phone.ring_seconds for phone in some)
            found.append(Ringing(after, tuple(phone.extension for phone in some), longest))
    return tuple(found)


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
