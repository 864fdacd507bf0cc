"""Slots of an agenda over whole years: the days of the clock changes, holidays, absences, the kept share."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.calendar import is_holiday
from desk.settings import ROME
from desk.slots import Agenda, Pattern, Span

SPRING, AUTUMN = date(2026, 3, 29), date(2027, 10, 31)


def agenda(*patterns: Pattern, minutes: int = 20, **changes: object) -> Agenda:
    values: dict[str, object] = {
        "patterns": patterns,
        "slot_length": timedelta(minutes=minutes),
        "capacity": 1,
        "notice": timedelta(0),
        "horizon_days": 60,
        "kept_percent": 0,
        "kept_until_days": 0,
    }
    return Agenda(**{**values, **changes})  # type: ignore[arg-type]


def walls(found: Agenda, day: date) -> list[str]:
    return [f"{slot.starts.astimezone(ROME):%H:%M}" for slot in found.slots_of(day)]


def test_a_span_is_divided_and_a_rest_too_short_is_left() -> None:
    found = agenda(Pattern(1, time(9), time(10, 15)))
    assert walls(found, date(2026, 11, 24)) == ["09:00", "09:20", "09:40"]
    assert walls(found, date(2026, 11, 25)) == []


@pytest.mark.parametrize(
    "day", [date(2026, 12, 25), date(2027, 3, 29), date(2026, 6, 19)], ids=["christmas", "easter", "patron"]
)
def test_no_slots_on_holidays(day: date) -> None:
    assert walls(agenda(Pattern(day.weekday(), time(9), time(12))), day) == []


def test_no_slots_on_days_the_town_is_closed_nor_in_absences() -> None:
    day = date(2026, 11, 24)
    pattern = Pattern(1, time(9), time(11))
    assert walls(agenda(pattern, closed_days=frozenset({day})), day) == []
    away = Span(datetime(2026, 11, 24, 9, 30, tzinfo=ROME), datetime(2026, 11, 24, 10, 20, tzinfo=ROME))
    # 9:20 to 9:40 would reach into it; at 10:20 they are back.
    assert walls(agenda(pattern, absences=[away]), day) == ["09:00", "10:20", "10:40"]


def test_an_hour_that_does_not_exist_has_no_slots() -> None:
    assert walls(agenda(Pattern(6, time(1, 20), time(4)), minutes=40), SPRING) == ["01:20", "03:20"]


def test_of_an_hour_that_comes_twice_the_first_counts() -> None:
    found = agenda(Pattern(6, time(1, 30), time(4)), minutes=30)
    assert walls(found, AUTUMN) == ["01:30", "02:00", "02:30", "03:00", "03:30"]
    starts = [slot.starts for slot in found.slots_of(AUTUMN)]
    assert starts[1] == datetime(2027, 10, 31, 0, 0, tzinfo=UTC)
    assert starts[3] == datetime(2027, 10, 31, 2, 0, tzinfo=UTC)


def test_nine_o_clock_is_nine_o_clock_in_summer_and_winter() -> None:
    found = agenda(Pattern(0, time(9), time(9, 20)), horizon_days=400)
    now = datetime(2026, 10, 1, tzinfo=UTC)
    starts = [slot.starts for slot in found.slots_between(now, now)]
    assert {moment.astimezone(ROME).time() for moment in starts} == {time(9)}
    assert {moment.hour for moment in starts} == {7, 8}


def test_earliest_notice_and_horizon() -> None:
    found = agenda(*(Pattern(day, time(9), time(10)) for day in range(5)), notice=timedelta(hours=24))
    now = datetime(2026, 11, 24, 9, 20, tzinfo=ROME)
    slots = list(found.slots_between(now, now))
    assert slots[0].starts == now + timedelta(days=1)
    assert slots[-1].starts.astimezone(ROME).date() <= date(2026, 11, 24) + timedelta(days=60)
    early = found.slot_at(now + timedelta(hours=23, minutes=40))
    assert early is not None
    assert not found.gives(early, now)
    assert found.gives(slots[0], now)
    assert found.slot_at(now + timedelta(minutes=1)) is None


@pytest.mark.parametrize(("percent", "kept"), [(0, [0, 0, 0, 0]), (50, [0, 1, 0, 1]), (100, [1, 1, 1, 1])])
def test_the_kept_share_is_spread_over_the_day(percent: int, kept: list[int]) -> None:
    found = agenda(Pattern(1, time(9), time(10)), minutes=15, kept_percent=percent, kept_until_days=3)
    slots = list(found.slots_of(date(2026, 12, 1)))
    assert [slot.kept for slot in slots] == kept
    assert [found.kept_now(s, datetime(2026, 11, 28, 12, tzinfo=UTC)) for s in slots] == kept
    assert [found.kept_now(s, datetime(2026, 11, 29, 12, tzinfo=UTC)) for s in slots] == [0, 0, 0, 0]


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 5, 15, 20, 30, 45, 50]))
patterns = st.builds(Pattern, st.integers(0, 6), times, times).filter(lambda p: p.begins < p.ends)
agendas = st.builds(
    lambda given_patterns, minutes, capacity, percent: agenda(
        *given_patterns, minutes=minutes, capacity=capacity, kept_percent=percent, horizon_days=370
    ),
    st.lists(patterns, min_size=1, max_size=5),
    st.sampled_from([5, 10, 20, 25, 30, 45, 60, 90]),
    st.integers(1, 4),
    st.integers(0, 100),
)


@settings(max_examples=10, deadline=None)
@given(found=agendas, year=st.integers(2024, 2037), zone=st.sampled_from([UTC, ROME]))
def test_over_whole_years(found: Agenda, year: int, zone: object) -> None:
    now = datetime(year, 1, 1, tzinfo=zone)  # type: ignore[arg-type]
    slots = list(found.slots_between(now, now))
    previous = None
    told = set()
    for slot in slots:
        wall = slot.starts.astimezone(ROME)
        day = wall.date()
        assert not is_holiday(day)
        assert slot.ends - slot.starts == found.slot_length
        assert previous is None or slot.starts >= previous.ends, "slots overlap"
        # What is spoken names one moment only, and one that lies in a pattern of that weekday.
        assert wall.replace(tzinfo=None) not in told
        told.add(wall.replace(tzinfo=None))
        assert any(p.weekday == day.weekday() and p.begins <= wall.time() < p.ends for p in found.patterns)
        assert datetime.combine(day, wall.time(), ROME).astimezone(UTC) == slot.starts
        assert 0 <= slot.kept <= slot.capacity
        assert found.slot_at(slot.starts) == slot
        previous = slot


@settings(max_examples=30, deadline=None)
@given(found=agendas, start=st.dates(date(2024, 1, 1), date(2030, 12, 31)))
def test_the_kept_share_of_a_day_is_the_share(found: Agenda, start: date) -> None:
    slots = list(found.slots_of(start))
    places = len(slots) * found.capacity
    assert sum(slot.kept for slot in slots) == places * found.kept_percent // 100
