"""How long a caller will wait: from the place in the queue, our own recent figures and the operators there.

``place x handling time / operators`` is the plain estimate. Nobody can promise a point in time, so what is
told is a range: how long the n-th operator to come free takes, in eight cases of ten, if conversations last
as they like (an Erlang distribution; its quantiles by Wilson and Hilferty's formula).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

#: How many of the latest conversations count.
WINDOW = 50
#: What a conversation with its wrap-up takes (seconds) as long as there are none, and how many that is worth.
USUAL, USUAL_WEIGHT = 180.0, 5
#: A conversation counts for so many times the middle one at most: one that was left open is no rule.
OUTLIER = 4.0
#: No longer time is told (minutes): beyond it we know nothing but that it is long.
LONGEST = 60
#: The normal quantile of the range's ends: eight waits of ten lie inside.
_EIGHT_OF_TEN = 1.2816


@dataclass(frozen=True, slots=True)
class WaitRange:
    """A wait in whole minutes. ``low`` is 0 where it can be over at once; ``high`` is at least 1."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller is told ``at`` so many seconds of waiting, and by how many it should be over (``until``).

    ``longer``: it takes longer than what was told before.
    """

    range: WaitRange
    longer: bool
    at: float
    until: float


def handling_seconds(talks: Sequence[float], wrap_up: float) -> float:
    """What a call takes of an operator: the mean of the latest ``talks`` (seconds) and the wrap-up.

    Robust: few calls pull it away from :data:`USUAL` only in part, and one that never ended hardly does.
    """
    recent = [max(talk, 0.0) + wrap_up for talk in talks[:WINDOW]]
    most = OUTLIER * statistics.median(recent) if recent else 0.0
    return (USUAL * USUAL_WEIGHT + sum(min(value, most) for value in recent)) / (USUAL_WEIGHT + len(recent))


def wait_seconds(place: int, handling: float, operators: int) -> float | None:
    """The plain estimate while all operators are talking; ``None`` if there is none. 1 is the next place."""
    if operators < 1:
        return None
    return min(place * handling / operators, LONGEST * 60.0)


def wait_range(place: int, handling: float, operators: int) -> WaitRange | None:
    """The range that is told; the plain estimate lies inside. ``None`` if there is no operator."""
    if operators < 1:
        return None
    each = handling / operators
    low, high = (_quantile(place, side * _EIGHT_OF_TEN) * each for side in (-1, 1))
    return WaitRange(min(math.floor(low / 60), LONGEST - 1), max(min(math.ceil(high / 60), LONGEST), 1))


def told(now: WaitRange, expected: float, waited: float, before: Told | None) -> Told:
    """What to tell a caller who has ``waited`` so many seconds and was told ``before``.

    What was told stands as long as it can come true: it never grows silently. Once its time is over, or will
    not do for the plain estimate (``expected``), the caller hears that it takes longer, and a new range.
    """
    fresh = waited + now.high * 60
    if before is None:
        return Told(now, longer=False, at=waited, until=fresh)
    left = before.until - waited
    if left <= 0 or expected > left:
        return Told(now, longer=True, at=waited, until=fresh)
    high = min(now.high, math.ceil(left / 60))
    return Told(
        WaitRange(min(now.low, high - 1), high), longer=False, at=waited, until=min(before.until, fresh)
    )


def _quantile(place: int, z: float) -> float:
    """Of the time until the ``place``-th operator comes free, in conversations of one operator."""
    return place * (1 - 1 / (9 * place) + z / (3 * math.sqrt(place))) ** 3
