"""Whether it is any use to wait, at the edges."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from call_routing.hours import Interval, OpeningHours
from call_routing.plan import QueueFacts, Ringing, Way, rings, way_of
from call_routing.wait import handling_seconds, wait_seconds
from desk.town import Phone

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


#: The hours in the town's report, and any moment of some years.
TOWN = OpeningHours.from_rows(
    [
        (0, Interval(time(9), time(12, 45))),
        (0, Interval(time(16), time(19, 45))),
        (1, Interval(time(9), time(12, 45))),
        (2, Interval(time(9), time(19, 45))),
        (3, Interval(time(9), time(12, 45))),
        (4, Interval(time(9), time(12, 45))),
    ]
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=300, deadline=None)
@given(moments, st.integers(1, 50), st.integers(1, 9), st.lists(st.floats(0, 3600), max_size=60))
def test_over_whole_years_nobody_waits_into_the_closing_time(
    at: datetime, place: int, operators: int, talks: list[float]
) -> None:
    """Whoever is let wait would be served, as far as is known, before the desk closes, whatever day it is."""
    expected = wait_seconds(place, handling_seconds(talks, 10), operators)
    assert expected is not None
    closes_at = TOWN.closes_at(at)
    way = way_of(QueueFacts(operators, 0, place - 1), expected=expected, closes_at=closes_at, now=at)
    served = at + timedelta(seconds=expected)
    if way is Way.CLOSED:
        assert not TOWN.is_open(at)
        return
    assert TOWN.is_open(at)
    assert closes_at is not None
    # In one piece: no break at noon, no evening, no holiday comes in between.
    assert (way is Way.RING) == (served.astimezone(UTC) <= closes_at.astimezone(UTC))
    if way is Way.RING:
        assert TOWN.is_open(served - timedelta(microseconds=1))


def phone(extension: str, tier: str, seconds: int) -> Phone:
    return Phone(extension, tier, extension, seconds)


@pytest.mark.parametrize(
    ("phones", "ringing"),
    [
        ([], ()),
        ([phone("101", "counter", 20)], (Ringing(0, ("101",), 20),)),
        (
            [phone("101", "counter", 20), phone("201", "back_office", 15), phone("301", "office", 9)],
            (Ringing(0, ("201",), 15), Ringing(15, ("101",), 20)),
        ),
        (
            [phone("201", "back_office", 10), phone("202", "back_office", 25)],
            (Ringing(0, ("201", "202"), 25),),
        ),
    ],
)
def test_which_phones_ring_when(phones: list[Phone], ringing: tuple[Ringing, ...]) -> None:
    assert rings(phones) == ringing


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99), st.floats(0, 3600), st.integers(1, 600))
def test_whoever_cannot_be_served_is_not_made_to_wait(
    operators: int, free: int, waiting: int, expected: float, minutes: int
) -> None:
    facts = QueueFacts(operators, min(free, operators), waiting)
    way = way_of(facts, expected=expected, closes_at=NOW + timedelta(minutes=minutes), now=NOW)
    assert (way is Way.NOBODY) == (operators == 0)
    if way is Way.TOO_LATE:
        assert expected > minutes * 60
