"""A moment, and the demo town on a database of each kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from desk import db
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring


@pytest.fixture
def now() -> datetime:
    """Monday 23 November 2026, 10:00 in Rome."""
    return datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def demo_keyring() -> Keyring:
    return Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})


@pytest.fixture
def town(sessions: db.Sessions, demo_keyring: Keyring, now: datetime) -> db.Sessions:
    """Sessions on a database that holds the demo town."""
    with db.transaction(sessions) as session:
        load_demo(session, demo_keyring, now)
    return sessions
