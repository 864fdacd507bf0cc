"""Opening hours: the town's week, holidays, closures, and both clock changes."""

from __future__ import annotations

from dataclasses import replace
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


def overridden(hours: OpeningHours, begins: str, ends: str, *, opened: bool) -> OpeningHours:
    return replace(hours, override=town.Override(opened, rome(begins), rome(ends)))


def test_special_hours_replace_those_of_the_day_on_holidays_too_and_a_closure_still_closes() -> None:
    half_day = Interval(time(9), time(11))
    hours = replace(
        TOWN,
        special={
            # Christmas Eve, Santo Stefano (a Saturday), and the closure of the town.
            date(2026, 12, 24): (half_day,),
            date(2026, 12, 26): (Interval(time(10), time(12)),),
            date(2026, 11, 27): (half_day,),
        },
    )
    assert hours.closes_at(rome("2026-12-24T10:00")) == rome("2026-12-24T11:00")
    assert hours.next_opening(rome("2026-12-24T11:00")) == rome("2026-12-26T10:00")
    assert hours.day(date(2026, 12, 25)) == ()
    assert hours.day(date(2026, 11, 27)) == ()


def test_closed_by_hand_the_next_opening_is_the_next_regular_one_or_the_end() -> None:
    closed = overridden(TOWN, "2026-11-24T10:15:30", "2026-11-24T12:45", opened=False)
    at = rome("2026-11-24T10:16")
    assert not closed.is_open(at)
    assert closed.next_opening(at) == rome("2026-11-25T09:00")
    assert closed.told(date(2026, 11, 24)) == ((time(9), time(10, 15)),)
    for_an_hour = overridden(TOWN, "2026-11-24T10:00", "2026-11-24T11:00", opened=False)
    assert for_an_hour.next_opening(at) == rome("2026-11-24T11:00")
    assert for_an_hour.told(date(2026, 11, 24)) == ((time(9), time(10)), (time(11), time(12, 45)))
    assert TOWN.told(date(2026, 11, 24)) == ((time(9), time(12, 45)),)


def test_opened_by_hand_it_closes_at_the_end_or_with_the_hours_it_runs_into() -> None:
    evening = overridden(TOWN, "2026-11-24T20:00", "2026-11-24T22:00", opened=True)
    assert evening.closes_at(rome("2026-11-24T21:59")) == rome("2026-11-24T22:00")
    assert not evening.is_open(rome("2026-11-24T22:00"))
    noon = overridden(TOWN, "2026-11-23T13:00", "2026-11-23T16:00", opened=True)
    assert noon.closes_at(rome("2026-11-23T13:00")) == rome("2026-11-23T19:45")
    assert noon.told(date(2026, 11, 23)) == ((time(9), time(12, 45)), (time(13), time(19, 45)))
    night = overridden(TOWN, "2026-11-24T23:00", "2026-11-25T01:00", opened=True)
    assert night.told(date(2026, 11, 24))[-1] == (time(23), time(0))
    assert night.told(date(2026, 11, 25))[0] == (time(0), time(1))


@pytest.mark.parametrize(
    ("at", "opened", "end"),
    [
        # In office hours closing lasts until they are over, before them as well.
        ("2026-11-24T10:00", False, "2026-11-24T12:45"),
        ("2026-11-24T08:00", False, "2026-11-24T12:45"),
        # On Monday at noon the afternoon is given up, in the evening only the evening.
        ("2026-11-23T13:00", False, "2026-11-23T19:45"),
        ("2026-11-23T20:00", False, "2026-11-24T00:00"),
        # Opening lasts until the hours open by themselves, and never over night.
        ("2026-11-23T13:00", True, "2026-11-23T16:00"),
        ("2026-11-23T08:00", True, "2026-11-23T09:00"),
        ("2026-11-24T20:00", True, "2026-11-25T00:00"),
        ("2026-12-25T10:00", True, "2026-12-26T00:00"),
        # The last hour of the day in which the clocks change.
        ("2026-10-25T23:00", True, "2026-10-26T00:00"),
    ],
)
def test_the_end_that_an_override_has_by_itself(at: str, opened: bool, end: str) -> None:
    assert TOWN.regular_end(rome(at), opened=opened) == rome(end)
    # What is in force now does not count.
    decided = replace(
        TOWN, override=town.Override(not opened, rome(at), rome(at).astimezone(UTC) + timedelta(hours=1))
    )
    assert decided.regular_end(rome(at), opened=opened) == rome(end)


