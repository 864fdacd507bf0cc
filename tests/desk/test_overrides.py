"""Overrides and special hours on the database."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from desk import db
from desk.models import Override, SpecialHours
from desk.overrides import override_hours, return_to_hours
from desk.town import read_town


def test_the_latest_override_counts_until_somebody_returns_to_the_hours(
    sessions: db.Sessions, now: datetime
) -> None:
    hour = timedelta(hours=1)
    with db.transaction(sessions) as session:
        override_hours(session, opened=False, until=now + hour, by="201", now=now)
        later = override_hours(session, opened=True, until=now + 2 * hour, by="101", now=now + hour / 2)
        found = read_town(session).override
        assert found
        assert (found.open, found.begins, found.ends) == (True, now + hour / 2, now + 2 * hour)
        first = session.get_one(Override, later.id - 1)
        assert (first.cleared_at, first.cleared_by) == (now + hour / 2, "101")
        return_to_hours(session, by="201", now=now + hour)
        assert read_town(session).override is None


def test_an_override_without_a_length_is_refused(sessions: db.Sessions, now: datetime) -> None:
    with pytest.raises(IntegrityError), db.transaction(sessions) as session:
        override_hours(session, opened=True, until=now, by="201", now=now)


def test_special_hours_are_read_in_order(sessions: db.Sessions) -> None:
    eve = date(2026, 12, 24)
    with db.transaction(sessions) as session:
        session.add(SpecialHours(day=eve, opens=time(16), closes=time(18)))
        session.add(SpecialHours(day=eve, opens=time(9), closes=time(11), reason_it="Vigilia"))
    with db.reading(sessions) as session:
        found = read_town(session).special_hours
    assert [(row.day, row.opens.hour) for row in found] == [(eve, 9), (eve, 16)]
