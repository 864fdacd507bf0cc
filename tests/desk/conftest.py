"""A moment, and the demo town on a database of each kind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desk import db
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
_KEYRING = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})


@pytest.fixture
def now() -> datetime:
    """Monday 23 November 2026, 10:00 in Rome."""
    return NOW


@pytest.fixture
def demo_keyring() -> Keyring:
    return _KEYRING


@pytest.fixture
def town(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[db.Sessions]:
    """Sessions on a database that holds the demo town, once of each kind."""
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("_town_file"), tmp_path / "centralino.sqlite")
        url = f"sqlite:///{tmp_path / 'centralino.sqlite'}"
    else:
        url = request.getfixturevalue("postgres").create(template=request.getfixturevalue("_town_name"))
    engine = db.connect(url)
    yield db.sessions(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def _town_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Hashing the operators' passwords is slow on purpose, so the town is loaded once and copied.
    path = tmp_path_factory.mktemp("town") / "centralino.sqlite"
    _load(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _town_name(request: pytest.FixtureRequest) -> str:
    postgres = request.getfixturevalue("postgres")
    postgres.execute("CREATE DATABASE town")
    _load(postgres.url("town"))
    return "town"


def _load(url: str) -> None:
    db.migrate(url)
    engine = db.connect(url)
    with db.transaction(db.sessions(engine)) as session:
        load_demo(session, _KEYRING, NOW)
    engine.dispose()
