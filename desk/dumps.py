"""The whole database in one file, and back: SQLite by its backup interface, PostgreSQL by its programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.runtime.migration import MigrationContext
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, func, inspect, make_url, select, table, text
from sqlalchemy.engine import URL

from desk.db import connect

#: Seconds that PostgreSQL's programs may take.
_PATIENCE = 4 * 3600


class DumpError(Exception):
    """The database could not be read or written; the text has no personal data."""


def kind_of(url: str) -> str:
    """``sqlite`` or ``postgresql``."""
    return make_url(url).get_backend_name()


def dump(url: str, to: Path) -> Mapping[str, int]:
    """Write the database as it is at one moment into ``to``; the number of rows of each table."""
    return _dump_sqlite(url, to) if kind_of(url) == "sqlite" else _dump_postgres(url, to)


def tables_of(url: str) -> Mapping[str, int]:
    """The tables of the database and their rows; none where there is no database yet."""
    if kind_of(url) == "sqlite" and not sqlite_file(url).exists():
        return {}
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return _count(connection)
    finally:
        engine.dispose()


def schema_of(url: str) -> Sequence[str]:
    """The revision of its schema, as a list."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_heads()
    finally:
        engine.dispose()


def load(url: str, dumped: Path) -> None:
    """Make the database what ``dumped`` says. What was there is gone, or still there if this fails."""
    if kind_of(url) == "sqlite":
        _load_sqlite(sqlite_file(url), dumped)
    else:
        _load_postgres(url, dumped)


def clear(url: str) -> None:
    """Leave an empty database."""
    if kind_of(url) == "sqlite":
        for end in ("", "-wal", "-shm"):
            path = sqlite_file(url)
            path.with_name(path.name + end).unlink(missing_ok=True)
        return
    _run(url, "psql", "--no-psqlrc", "--quiet", "--dbname", _conninfo(url), *_drop(url))


def sqlite_file(url: str) -> Path:
    """The file of a SQLite database."""
    return Path(make_url(url).database or "").resolve()


def _dump_sqlite(url: str, to: Path) -> Mapping[str, int]:
    source_uri = f"file:{quote(str(sqlite_file(url)))}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(source_uri, uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            # All pages at once: writers go on beside it, and the copy is of one moment.
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
            (verdict,) = target.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as e:
        raise DumpError(f"SQLite: {type(e).__name__}") from e
    if verdict != "ok":
        raise DumpError("the copy of the database is damaged")
    to.chmod(0o600)
    return tables_of(f"sqlite:///{to}")


def _load_sqlite(path: Path, dumped: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.restored")
    shutil.copyfile(dumped, part)
    part.chmod(0o600)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    # A journal of the old file must not be played into the new one.
    for old in ("-wal", "-shm"):
        path.with_name(path.name + old).unlink(missing_ok=True)
    part.replace(path)


def _dump_postgres(url: str, to: Path) -> Mapping[str, int]:
    engine = connect(url)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            # Counted and dumped in the same snapshot, so that both agree.
            snapshot: str = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            counted = _count(connection)
            _run(url, "pg_dump", "--format=custom", f"--snapshot={snapshot}", "--no-owner", "--no-acl",
                 f"--file={to}", "--dbname", _conninfo(url))  # fmt: skip
    finally:
        engine.dispose()
    to.chmod(0o600)
    _run(url, "pg_restore", "--list", str(to))
    return counted


def _load_postgres(url: str, dumped: Path) -> None:
    script = dumped.with_suffix(".sql")
    _run(url, "pg_restore", "--no-owner", "--no-acl", f"--file={script}", str(dumped))
    # One transaction: either all of it is there afterwards, or all that was there before.
    _run(url, "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
         "--dbname", _conninfo(url), *_drop(url), "--file", str(script))  # fmt: skip
    script.unlink()


def _drop(url: str) -> Sequence[str]:
    tables = ", ".join(f'"{name}"' for name in tables_of(url))
    return ["--command", f"DROP TABLE IF EXISTS {tables} CASCADE"] if tables else []


def _count(connection: Connection) -> Mapping[str, int]:
    names = inspect(connection).get_table_names()
    return {
        name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
        for name in sorted(names)
    }


def _conninfo(url: str) -> str:
    """How PostgreSQL's programs reach it. The password is not in it: command lines can be seen by others."""
    parsed = make_url(url)
    parts: dict[str, Any] = {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.username,
        "dbname": parsed.database,
        **parsed.query,
    }
    return make_conninfo("", **{name: value for name, value in parts.items() if value is not None})


def _run(url: str, program: str, *arguments: str) -> None:
    try:
        done = subprocess.run(
            [_found(program), *arguments],
            env={**os.environ, **_password(make_url(url))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise DumpError(f"{program}: {type(e).__name__}") from e
    if done.returncode != 0:
        # Only the first line, which says what is wrong: others quote rows.
        lines = done.stderr.decode(errors="replace").splitlines() or [""]
        raise DumpError(f"{program} failed: {lines[0][:200]}")


def _password(url: URL) -> dict[str, str]:
    return {"PGPASSWORD": str(url.password)} if url.password else {}


def _found(program: str) -> str:
    """The newest one of this machine: an older one refuses a newer server."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest = sorted(versions, key=lambda path: int(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(program)
    if found is None:
        raise DumpError(f"{program} is not installed: apt-get install postgresql-client")
    return found
