"""A moment, and databases for tests, with or without the demo town: SQLite in a file and PostgreSQL in a
private cluster, migrated as in production."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, make_url, text

from desk import db, operators
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring

#: A template that every test's PostgreSQL database is copied from.
_TEMPLATE = "migrated"

#: Bytes of memory from which on the tests keep their files there; they use a third of it.
_PLENTY = 8 * 2**30

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DEMO_KEYRING = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Passwords are hashed weakly in tests, since strength costs a second each; gives the real hasher."""
    real, operators._hasher = operators._hasher, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield real
    operators._hasher = real


class Postgres:
    """A PostgreSQL server that listens on a socket in its own folder only: no port, so no race for one."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        self.folder = folder
        self._programs = programs
        self._user = user

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs on this cluster."""
        done = subprocess.run(
            [str(self._programs / program), "-D", str(self.folder / "data"), *arguments],
            user=self._user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, f"{program}: {done.stderr.decode(errors='replace')}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c max_connections=60"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server; every connection to it breaks."""
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def create(self, *, template: str = "template0") -> str:
        """A new database and its URL."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove the database at that URL with all who still use it."""
        self.execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()


@contextlib.contextmanager
def private_postgres() -> Iterator[Postgres]:
    """A private cluster that runs while the block does. A machine without PostgreSQL fails the tests."""
    programs = _programs()
    user = _account()
    # Not below pytest's own folder, which the unprivileged account cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="centralino-pg-"))
    if user is not None:
        shutil.chown(folder, user)

    server = Postgres(folder, programs, user)
    try:
        server.run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The private cluster of this test process, with a migrated database to copy."""
    with private_postgres() as server:
        server.execute(f"CREATE DATABASE {_TEMPLATE}")
        db.migrate(server.url(_TEMPLATE))
        yield server


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "centralino.sqlite"
    db.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated_file: Path) -> str:
    """A migrated SQLite database."""
    path = tmp_path / "centralino.sqlite"
    shutil.copy(_migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A migrated PostgreSQL database."""
    with _copied(postgres, _TEMPLATE) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """A test that asks for this, or for a fixture below, runs once on SQLite and once on PostgreSQL."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str) -> str:
    """A migrated database, once of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if database_kind == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """Where :func:`desk.db.migrate` has not been yet, once of each kind."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'centralino.sqlite'}"
        return
    with _copied(request.getfixturevalue("postgres"), "template0") as url:
        yield url


@pytest.fixture
def sessions(database_url: str) -> Iterator[db.Sessions]:
    """Sessions on a migrated database, once of each kind."""
    engine = db.connect(database_url)
    yield db.sessions(engine)
    engine.dispose()


@pytest.fixture
def now() -> datetime:
    """Monday 23 November 2026, 10:00 in Rome."""
    return NOW


@pytest.fixture
def demo_keyring() -> Keyring:
    return DEMO_KEYRING


@pytest.fixture
def town(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[db.Sessions]:
    """Sessions on a database that holds the demo town, once of each kind."""
    with contextlib.ExitStack() as stack:
        if database_kind == "sqlite":
            shutil.copy(request.getfixturevalue("_town_file"), tmp_path / "centralino.sqlite")
            url = f"sqlite:///{tmp_path / 'centralino.sqlite'}"
        else:
            name = request.getfixturevalue("_town_name")
            url = stack.enter_context(_copied(request.getfixturevalue("postgres"), name))
        engine = db.connect(url)
        yield db.sessions(engine)
        engine.dispose()


@contextlib.contextmanager
def _copied(postgres: Postgres, template: str) -> Iterator[str]:
    """A database of one test. Hundreds that stay would take minutes to remove at the end."""
    url = postgres.create(template=template)
    try:
        yield url
    finally:
        postgres.drop(url)


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
        load_demo(session, DEMO_KEYRING, NOW)
    engine.dispose()


def _programs() -> Path:
    """The newest PostgreSQL on this machine."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    on_path = shutil.which("pg_ctl")
    if not found and on_path is None:
        pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
    return found[0].parent if found else Path(str(on_path)).resolve().parent


def _account() -> str | None:
    """Whose server it is: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def pytest_configure() -> None:
    """What tests write goes into memory where there is plenty: most of it is short-lived databases."""
    memory = Path("/dev/shm")
    free = shutil.disk_usage(memory).free if os.access(memory, os.W_OK) else 0
    if "TMPDIR" not in os.environ and min(free, _memory_free()) > _PLENTY:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def _memory_free() -> int:
    """Bytes of memory that can be used without another program suffering."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the live tests over the whole run: they wait for most of their time, the others compute."""
    live = [item for item in items if item.get_closest_marker("live")]
    others = [item for item in items if not item.get_closest_marker("live")]
    if live and others:
        every = len(others) / len(live)
        rank = {id(item): number * every for number, item in enumerate(live)}
        rank |= {id(item): number for number, item in enumerate(others)}
        items.sort(key=lambda item: rank[id(item)])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What computes gives way to live calls, which go by the clock. Only root may come back from there."""
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0 if item.get_closest_marker("live") else 10)
