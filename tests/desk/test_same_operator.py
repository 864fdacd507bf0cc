"""Who answered a number last, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from desk import db
from desk.models import Phone, QueueStay, StayOutcome, Tier
from desk.same_operator import last_operator

NUMBER = "+393339998887"


@pytest.fixture
def answered(sessions: db.Sessions, now: datetime) -> db.Sessions:
    """201 answered two days ago, 101 yesterday, the office 301 an hour ago; 102 had another caller."""
    calls = [
        ("201", NUMBER, timedelta(days=2)),
        ("101", NUMBER, timedelta(days=1)),
        ("301", NUMBER, timedelta(hours=1)),
        ("102", "+393330000001", timedelta(minutes=30)),
    ]
    with db.transaction(sessions) as session:
        for extension, _, _ in calls:
            tier = Tier.OFFICE if extension == "301" else Tier.COUNTER
            session.add(Phone(extension=extension, tier=tier, label="x", ring_seconds=1))
        for extension, caller, ago in calls:
            session.add(
                QueueStay(
                    call_unique_id=extension,
                    caller_e164=caller,
                    entered_at=now - ago,
                    answered_at=now - ago,
                    ended_at=now - ago + timedelta(minutes=3),
                    outcome=StayOutcome.ANSWERED,
                    extension=extension,
                )
            )
    return sessions


def last(sessions: db.Sessions, now: datetime, *, days: int = 7, wrap_up: int = 10) -> str | None:
    with db.reading(sessions) as session:
        return last_operator(session, NUMBER, days=days, wrap_up_seconds=wrap_up, now=now)


def test_the_latest_of_the_desk(answered: db.Sessions, now: datetime) -> None:
    assert last(answered, now) == "101"


def test_within_days_only_and_none_for_no_days(answered: db.Sessions, now: datetime) -> None:
    later = now + timedelta(days=6)
    assert last(answered, later) == "101"
    assert last(answered, later + timedelta(minutes=1)) is None
    assert last(answered, now, days=0) is None


def test_not_in_the_pause_after_another_call(answered: db.Sessions, now: datetime) -> None:
    just_ended = now - timedelta(days=1) + timedelta(minutes=3)
    assert last(answered, just_ended + timedelta(seconds=9)) is None
    assert last(answered, just_ended + timedelta(seconds=10)) == "101"
