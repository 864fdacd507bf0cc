from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from desk import db, failed_logins
from desk.failed_logins import (
    FIRST_WAIT,
    FORGET_AFTER,
    FREE_TRIES,
    LONGEST_WAIT,
    note_success,
    wait_before_trying,
)
from desk.models import FailedLogin

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NONE = timedelta(0)


class Brake:
    """The brake, each question in a transaction of its own as at the log-in."""

    def __init__(self, sessions: db.Sessions) -> None:
        self.sessions = sessions

    def wait(self, login: str, now: datetime) -> timedelta:
        with db.transaction(self.sessions) as session:
            return wait_before_trying(session, login, now=now)

    def succeeded(self, login: str) -> None:
        with db.transaction(self.sessions) as session:
            note_success(session, login)


@pytest.fixture
def failed(sessions: db.Sessions) -> Brake:
    return Brake(sessions)


def test_a_few_wrong_passwords_cost_nothing(failed: Brake) -> None:
    assert [failed.wait("anna", NOW) for _ in range(FREE_TRIES)] == [NONE] * FREE_TRIES
    assert failed.wait("anna", NOW) == FIRST_WAIT


def test_the_wait_runs_out_and_doubles_up_to_a_limit(failed: Brake) -> None:
    now = NOW
    for _ in range(FREE_TRIES):
        failed.wait("anna", now)
    waits = []
    for _ in range(8):
        left = failed.wait("anna", now)
        waits.append(left)
        assert failed.wait("anna", now + left - timedelta(seconds=1)) == timedelta(seconds=1)
        now += left
        assert failed.wait("anna", now) == NONE

    assert waits[:3] == [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4]
    assert waits[-1] == waits[-2] == LONGEST_WAIT


def test_the_right_password_clears_the_count(failed: Brake) -> None:
    for _ in range(FREE_TRIES):
        failed.wait("anna", NOW)
    failed.succeeded("anna")

    assert [failed.wait("anna", NOW) for _ in range(FREE_TRIES)] == [NONE] * FREE_TRIES


def test_logins_are_counted_apart_and_without_regard_to_case(failed: Brake) -> None:
    for _ in range(FREE_TRIES):
        failed.wait("anna", NOW)

    assert failed.wait("ANNA", NOW) == FIRST_WAIT
    assert failed.wait("bruno", NOW) == NONE


def test_old_failures_are_forgotten(failed: Brake) -> None:
    for _ in range(FREE_TRIES):
        failed.wait("anna", NOW)

    later = NOW + FORGET_AFTER + timedelta(seconds=1)
    assert [failed.wait("anna", later) for _ in range(FREE_TRIES)] == [NONE] * FREE_TRIES


def test_guesses_sent_at_the_same_moment_are_all_counted(failed: Brake) -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: failed.wait("anna", NOW), range(64)))

    assert waits.count(NONE) == FREE_TRIES


def test_invented_logins_cannot_fill_the_disk(failed: Brake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_logins, "REMEMBERED", 20)
    for n in range(30):
        failed.wait(f"nobody{n}", NOW + timedelta(seconds=n))
    with db.reading(failed.sessions) as session:
        assert session.scalar(select(func.count()).select_from(FailedLogin)) == 20

    failed.wait("anna", NOW + FORGET_AFTER * 2)
    with db.reading(failed.sessions) as session:
        (left,) = session.scalars(select(FailedLogin)).all()
    assert "anna" not in left.key
