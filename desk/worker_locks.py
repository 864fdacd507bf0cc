"""Who is the worker: of several, one holds a lock and works, the others stand by and take over.

The operating system, or PostgreSQL, gives a lock back the moment its holder dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from desk.db import CONNECT_SECONDS

log = logging.getLogger(__name__)

#: Any number does that no other application uses in this database.
_KEY = 0x776F726B


class WorkerLock(Protocol):
    """A lock that one process holds at a time."""

    def take(self) -> bool:
        """Try to take it; whether it is ours now."""
        ...

    def is_held(self) -> bool:
        """Whether it is still ours."""
        ...

    def give_back(self) -> None:
        """Let the next one have it."""
        ...


class FileLock:
    """A lock on a file, for those who work on one machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None

    def take(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._held = descriptor
        return True

    def is_held(self) -> bool:
        return self._held is not None

    def give_back(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


class PostgresLock:
    """PostgreSQL's advisory lock. It belongs to a connection of its own, so it is lost with that."""

    def __init__(self, url: str) -> None:
        # The server must notice a machine that went silent, or nobody could take over for two hours.
        alive = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
        self._engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "tcp_user_timeout": 10_000,
                "application_name": "centralino worker",
                "options": "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3",
                **alive,
            },
            hide_parameters=True,
        )
        self._connection: Connection | None = None

    def take(self) -> bool:
        connection: Connection | None = None
        try:
            # A standby asks every second: it keeps its connection.
            connection = self._connection or self._engine.connect()
            taken: bool = connection.execute(
                text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}
            ).scalar_one()
        except SQLAlchemyError as e:
            log.debug("the worker's lock cannot be asked for: %s", type(e).__name__)
            self._connection = connection
            self.give_back()
            return False
        self._connection = connection
        return taken

    def is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self.give_back()
            return False
        return True

    def give_back(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._connection.invalidate()
            with contextlib.suppress(SQLAlchemyError):
                self._connection.close()
            self._connection = None


def home_lock(home: Path) -> WorkerLock:
    """Whose job the files of a home folder are."""
    return FileLock(home.resolve() / "worker.lock")


def database_lock(url: str) -> WorkerLock:
    """Whose job the shared database is."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return PostgresLock(url)
    path = Path(parsed.database or "").resolve()
    return FileLock(path.with_name(f"worker.{path.name}.lock"))
