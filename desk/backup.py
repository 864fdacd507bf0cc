"""Backups of a whole system, and putting one back.

In an archive are the database, the recordings, the spool, recorded notices, and the keyring: with it a new
machine has the same phone passwords, calendar addresses and pseudonyms. The archive is encrypted for that
reason too; its own key is not in it. Prompts and Asterisk's files are made anew by ``centralino prepare``.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import text

from desk.archive import open_key, read_archive, write_archive
from desk.db import connect, migrate, migrations
from desk.dumps import DumpError, clear, dump, kind_of, load, schema_of, sqlite_file, tables_of
from desk.keyring import FILE as KEYRING
from desk.settings import Settings
from desk.worker_locks import database_lock, home_lock

log = logging.getLogger(__name__)

FORMAT = 1
#: How often it is looked whether somebody is still connected, and the seconds between two looks.
_LOOKS, _BETWEEN = 10, 0.2
#: Folders below the home folder whose files are kept.
FOLDERS = ("recordings", "spool", "notices", "attachments")
_DATABASE = "database"
_NAME = "centralino-{:%Y%m%dT%H%M%SZ}.age"
_NAMES = "centralino-*Z.age"


class Refused(Exception):
    """A backup is not put back; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written and read back."""

    path: Path
    #: Bytes.
    size: int
    #: Rows of each table.
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there again."""

    made_at: datetime
    rows: Mapping[str, int]
    #: Where what was there before lies now; ``None`` where there was nothing.
    aside: Path | None


def write_backup(settings: Settings, *, now: datetime) -> Backup:
    """Write a backup, read it back, and only then remove the oldest ones.

    Raises:
        ArchiveError, DumpError, OSError: there is no new backup; all the old ones are still there.
    """
    folder = settings.backup_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = open_key(settings.backup_key_file, make=True)
    path = folder / _NAME.format(now.astimezone(UTC))
    part = folder / f".{path.name}.{os.getpid()}"
    with _private_folder(folder) as private:
        dumped = private / _DATABASE
        # The database first: every recording that it names is there when the recordings are read.
        rows = dump(settings.url, dumped)
        facts = {
            "format": FORMAT,
            "database": kind_of(settings.url),
            "made_at": now.isoformat(),
            "schema": schema_of(settings.url),
            "rows": rows,
        }
        try:
            write_archive(part, ((_DATABASE, dumped), *_files(settings.home.resolve())), facts, key)
            read_archive(part, key)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    _sync(folder)
    _remove_oldest(folder, settings.backups_kept)
    return Backup(path, path.stat().st_size, rows)


def put_back(settings: Settings, archive: Path, key_file: Path, *, force: bool, now: datetime) -> Restored:
    """Make the system what it was when ``archive`` was written.

    Nothing is touched before the whole archive has been read and checked. What is there already is put aside
    (with ``force``) or is a reason to refuse. Whatever goes wrong after that, all is made as it was.

    Raises:
        Refused: a system is running, or one is there and ``force`` is not given, or the archive does not fit.
        ArchiveError, DumpError: the archive is broken; the database could not be written.
    """
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    key = open_key(key_file)
    with _nobody_works(settings), _private_folder(home) as private:
        facts = read_archive(archive, key, into=private)
        _fits(facts, settings)
        old = _there(settings)
        if old and not force:
            raise Refused(f"there is a system already ({', '.join(old)}); --force puts it aside")
        aside = home / f"before-restore-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}" if old else None
        try:
            if aside is not None:
                _put_aside(settings, old, aside)
            load(settings.url, private / _DATABASE)
            if tables_of(settings.url) != facts["rows"]:
                raise DumpError("the database does not have the rows it had")
            for name in (*FOLDERS, KEYRING):
                if (private / name).exists():
                    (private / name).replace(home / name)
            migrate(settings.url)
        except BaseException:
            try:
                _make_as_it_was(settings, old, aside)
            except (OSError, DumpError):
                log.error("what was there before lies in %s and has to be put back by hand", aside)
            raise
    return Restored(datetime.fromisoformat(facts["made_at"]), facts["rows"], aside)


