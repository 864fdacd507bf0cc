"""Daily jobs: one run for each day of Rome's calendar, whatever clocks and stops do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from apscheduler.triggers.interval import IntervalTrigger
from hypothesis import given
from hypothesis import strategies as st

from desk.schedule import RETRY, Daily, is_due
from desk.settings import ROME

#: The nights in which Italy's clocks change.
CHANGE_DAYS = (date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31))
TIMES = (time(0, 0), time(1, 59), time(2, 0), time(2, 30), time(2, 59), time(3, 0), time(7, 30), time(23, 59))


@pytest.mark.parametrize("at", TIMES)
@pytest.mark.parametrize("day", CHANGE_DAYS)
def test_a_change_day_neither_doubles_nor_skips(day: date, at: time) -> None:
    daily = Daily(at)
    now = datetime.combine(day - timedelta(days=2), time(12), ROME).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=2), time(12), ROME)
    done_for = daily.last_day(now)
    runs: list[datetime] = []
    while now < end:
        now += timedelta(minutes=1)
        if is_due(daily, done_for=done_for, tried_at=runs[-1] if runs else None, now=now):
            runs.append(now)
            done_for = daily.last_day(now)
    first = -1 if at < time(12) else -2
    days = [day + timedelta(days=shift) for shift in range(first, first + 4)]
    assert [run.astimezone(ROME).date() for run in runs] == days


@pytest.mark.parametrize(
    ("day", "strikes"),
    [
        # 02:30 does not exist: an hour later by the clock, as long after midnight as ever.
        (date(2027, 3, 28), "2027-03-28T03:30+02:00"),
        # 02:30 is there twice: the first one.
        (date(2027, 10, 31), "2027-10-31T02:30+02:00"),
        (date(2026, 11, 24), "2026-11-24T02:30+01:00"),
    ],
)
def test_when_half_past_two_is(day: date, strikes: str) -> None:
    assert Daily(time(2, 30)).moment(day) == datetime.fromisoformat(strikes)


_MOMENTS = st.integers(0, 2 * 365 * 24 * 3600).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(
    at=st.times(timezones=st.none()).map(lambda at: at.replace(second=0, microsecond=0)),
    begin=_MOMENTS,
    steps=st.lists(st.tuples(st.integers(1, 5000), st.booleans()), min_size=1, max_size=60),
)
def test_after_any_stops_and_failures_every_day_is_run_once_at_most_and_the_last_one_always(
    at: time, begin: datetime, steps: list[tuple[int, bool]]
) -> None:
    daily, now = Daily(at), begin
    done_for, tried_at, done = daily.last_day(begin), None, []
    for minutes, succeeds in steps:
        now += timedelta(minutes=minutes)
        if is_due(daily, done_for=done_for, tried_at=tried_at, now=now):
            tried_at = now
            if succeeds:
                done_for = daily.last_day(now)
                done.append(done_for)
    assert len(done) == len(set(done))
    now += RETRY
    if is_due(daily, done_for=done_for, tried_at=tried_at, now=now):
        done_for = daily.last_day(now)
    assert done_for == daily.last_day(now)
    assert not is_due(daily, done_for=done_for, tried_at=now, now=now)


def test_days_that_were_missed_are_one_run() -> None:
    daily = Daily(time(2, 30))
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert is_due(daily, done_for=date(2026, 11, 19), tried_at=None, now=now)
    assert not is_due(daily, done_for=daily.last_day(now), tried_at=None, now=now)


def test_a_failed_run_is_tried_again_after_a_while() -> None:
    daily, yesterday = Daily(time(2, 30)), date(2026, 11, 22)
    tried = daily.moment(date(2026, 11, 23))
    late = tried + RETRY
    assert not is_due(daily, done_for=yesterday, tried_at=tried, now=late - timedelta(seconds=1))
    assert is_due(daily, done_for=yesterday, tried_at=tried, now=late)


def test_a_clock_that_is_put_back_runs_nothing_twice_and_holds_up_nothing() -> None:
    daily = Daily(time(2, 30))
    struck = daily.moment(date(2026, 11, 23))
    earlier = struck - timedelta(minutes=10)
    assert not is_due(daily, done_for=date(2026, 11, 23), tried_at=struck, now=earlier)
    assert not is_due(daily, done_for=date(2026, 11, 23), tried_at=struck, now=struck)
    # It failed in what is the future now.
    assert is_due(daily, done_for=date(2026, 11, 21), tried_at=struck + timedelta(hours=5), now=struck)


@pytest.mark.parametrize("day", CHANGE_DAYS)
def test_frequent_jobs_do_not_notice_the_change(day: date) -> None:
    start = datetime.combine(day, time(), ROME).astimezone(UTC)
    trigger = IntervalTrigger(seconds=60, start_date=start, timezone=UTC)
    last, moments = None, []
    for _ in range(60 * 6):
        last = trigger.get_next_fire_time(last, last or start)
        moments.append(last)
    assert {later - before for before, later in pairwise(moments)} == {timedelta(seconds=60)}
