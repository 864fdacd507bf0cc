"""Whether it is any use to wait, at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_routing.plan import QueueFacts, Way, way_of

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "expected", "minutes_left", "way"),
    [
        (QueueFacts(5, 2, 0), 90, 60, Way.RING),
        (QueueFacts(5, 0, 3), 600, 60, Way.RING),
        (QueueFacts(5, 0, 3), 600, 10, Way.RING),
        (QueueFacts(5, 0, 3), 601, 10, Way.TOO_LATE),
        # Who finds a free phone does not wait.
        (QueueFacts(5, 1, 0), 601, 1, Way.RING),
        (QueueFacts(5, 1, 1), 601, 1, Way.TOO_LATE),
        (QueueFacts(0, 0, 0), None, 60, Way.NOBODY),
        (QueueFacts(0, 0, 4), None, 60, Way.NOBODY),
        # What cannot be found out turns nobody away.
        (None, None, 60, Way.RING),
        (None, None, None, Way.CLOSED),
        (QueueFacts(5, 5, 0), 0, None, Way.CLOSED),
    ],
)
def test_ways(facts: QueueFacts | None, expected: float | None, minutes_left: int | None, way: Way) -> None:
    closes_at = None if minutes_left is None else NOW + timedelta(minutes=minutes_left)
    assert way_of(facts, expected=expected, closes_at=closes_at, now=NOW) is way


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99), st.floats(0, 3600), st.integers(1, 600))
def test_whoever_cannot_be_served_is_not_made_to_wait(
    operators: int, free: int, waiting: int, expected: float, minutes: int
) -> None:
    facts = QueueFacts(operators, min(free, operators), waiting)
    way = way_of(facts, expected=expected, closes_at=NOW + timedelta(minutes=minutes), now=NOW)
    assert (way is Way.NOBODY) == (operators == 0)
    if way is Way.TOO_LATE:
        assert expected > minutes * 60