special_hours_of_any_town = st.dictionaries(
    st.dates(date(2025, 1, 1), date(2028, 12, 31)), st.tuples(intervals), max_size=10
)
overrides = st.builds(
    lambda opened, begins, minutes: town.Override(opened, begins, begins + timedelta(minutes=minutes)),
    st.booleans(),
    moments,
    st.integers(1, 24 * 60),
)
decided_hours = st.builds(
    lambda hours, special, override: replace(hours, special=special, override=override),
    hours_of_any_town,
    special_hours_of_any_town,
    overrides,
)


@given(decided_hours, st.data())
def test_while_an_override_is_in_force_it_alone_counts_and_then_the_hours_again(
    hours: OpeningHours, data: st.DataObject
) -> None:
    override = hours.override
    assert override
    length = override.ends - override.begins
    inside = override.begins + length * data.draw(st.floats(0, 0.999))
    assert hours.is_open(inside) is override.open
    assert hours.in_force(inside) == override
    assert hours.in_force(override.ends) is None
    for outside in (override.ends, override.begins - timedelta(microseconds=1)):
        assert hours.is_open(outside) is hours.regular().is_open(outside)


@given(decided_hours, st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_next_opening_and_closing_are_the_first_changes(hours: OpeningHours, away: timedelta) -> None:
    assert hours.override
    at = hours.override.begins + away
    opening, closing = hours.next_opening(at), hours.closes_at(at)
    assert hours.is_open(at) is (closing is not None)
    step = timedelta(microseconds=1)
    if closing is not None:
        end = closing.astimezone(UTC)
        assert at < end
        assert hours.is_open(end - step)
        assert not hours.is_open(end)
    if opening is not None:
        begin = opening.astimezone(UTC)
        assert at < begin
        assert hours.is_open(begin)
        assert not hours.is_open(begin - step)
        # Nothing opens before: not at any quarter of an hour, nor at the override's own ends.
        probes = [at + timedelta(minutes=15 * n) for n in range(1, 4 * 24 * 3)]
        for probe in (*probes, hours.override.begins, hours.override.ends):
            if at < probe < begin and (closing is None or probe >= closing.astimezone(UTC)):
                assert not hours.is_open(probe)


@given(decided_hours, st.integers(2025, 2028))
def test_all_days_of_a_year_tell_what_is_true_at_noon(hours: OpeningHours, year: int) -> None:
    for ordinal in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal(), 3):
        day = date.fromordinal(ordinal)
        told = hours.told(day)
        assert all(first[1] < second[0] for first, second in pairwise(told))
        noon = datetime.combine(day, time(12), tzinfo=ROME)
        override = hours.override
        near = override and abs(noon - override.begins) < timedelta(minutes=2)
        if not near:
            is_told = any(
                opens <= time(12) < (closes if closes > opens else time.max) for opens, closes in told
            )
            assert is_told is hours.is_open(noon)
        if day in hours.closures and not (override and override.open):
            assert told == ()


@given(decided_hours, moments, st.booleans())
def test_an_override_ends_by_itself_on_its_day(hours: OpeningHours, at: datetime, opened: bool) -> None:
    end = hours.regular_end(at, opened=opened)
    midnight = datetime.combine(at.astimezone(ROME).date() + timedelta(days=1), time(), tzinfo=ROME)
    assert at < end.astimezone(UTC) <= midnight.astimezone(UTC)
    # From there on the hours say the same as the override did, unless it ended with the day.
    if end.astimezone(UTC) < midnight.astimezone(UTC):
        assert hours.regular().is_open(end) is opened
