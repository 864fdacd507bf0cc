"""A call's desk on a demo town of its own, at a moment that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from desk import db
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring
from desk.settings import Settings
from desk.spool import Spool
from prompts.catalogue import load_catalogue

#: Monday 23 November 2026, 10:00 in Rome.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

DeskFor = Callable[[str | None], CallDesk]


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """A house on a database that holds the demo town."""
    engine = db.connect(sqlite_url)
    sessions = db.sessions(engine)
    keyring = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})
    with db.transaction(sessions) as session:
        load_demo(session, keyring, NOW)
    settings = Settings(home=tmp_path)
    yield House(settings, sessions, Spool(tmp_path / "spool"), load_catalogue(tmp_path), lambda: NOW)
    engine.dispose()


@pytest.fixture
def desk_for(house: House) -> DeskFor:
    """The desk for a call from that number."""
    return lambda caller: CallDesk(house, CallJournal(house, f"1.{caller}", caller, "100"), caller)