def _files(home: Path) -> Iterator[tuple[str, Path]]:
    if (home / KEYRING).exists():
        yield KEYRING, home / KEYRING
    for folder in FOLDERS:
        for file in sorted((home / folder).rglob("*")):
            # Names with a dot are files that are being written.
            if file.is_file() and not file.is_symlink() and not file.name.startswith("."):
                yield str(file.relative_to(home)), file


def _remove_oldest(folder: Path, kept: int) -> None:
    # The names sort by time.
    for old in sorted(folder.glob(_NAMES))[:-kept]:
        old.unlink(missing_ok=True)


def _fits(facts: Mapping[str, Any], settings: Settings) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(migrations()).walk_revisions()}
    if facts.get("format") != FORMAT or not set(facts["schema"]) <= known:
        raise Refused("the backup is of a newer version of this program")
    if facts["database"] != kind_of(settings.url):
        raise Refused(
            f"the backup is of {facts['database']}, the database that is set is {kind_of(settings.url)}"
        )


@contextmanager
def _nobody_works(settings: Settings) -> Iterator[None]:
    """Hold the workers' locks, so that none begins meanwhile; whoever is at work is a reason to refuse."""
    if kind_of(settings.url) == "postgresql" and _anybody_stays(settings.url):
        raise Refused("somebody is connected to the database: stop all parts first")
    locks = [home_lock(settings.home), database_lock(settings.url)]
    try:
        for lock in locks:
            if not lock.take():
                raise Refused("a worker is running, or the database does not answer: stop all parts first")
        yield
    finally:
        for lock in locks:
            lock.give_back()


def _anybody_stays(url: str) -> bool:
    """Whether others are connected; those that are just leaving are waited for."""
    for _ in range(_LOOKS):
        if not _others(url):
            return False
        time.sleep(_BETWEEN)
    return True


def _others(url: str) -> int:
    engine = connect(url)
    try:
        with engine.connect() as connection:
            others: int = connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            ).scalar_one()
            return others
    finally:
        engine.dispose()


def _there(settings: Settings) -> list[str]:
    """What there is of a system already: folders and files by name, and :data:`_DATABASE`."""
    home = settings.home.resolve()
    there = [name for name in (*FOLDERS, KEYRING) if _has_something(home / name)]
    return [*([_DATABASE] if tables_of(settings.url) else []), *there]


def _put_aside(settings: Settings, old: Sequence[str], aside: Path) -> None:
    """Move what is there out of the way. The database is dumped: PostgreSQL's has no files of ours."""
    aside.mkdir(mode=0o700)
    if _DATABASE in old:
        dump(settings.url, _dump_in(settings, aside))
    for name in old:
        if name != _DATABASE:
            (settings.home.resolve() / name).replace(aside / name)


def _make_as_it_was(settings: Settings, old: Sequence[str], aside: Path | None) -> None:
    """Undo a restore that failed, however far it got."""
    home = settings.home.resolve()
    log.warning("the restore failed: all is made as it was")
    for name in (*FOLDERS, KEYRING):
        if name in old:
            if aside is None or not (aside / name).exists():
                # It had not been moved yet.
                continue
            _remove(home / name)
            (aside / name).replace(home / name)
        elif _has_something(home / name):
            _remove(home / name)
    if _DATABASE not in old:
        clear(settings.url)
    elif aside is not None and _dump_in(settings, aside).exists():
        load(settings.url, _dump_in(settings, aside))
    if aside is not None:
        shutil.rmtree(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _dump_in(settings: Settings, aside: Path) -> Path:
    return aside / (sqlite_file(settings.url).name if _is_sqlite(settings) else "database.dump")


def _is_sqlite(settings: Settings) -> bool:
    return kind_of(settings.url) == "sqlite"


def _has_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(file.is_file() for file in path.rglob("*")))


@contextmanager
def _private_folder(parent: Path) -> Iterator[Path]:
    """A folder for what is not encrypted, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".centralino-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
