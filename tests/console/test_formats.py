from __future__ import annotations

from datetime import UTC, date, datetime

from console.formats import clock_with_seconds, day, day_and_time


def test_days_and_times_are_written_the_italian_way_on_romes_clock() -> None:
    assert day(date(2026, 3, 5)) == "05/03/2026"
    assert day_and_time(datetime(2026, 1, 31, 23, 30, tzinfo=UTC)) == "01/02/2026 00:30"
    assert day_and_time(datetime(2026, 7, 1, 9, 5, tzinfo=UTC)) == "01/07/2026 11:05"
    assert clock_with_seconds(datetime(2026, 7, 1, 9, 5, 7, tzinfo=UTC)) == "11:05:07"
