"""Backup and restore, round trip, on both databases; and every reason to refuse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from desk import backup, db
from desk.archive import ArchiveError, open_key, read_archive, write_archive
from desk.backup import Refused, put_back, write_backup
from desk.dumps import DumpError, dump, load, tables_of
from desk.keyring import open_keyring
from desk.models import Base, Citizen, Request
from desk.requests import MessageOrder, file_message
from desk.settings import Settings
from tests.desk.workers import url_of, wait_until, worker

#: Where a restore can fail once it touches what was there.
STAGES = ("dump", "load", "counting", "moving", "migrate")
SOUND = bytes(range(256)) * 3000


def rows(sessions: db.Sessions) -> Mapping[str, list[Any]]:
    """All that is in the database."""
    with db.reading(sessions) as session:
        return {
            name: sorted(map(repr, session.execute(select(table)).all()))
            for name, table in Base.metadata.tables.items()
        }


@pytest.fixture
def settings(town: db.Sessions, tmp_path: Path, now: datetime) -> Settings:
    """A system with a request, its recording and a keyring."""
    home = tmp_path / "home"
    (home / "recordings").mkdir(parents=True)
    (home / "spool" / "waiting").mkdir(parents=True)
    recording = home / "recordings" / "message.wav"
    recording.write_bytes(SOUND)
    (home / "spool" / "waiting" / "one.json").write_text("{}", encoding="utf-8")
    (home / "recordings" / ".being-written").touch()
    open_keyring(home, extensions=["201"], logins=())
    with db.transaction(town) as session:
        file_message(session, MessageOrder(recording=recording, idempotency_key="m1"), now=now)
    return Settings(home=home, database_url=url_of(town))


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest, settings: Settings, database_kind: str, tmp_path: Path
) -> Settings:
    """A new machine: nothing but the key."""
    home = tmp_path / "new"
    home.mkdir()
    url = request.getfixturevalue("postgres").create() if database_kind == "postgresql" else ""
    return Settings(home=home, database_url=url, backup_key=settings.home / "backup.key")


def test_a_backup_put_back_on_a_new_machine_is_the_same_system(
    settings: Settings, elsewhere: Settings, town: db.Sessions, now: datetime
) -> None:
    before = rows(town)
    written = write_backup(settings, now=now)
    assert written.path.stat().st_mode & 0o777 == 0o600
    assert settings.backup_key_file.stat().st_mode & 0o777 == 0o600
    assert list(settings.backup_folder.iterdir()) == [written.path]

    restored = put_back(elsewhere, written.path, elsewhere.backup_key_file, force=False, now=now)

    assert restored.aside is None
    assert restored.made_at == now
    engine = db.connect(elsewhere.url)
    assert rows(db.sessions(engine)) == before
    assert db.schema_is_current(engine)
    # Numbers go on where they were: what is filed next does not meet what is there.
    with db.transaction(db.sessions(engine)) as session:
        file_message(session, MessageOrder(recording=Path("x.wav"), idempotency_key="m2"), now=now)
    engine.dispose()
    assert (elsewhere.recordings / "message.wav").read_bytes() == SOUND
    assert (elsewhere.home / "spool" / "waiting" / "one.json").exists()
    assert (elsewhere.home / "keyring.toml").read_bytes() == (settings.home / "keyring.toml").read_bytes()
    assert (elsewhere.home / "keyring.toml").stat().st_mode & 0o777 == 0o600
    assert not list(elsewhere.home.glob(".*"))


def test_nothing_of_a_citizen_can_be_read_in_it(settings: Settings, town: db.Sessions, now: datetime) -> None:
    written = write_backup(settings, now=now).path.read_bytes()
    with db.reading(town) as session:
        for citizen in session.scalars(select(Citizen)):
            assert citizen.tax_code.encode() not in written
    assert SOUND[:64] not in written
    assert b"age-encryption.org" in written[:40]


def test_it_is_refused_onto_a_system_that_is_there_and_force_puts_that_aside(
    settings: Settings, town: db.Sessions, now: datetime
) -> None:
    written = write_backup(settings, now=now)
    with db.transaction(town) as session:
        file_message(session, MessageOrder(recording=Path("x.wav"), idempotency_key="m2"), now=now)
    with pytest.raises(Refused, match="--force") as refused:
        _put_back(settings, town, written.path, now, force=False)
    for thing in ("database", "recordings", "keyring"):
        assert thing in str(refused.value)
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 2

    restored = _put_back(settings, town, written.path, now, force=True)

    with db.reading(town) as session:
        assert session.scalars(select(Request.idempotency_key)).all() == ["m1"]
    assert restored.aside is not None
    names = {path.name for path in restored.aside.iterdir()}
    assert {"recordings", "spool", "keyring.toml"} < names
    assert names & {"centralino.sqlite", "database.dump"}


def _break(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Let a restore fail at that stage."""

    def fails(*_: object) -> None:
        raise OSError("no space left on device")

    loads, counts = count(1), count(1)

    def load_once(url: str, dumped: Path) -> None:
        # The first time only: then what was there is loaded again.
        return fails() if next(loads) == 1 else load(url, dumped)

    def miscount(url: str) -> Mapping[str, int]:
        return {"requests": 0} if next(counts) == 2 else tables_of(url)

    if stage == "counting":
        monkeypatch.setattr(backup, "tables_of", miscount)
    elif stage == "moving":
        real = Path.replace

        def replace(path: Path, to: Path) -> Path:
            # Of what comes out of the archive, the second thing.
            if path.parent.name.startswith(".centralino-") and path.name == "spool":
                fails()
            return real(path, to)

        monkeypatch.setattr(Path, "replace", replace)
    else:
        monkeypatch.setattr(backup, stage, load_once if stage == "load" else fails)


