"""Opening hours: the town's week, holidays, closures, and both clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_routing.hours import Interval, OpeningHours
from desk import town
from desk.settings import ROME

MORNING = Interval(time(9), time(12, 45))
AFTERNOON = Interval(time(16), time(19, 45))
#: The hours in the town's report of 2008.
TOWN = OpeningHours.from_rows(
    [
        (0, AFTERNOON),
        (0, MORNING),
        (1, MORNING),
        (2, Interval(time(9), time(19, 45))),
        (3, MORNING),
        (4, MORNING),
    ],
    closures=[date(2026, 11, 27)],
)


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("at", "closes", "then_opens"),
    [
        # Monday: a break at noon
        ("2026-11-23T08:59:59", None, "2026-11-23T09:00"),
        ("2026-11-23T09:00:00", "2026-11-23T12:45", "2026-11-23T16:00"),
        ("2026-11-23T12:44:59", "2026-11-23T12:45", "2026-11-23T16:00"),
        ("2026-11-23T12:45:00", None, "2026-11-23T16:00"),
        ("2026-11-23T19:45:00", None, "2026-11-24T09:00"),
        # Wednesday without a break
        ("2026-11-25T13:30:00", "2026-11-25T19:45", "2026-11-26T09:00"),
        # Thursday to Monday: Friday the 27th is a closure
        ("2026-11-26T13:00:00", None, "2026-11-30T09:00"),
        # Immacolata (Tuesday the 8th)
        ("2026-12-07T20:00:00", None, "2026-12-09T09:00"),
        # Christmas (Friday), Santo Stefano, Sunday
        ("2026-12-24T13:00:00", None, "2026-12-28T09:00"),
        # Easter Monday
        ("2026-04-03T13:00:00", None, "2026-04-07T09:00"),
        # the patrons, Gervasio and Protasio (Friday the 19th of June)
        ("2026-06-18T13:00:00", None, "2026-06-22T09:00"),
    ],
)
def test_the_towns_week(at: str, closes: str | None, then_opens: str) -> None:
    now = rome(at)
    assert TOWN.is_open(now) is (closes is not None)
    assert TOWN.closes_at(now) == (rome(closes) if closes else None)
    assert TOWN.next_opening(now) == rome(then_opens)


def test_a_time_from_another_zone_is_read_on_our_clock() -> None:
    assert TOWN.is_open(datetime(2026, 7, 1, 7, 0, tzinfo=UTC))
    assert not TOWN.is_open(datetime(2026, 7, 1, 6, 59, tzinfo=UTC))
    assert TOWN.is_open(datetime(2026, 1, 7, 8, 0, tzinfo=UTC))
    assert not TOWN.is_open(datetime(2026, 1, 7, 7, 59, tzinfo=UTC))


def test_the_weekend_in_which_the_clocks_change() -> None:
    # In March the night has an hour less, in October one more: the desk opens at nine all the same.
    for friday, hours in (("2026-03-27T12:45", 67.25), ("2026-10-23T12:45", 69.25)):
        closed_at = rome(friday)
        opening = TOWN.next_opening(closed_at)
        assert opening is not None
        assert opening.time() == time(9)
        assert opening.astimezone(UTC) - closed_at.astimezone(UTC) == timedelta(hours=hours)


def test_a_town_without_hours_never_opens() -> None:
    never = OpeningHours.from_rows([])
    assert never.next_opening(rome("2026-11-23T09:00")) is None
    assert not never.is_open(rome("2026-11-23T09:00"))


def test_touching_intervals_are_one() -> None:
    hours = OpeningHours.from_rows([(1, Interval(time(9), time(11))), (1, Interval(time(11), time(12)))])
    assert hours.day(date(2026, 11, 24)) == (Interval(time(9), time(12)),)


def test_an_empty_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Interval(time(9), time(9))


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        TOWN.is_open(datetime(2026, 11, 23, 9))  # noqa: DTZ001  the point of the test


clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
intervals = (
    st.tuples(clocks, clocks)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: Interval(*sorted(pair)))
)
hours_of_any_town = st.builds(
    OpeningHours.from_rows,
    st.lists(st.tuples(st.integers(0, 6), intervals), min_size=1, max_size=14),
    st.lists(st.dates(date(2025, 1, 1), date(2028, 12, 31)), max_size=20),
)
#: Any moment of three years; often in the nights of the clock changes.
moments = st.one_of(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]).flatmap(
        lambda night: st.integers(-180, 180).map(lambda minutes: night + timedelta(minutes=minutes))
    ),
)


@given(hours_of_any_town, moments)
def test_the_next_opening_is_an_opening_and_the_first(hours: OpeningHours, at: datetime) -> None:
    opening = hours.next_opening(at)
    assert opening is not None
    assert opening.astimezone(UTC) > at
    assert hours.is_open(opening)
    assert not hours.is_open(opening.astimezone(UTC) - timedelta(microseconds=1))
    # Between now and then it is open only if it is open now, and then in one piece.
    closes = hours.closes_at(at)
    probe = at
    while (probe := probe + timedelta(hours=1)) < min(opening.astimezone(UTC), at + timedelta(days=8)):
        assert hours.is_open(probe) is (closes is not None and probe < closes.astimezone(UTC))


@given(hours_of_any_town, moments)
def test_it_is_open_until_it_closes(hours: OpeningHours, at: datetime) -> None:
    closes = hours.closes_at(at)
    assert hours.is_open(at) is (closes is not None)
    if closes:
        end = closes.astimezone(UTC)
        assert end > at
        assert hours.is_open(at + (end - at) / 2)
        assert hours.is_open(end - timedelta(microseconds=1))
        assert not hours.is_open(end)


@given(hours_of_any_town, st.integers(2025, 2028))
def test_every_day_of_a_year_keeps_its_rules(hours: OpeningHours, year: int) -> None:
    for ordinal in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        spans = hours.day(day)
        assert all(first.closes < second.opens for first, second in pairwise(spans))
        if day in hours.closures or (day.month, day.day) in {(1, 1), (4, 25), (12, 25), (6, 19)}:
            assert spans == ()


def test_the_hours_of_a_town_as_stored() -> None:
    stored = town.Town(
        opening_hours=(town.OpeningHours(1, time(9), time(12, 45)),),
        closures=(town.Closure(date(2026, 12, 1)),),
    )
    hours = OpeningHours.of(stored)
    assert hours.day(date(2026, 11, 24)) == (MORNING,)
    assert hours.day(date(2026, 12, 1)) == ()
