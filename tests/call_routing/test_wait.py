"""The estimate of the wait: what holds for all figures, and a few of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from call_routing.wait import (
    LONGEST,
    OUTLIER,
    USUAL,
    Told,
    WaitRange,
    handling_seconds,
    told,
    wait_range,
    wait_seconds,
)

places = st.integers(1, 200)
operators = st.integers(1, 50)
handlings = st.floats(1, 3600)
talks = st.lists(st.floats(0, 7200), max_size=80)


@pytest.mark.parametrize(
    ("place", "handling", "staff", "expected"),
    [
        (1, 180, 1, WaitRange(0, 7)),
        (1, 180, 5, WaitRange(0, 2)),
        (4, 180, 1, WaitRange(5, 21)),
        (10, 240, 4, WaitRange(6, 15)),
        (1, 20, 4, WaitRange(0, 1)),
        (100, 600, 1, WaitRange(LONGEST - 1, LONGEST)),
        (1, 180, 0, None),
    ],
)
def test_ranges(place: int, handling: float, staff: int, expected: WaitRange | None) -> None:
    assert wait_range(place, handling, staff) == expected


@given(places, handlings, operators)
def test_the_range_holds_the_plain_estimate_and_is_bounded(place: int, handling: float, staff: int) -> None:
    plain, found = wait_seconds(place, handling, staff), wait_range(place, handling, staff)
    assert plain is not None
    assert found is not None
    assert 0 <= found.low < found.high <= LONGEST
    assert found.low * 60 <= plain <= found.high * 60


@given(places, places, handlings, operators)
def test_who_is_further_back_is_told_no_less(one: int, other: int, handling: float, staff: int) -> None:
    nearer, farther = (wait_range(place, handling, staff) for place in sorted((one, other)))
    assert nearer is not None
    assert farther is not None
    assert nearer.low <= farther.low
    assert nearer.high <= farther.high


@given(places, handlings, operators, operators)
def test_more_operators_make_it_no_longer(place: int, handling: float, one: int, other: int) -> None:
    few, many = (wait_range(place, handling, staff) for staff in sorted((one, other)))
    assert few is not None
    assert many is not None
    assert many.low <= few.low
    assert many.high <= few.high


@given(talks, st.floats(0, 120))
def test_handling_lies_between_what_is_usual_and_what_was(figures: list[float], wrap_up: float) -> None:
    recent = [talk + wrap_up for talk in figures[:50]]
    found = handling_seconds(figures, wrap_up)
    assert min([USUAL, *recent]) - 1e-6 <= found or (recent and min(recent) > OUTLIER * sorted(recent)[0])
    assert found <= max([USUAL, *recent]) + 1e-6


@given(st.lists(st.floats(30, 300), min_size=10, max_size=49), st.floats(3600, 1e6))
def test_one_call_that_was_left_open_hardly_matters(figures: list[float], endless: float) -> None:
    # Among ten, the one adds no more than its share of some times the middle one.
    before, after = handling_seconds(figures, 0), handling_seconds([endless, *figures], 0)
    assert after <= before + OUTLIER * 300 / (len(figures) + 6)


def test_without_figures_it_is_as_usual_and_only_the_latest_count() -> None:
    assert handling_seconds([], 10) == USUAL
    assert handling_seconds([60.0] * 50, 0) == pytest.approx((5 * USUAL + 50 * 60) / 55)
    assert handling_seconds([60.0] * 50 + [7200.0] * 50, 0) == handling_seconds([60.0] * 50, 0)


steps = st.lists(st.tuples(places, st.integers(1, 600)), min_size=1, max_size=12)


@given(steps, handlings, operators)
def test_what_was_told_never_grows_silently(
    course: list[tuple[int, int]], handling: float, staff: int
) -> None:
    before: Told | None = None
    waited = 0.0
    for place, seconds in course:
        now, expected = wait_range(place, handling, staff), wait_seconds(place, handling, staff)
        assert now is not None
        assert expected is not None
        news = told(now, expected, waited, before)
        assert 0 <= news.range.low < news.range.high <= now.high
        assert expected <= news.range.high * 60
        if before is not None:
            assert news.longer or news.until <= before.until
            # Once the time is over, it is said.
            assert news.longer or waited < before.until
        before = news
        waited += seconds


@given(places, handlings, operators, st.floats(0, 3600))
def test_whoever_moves_up_in_time_hears_no_longer(
    place: int, handling: float, staff: int, waited: float
) -> None:
    now, expected = wait_range(place, handling, staff), wait_seconds(place, handling, staff)
    assert now is not None
    assert expected is not None
    before = told(now, expected, 0, None)
    assume(waited + expected <= before.until)
    assert not told(now, expected, waited, before).longer


def test_a_range_that_passed_is_followed_by_longer_than_expected() -> None:
    first = told(WaitRange(0, 2), 50, 10, None)
    assert (first.longer, first.until) == (False, 130)
    second = told(WaitRange(0, 2), 50, 60, first)
    assert (second.longer, second.until, second.range) == (False, 130, WaitRange(0, 2))
    third = told(WaitRange(0, 2), 50, 75, second)
    assert third == Told(WaitRange(0, 1), longer=False, at=75, until=130)
    fourth = told(WaitRange(0, 2), 50, 130, third)
    assert fourth == Told(WaitRange(0, 2), longer=True, at=130, until=250)
    assert math.isclose(fourth.until - fourth.at, 120)