@pytest.mark.parametrize(
    ("database_kind", "place", "stage"),
    [
        *(("sqlite", "there already", stage) for stage in STAGES),
        ("sqlite", "new", "moving"),
        ("postgresql", "there already", "migrate"),
        ("postgresql", "new", "migrate"),
    ],
    indirect=["database_kind"],
)
def test_a_restore_that_fails_leaves_all_as_it_was(
    settings: Settings,
    elsewhere: Settings,
    town: db.Sessions,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    place: str,
) -> None:
    written = write_backup(settings, now=now)
    with db.transaction(town) as session:
        file_message(session, MessageOrder(recording=Path("x.wav"), idempotency_key="m2"), now=now)
    (settings.recordings / "later.wav").write_bytes(b"later")
    before = rows(town)
    town.kw["bind"].dispose()
    target = settings if place == "there already" else elsewhere
    files = _files_in(target)
    with monkeypatch.context() as broken:
        _break(broken, stage)
        with pytest.raises((OSError, DumpError)):
            put_back(target, written.path, target.backup_key_file, force=True, now=now)
    assert _files_in(target) == files
    assert not list(target.home.glob("before-restore-*"))
    if place == "new":
        assert tables_of(target.url) == {}
    else:
        assert rows(town) == before
        town.kw["bind"].dispose()
    # And it can be put back once that is mended.
    put_back(target, written.path, target.backup_key_file, force=True, now=now)


def _files_in(settings: Settings) -> dict[str, bytes]:
    """All files of a system but the database's, which is compared row by row."""
    return {
        str(path.relative_to(settings.home)): path.read_bytes()
        for path in settings.home.rglob("*")
        if path.is_file() and "sqlite" not in path.name and not path.name.endswith(".lock")
    }


def _put_back(settings: Settings, town: db.Sessions, archive: Path, now: datetime, *, force: bool) -> Any:
    # Our own connections would be somebody at work.
    town.kw["bind"].dispose()
    return put_back(settings, archive, settings.backup_key_file, force=force, now=now)


def test_it_is_refused_while_a_worker_runs(settings: Settings, town: db.Sessions, now: datetime) -> None:
    written = write_backup(settings, now=now)
    town.kw["bind"].dispose()
    log = settings.home / "worker.log"
    with worker(settings.home, settings.url):
        wait_until(lambda: log.exists() and "does the jobs of the desk" in log.read_text(encoding="utf-8"))
        with pytest.raises(Refused, match="stop all parts"):
            _put_back(settings, town, written.path, now, force=True)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_it_is_refused_while_anybody_is_connected(
    settings: Settings, town: db.Sessions, now: datetime
) -> None:
    written = write_backup(settings, now=now)
    with db.reading(town) as session:
        session.execute(select(Request))
        with pytest.raises(Refused, match="connected"):
            put_back(settings, written.path, settings.backup_key_file, force=True, now=now)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "damage", ["half", "all but the end", "one byte", "empty", "another key", "something"]
)
def test_a_broken_archive_is_refused_before_anything_is_touched(
    settings: Settings, elsewhere: Settings, now: datetime, tmp_path: Path, damage: str
) -> None:
    archive, key = write_backup(settings, now=now).path, settings.backup_key_file
    whole = archive.read_bytes()
    middle = len(whole) // 2
    if damage == "another key":
        key = tmp_path / "other.key"
        open_key(key, make=True)
    else:
        archive.write_bytes(
            {
                "half": whole[:middle],
                "all but the end": whole[:-20],
                "one byte": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
                "empty": b"",
                "something": b"something else altogether",
            }[damage]
        )
    with pytest.raises(ArchiveError):
        put_back(elsewhere, archive, key, force=True, now=now)
    assert [path.name for path in elsewhere.home.iterdir() if "lock" not in path.name] == []


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    key = open_key(tmp_path / "key", make=True)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    write_archive(tmp_path / "good", [("file", tmp_path / "file")], {"a": 1}, key)
    into = tmp_path / "into"
    into.mkdir()
    assert read_archive(tmp_path / "good", key, into=into)["a"] == 1
    assert (into / "file").read_text(encoding="utf-8") == "x"
    write_archive(tmp_path / "bad", [("../out", tmp_path / "file")], {}, key)
    with pytest.raises(ArchiveError):
        read_archive(tmp_path / "bad", key, into=into)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_the_newest_are_kept_and_a_failure_keeps_all(settings: Settings, now: datetime) -> None:
    few = settings.model_copy(update={"backups_kept": 2})
    made = [write_backup(few, now=now + timedelta(days=day)).path for day in range(3)]
    assert sorted(few.backup_folder.iterdir()) == made[1:]
    few.backup_key_file.chmod(0o644)
    with pytest.raises(ArchiveError, match="chmod 600"):
        write_backup(few, now=now + timedelta(days=9))
    assert sorted(few.backup_folder.iterdir()) == made[1:]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_backup_of_another_kind_of_database_is_refused(
    settings: Settings, now: datetime, tmp_path: Path, postgres_url: str
) -> None:
    written = write_backup(settings, now=now)
    other = Settings(home=tmp_path / "other", database_url=postgres_url)
    with pytest.raises(Refused, match="sqlite"):
        put_back(other, written.path, settings.backup_key_file, force=True, now=now)


def test_a_dump_is_of_one_moment_while_callers_write(
    settings: Settings, town: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    with db.transaction(town) as session:
        file_message(session, MessageOrder(recording=Path("x.wav"), idempotency_key="open"), now=now)
        if session.get_bind().dialect.name == "sqlite":
            session.commit()
        counted = dump(settings.url, tmp_path / "dumped")
    assert counted["requests"] in (1, 2)
    assert counted["request_periods"] == counted["requests"]
