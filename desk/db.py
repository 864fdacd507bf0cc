"""The connection to the shared request database: SQLite in a file, or PostgreSQL by its URL.

One rule holds for whoever uses it: a unit of work is ``with transaction(sessions) as session``. What goes
wrong with the database itself (not reachable, locked, read-only, its file deleted, no or an old schema)
comes out of it as :class:`DatabaseGone`; everything else, such as a broken unique key, comes out as it is.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, FromClause, create_engine, event, exc, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, ExceptionContext
from sqlalchemy.orm import Session, sessionmaker

#: Seconds a writer waits for another one (SQLite has one writer at a time).
BUSY_SECONDS = 5
#: Seconds to wait for another process that migrates: on a busy machine that takes longer than any other
#: writer does. PostgreSQL's lock is waited for in any case.
MIGRATION_SECONDS = 300
#: Seconds to wait for PostgreSQL to take the connection.
CONNECT_SECONDS = 3

MIGRATIONS = Path(__file__).resolve().parent / "migrations"

#: Any number does that no other application uses in this database.
_MIGRATION_LOCK = 0x63656E74

_READING = {"centralino_begin": "BEGIN"}
_QUICK = {"centralino_synchronous": "NORMAL"}

Sessions = sessionmaker[Session]


class DatabaseGone(Exception):
    """The database cannot be used now: out of reach, locked, read-only, deleted or not migrated."""


def connect(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """An engine for ``url``; nothing is opened yet. Threads may share it.

    Args:
        url: SQLAlchemy's, of SQLite or PostgreSQL.
        busy_seconds: how long a SQLite writer waits for another one, and anybody for a free connection.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed, busy_seconds)
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=30,
        pool_timeout=busy_seconds,
        connect_args={"connect_timeout": CONNECT_SECONDS},
        hide_parameters=True,
    )
    event.listen(engine, "handle_error", _without_values)
    return engine


def sessions(engine: Engine) -> Sessions:
    """The factory of sessions. What was loaded stays readable after the transaction has ended."""
    return sessionmaker(engine, expire_on_commit=False)


@contextmanager
def transaction(sessions: Sessions, *, durable: bool = True) -> Iterator[Session]:
    """A session whose work is committed at the end, or rolled back if an exception leaves the block.

    Args:
        sessions: from :func:`sessions`.
        durable: whether the commit must survive a power cut. ``False`` is for what may lose its last
            moments (call log, drafts); it saves SQLite a wait for the disk. No difference on PostgreSQL.

    Raises:
        DatabaseGone: see there. Nothing was committed then (on PostgreSQL, a connection that breaks during
            the commit itself leaves that open: use idempotency keys and try again).
    """
    with _opened(sessions, {} if durable else _QUICK) as session:
        yield session
        session.commit()


@contextmanager
def reading(sessions: Sessions) -> Iterator[Session]:
    """A session that only reads, so that it waits for no writer. Raises :class:`DatabaseGone`."""
    with _opened(sessions, _READING) as session:
        yield session


def insert(dialect: str, table: FromClause) -> sqlite.Insert | postgresql.Insert:
    """An ``INSERT`` of that SQLAlchemy dialect (its name) that knows ``ON CONFLICT``."""
    statement = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return statement(table)  # type: ignore[arg-type]


def one_at_a_time(session: Session, what: str) -> None:
    """Let transactions about the same ``what`` go on one after the other, each until its end.

    For what has no row of its own to lock. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest(), signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def migrate(url: str) -> None:
    """Create the database if it is an absent SQLite file and bring its schema up to date.

    Two processes may do this at the same time. Raises :class:`DatabaseGone`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        _create_file(Path(parsed.database))
    engine = connect(url, busy_seconds=MIGRATION_SECONDS)
    try:
        with _saying_gone(), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config = migrations()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def schema_is_current(engine: Engine) -> bool:
    """Whether the schema is the one this code was written for. Raises :class:`DatabaseGone`."""
    with _saying_gone(), engine.connect().execution_options(**_READING) as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    return set(current) == set(ScriptDirectory.from_config(migrations()).get_heads())


def migrations() -> Config:
    """Alembic's configuration of our migrations. Its output is kept off the terminal."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _opened(sessions: Sessions, options: dict[str, str]) -> Iterator[Session]:
    with _saying_gone(), sessions() as session:
        if options:
            session.connection(execution_options=options)
        yield session


@contextmanager
def _saying_gone() -> Iterator[None]:
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError, exc.DisconnectionError) as e:
        if not _is_gone(e):
            raise
        raise DatabaseGone(f"the database cannot be used: {_kind(e)}") from e


def _is_gone(error: exc.SQLAlchemyError) -> bool:
    if isinstance(error, exc.IntegrityError | exc.DataError | exc.NotSupportedError):
        return False
    if isinstance(error, exc.ProgrammingError):
        # PostgreSQL's words for "not migrated": undefined table, undefined column; 3D/3F: no such database
        # or schema. 42501: we may not read or write it.
        return getattr(error.orig, "sqlstate", None) in {"42P01", "42703", "3D000", "3F000", "42501"}
    return True


def _kind(error: exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    return str(code or type(original or error).__name__)


def _create_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Citizens' data: for the owner only. SQLite gives its -wal and -shm files the same mode. A file that
        # exists is not opened: closing it would drop the locks that SQLite holds on it in this process.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    except OSError as e:
        raise DatabaseGone(f"the database file cannot be created: {e.strerror}") from e


def _without_values(context: ExceptionContext) -> None:
    """Keep rows out of logs: PostgreSQL's messages quote them ("Key (e164)=(+39333...) already exists")."""
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    code = getattr(original, "sqlstate", None)
    if code is None:
        return
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
    original.args = (f"{code} {constraint or ''}".rstrip(),)
    if wrapped is not None:
        wrapped.args = (f"({type(original).__name__}) {original}",)


def _sqlite_engine(url: URL, busy_seconds: float) -> Engine:
    path = Path(url.database or "").resolve()
    # Without mode=rw SQLite would silently create an empty database where the file was deleted.
    uri = f"file:{quote(str(path))}?mode=rw"

    def open_file() -> sqlite3.Connection:
        # isolation_level=None: transactions begin where we say so, in _begin.
        return sqlite3.connect(
            uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )

    engine = create_engine(
        url,
        creator=open_file,
        pool_size=10,
        max_overflow=30,
        pool_timeout=busy_seconds,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, record: Any) -> None:
        try:
            found = path.stat()
        except OSError as e:
            raise sqlite3.OperationalError("the database file is gone") from e
        record.info["file"] = (found.st_dev, found.st_ino)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        record.info["synchronous"] = "FULL"

    @event.listens_for(engine, "checkout")
    def _same_file(_connection: sqlite3.Connection, record: Any, _proxy: Any) -> None:
        # A connection to a deleted or replaced file would go on writing into nowhere.
        try:
            found = path.stat()
        except OSError as e:
            raise exc.DisconnectionError("the database file is gone") from e
        if record.info["file"] != (found.st_dev, found.st_ino):
            raise exc.DisconnectionError("the database file is another one")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        synchronous = options.get("centralino_synchronous", "FULL")
        if connection.info["synchronous"] != synchronous:
            connection.exec_driver_sql(f"PRAGMA synchronous = {synchronous}")
            connection.info["synchronous"] = synchronous
        # A writer takes the write lock at once: one that began by reading could fail in mid transaction.
        connection.exec_driver_sql(options.get("centralino_begin", "BEGIN IMMEDIATE"))

    return engine
