"""The connection: what is the database's fault comes out as DatabaseGone, and nothing else does."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from desk import db
from desk.models import CallerPreference, PhoneNumber
from tests.conftest import Postgres

ROW = {"language": "it", "slow": False, "updated_at": datetime(2026, 11, 23, tzinfo=UTC)}


@contextmanager
def opened(url: str, busy_seconds: float = db.BUSY_SECONDS) -> Iterator[db.Sessions]:
    engine = db.connect(url, busy_seconds=busy_seconds)
    yield db.sessions(engine)
    engine.dispose()


def keep(sessions: db.Sessions, number: str = "+393330000001") -> None:
    with db.transaction(sessions) as session:
        session.add(CallerPreference(e164=number, **ROW))


def path_of(url: str) -> Path:
    return Path(str(make_url(url).database))


def test_what_is_done_is_kept(sessions: db.Sessions) -> None:
    keep(sessions)
    with db.reading(sessions) as session:
        assert session.scalars(select(CallerPreference.e164)).all() == ["+393330000001"]


def test_an_exception_undoes_the_whole_transaction(sessions: db.Sessions) -> None:
    def fail() -> None:
        with db.transaction(sessions) as session:
            session.add(CallerPreference(e164="+393330000001", **ROW))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with db.reading(sessions) as session:
        assert session.scalars(select(CallerPreference)).all() == []


def test_a_broken_rule_is_not_a_database_that_is_gone(sessions: db.Sessions) -> None:
    keep(sessions)
    with pytest.raises(IntegrityError):
        keep(sessions)


def test_foreign_keys_are_checked(sessions: db.Sessions) -> None:
    with pytest.raises(IntegrityError), db.transaction(sessions) as session:
        session.add(PhoneNumber(citizen_id=404, e164="+393330000001"))


def test_a_closed_set_is_checked_by_the_database_too(sessions: db.Sessions) -> None:
    insert = "INSERT INTO phones (extension, tier, label, ring_seconds) VALUES ('1', 'attic', 'x', 1)"
    with pytest.raises(IntegrityError), db.transaction(sessions) as session:
        session.execute(text(insert))


def test_a_moment_comes_back_aware_and_in_utc(sessions: db.Sessions) -> None:
    keep(sessions)
    with db.reading(sessions) as session:
        kept = session.scalars(select(CallerPreference.updated_at)).one()
    assert kept == ROW["updated_at"]
    assert kept.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(sessions: db.Sessions) -> None:
    naive = datetime(2026, 11, 23)  # noqa: DTZ001
    with pytest.raises(StatementError, match="time zone"), db.transaction(sessions) as session:
        session.add(CallerPreference(e164="+393330000001", **{**ROW, "updated_at": naive}))


def test_an_unmigrated_database_is_gone(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        path_of(empty_url).parent.mkdir()
        path_of(empty_url).touch()
    with opened(empty_url) as sessions, pytest.raises(db.DatabaseGone):
        keep(sessions)


def test_the_reason_shows_no_value(sqlite_url: str) -> None:
    with opened(sqlite_url) as sessions:
        with db.transaction(sessions) as session:
            session.execute(text("DROP TABLE caller_preferences"))
        with pytest.raises(db.DatabaseGone) as gone:
            keep(sessions, "+393331112223")
    assert "3331112223" not in str(gone.value)


class TestSqlite:
    def test_it_is_open_to_its_owner_only(self, tmp_path: Path) -> None:
        db.migrate(f"sqlite:///{tmp_path / 'x.sqlite'}")
        assert (tmp_path / "x.sqlite").stat().st_mode & 0o777 == 0o600

    def test_it_is_in_wal_mode_with_commits_on_disk(self, sqlite_url: str) -> None:
        with opened(sqlite_url) as sessions:
            with db.transaction(sessions) as session:
                assert session.scalar(text("PRAGMA journal_mode")) == "wal"
                assert session.scalar(text("PRAGMA synchronous")) == 2
            with db.transaction(sessions, durable=False) as session:
                assert session.scalar(text("PRAGMA synchronous")) == 1
            with db.transaction(sessions) as session:
                assert session.scalar(text("PRAGMA synchronous")) == 2

    def test_an_absent_file_is_gone_and_stays_absent(self, tmp_path: Path) -> None:
        with opened(f"sqlite:///{tmp_path / 'x.sqlite'}") as sessions, pytest.raises(db.DatabaseGone):
            keep(sessions)
        assert list(tmp_path.iterdir()) == []

    def test_a_deleted_file_is_gone_although_a_connection_is_open(self, sqlite_url: str) -> None:
        with opened(sqlite_url) as sessions:
            keep(sessions)
            path_of(sqlite_url).unlink()
            with pytest.raises(db.DatabaseGone):
                keep(sessions, "+393330000002")
            with pytest.raises(db.DatabaseGone), db.reading(sessions) as session:
                session.scalars(select(CallerPreference)).all()

    def test_a_file_put_in_its_place_is_used_at_once(self, sqlite_url: str) -> None:
        path = path_of(sqlite_url)
        with opened(sqlite_url) as sessions:
            keep(sessions)
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
            db.migrate(sqlite_url)
            keep(sessions)  # the same key: it would clash in the old file

    def test_a_locked_database_is_gone_after_the_wait(self, sqlite_url: str) -> None:
        other = sqlite3.connect(path_of(sqlite_url), isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with opened(sqlite_url, busy_seconds=0.1) as sessions:
                with pytest.raises(db.DatabaseGone, match="SQLITE_BUSY"):
                    keep(sessions)
                with db.reading(sessions) as session:
                    assert session.scalars(select(CallerPreference)).all() == []
                assert db.schema_is_current(sessions.kw["bind"]), "a look at the health waits for no writer"
                other.execute("ROLLBACK")
                keep(sessions)
        finally:
            other.close()

    def test_a_read_only_database_is_gone_for_writers(self, sqlite_url: str) -> None:
        engine = db.connect(sqlite_url)

        @event.listens_for(engine, "connect")
        def _read_only(connection: sqlite3.Connection, _record: Any) -> None:
            # SQLite's own answer for a read-only file; root may write to any file, whatever its mode.
            connection.execute("PRAGMA query_only = ON")

        with pytest.raises(db.DatabaseGone, match="SQLITE_READONLY"):
            keep(db.sessions(engine))
        engine.dispose()

    def test_a_file_that_is_no_database_is_gone(self, sqlite_url: str) -> None:
        path_of(sqlite_url).write_bytes(os.urandom(8192))
        with opened(sqlite_url) as sessions, pytest.raises(db.DatabaseGone):
            keep(sessions)


class TestPostgres:
    def test_an_unreachable_server_is_gone(self, tmp_path: Path) -> None:
        with opened(f"postgresql://nobody@/x?host={tmp_path}") as sessions, pytest.raises(db.DatabaseGone):
            keep(sessions)

    def test_a_server_that_is_stopped_is_gone_until_it_is_back(
        self, postgres: Postgres, postgres_url: str
    ) -> None:
        with opened(postgres_url) as sessions:

            def stop_in_mid_transaction(sessions: db.Sessions) -> None:
                with db.transaction(sessions) as session:
                    session.add(CallerPreference(e164="+393330000002", **ROW))
                    session.flush()
                    postgres.stop()

            keep(sessions)
            try:
                with pytest.raises(db.DatabaseGone):
                    stop_in_mid_transaction(sessions)
                with pytest.raises(db.DatabaseGone):
                    keep(sessions, "+393330000003")
            finally:
                postgres.start()
            keep(sessions, "+393330000004")
            with db.reading(sessions) as session:
                kept = session.scalars(select(CallerPreference.e164)).all()
        assert sorted(kept) == ["+393330000001", "+393330000004"]

    def test_a_connection_that_was_cut_is_made_anew(self, postgres_url: str) -> None:
        with opened(postgres_url) as sessions, opened(postgres_url) as others:
            keep(sessions)
            with db.transaction(others) as session:
                session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            keep(sessions, "+393330000002")

    def test_a_read_only_server_is_gone_for_writers(self, postgres_url: str) -> None:
        with opened(postgres_url) as sessions, db.transaction(sessions) as session:
            name = make_url(postgres_url).database
            session.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        with opened(postgres_url) as sessions, pytest.raises(db.DatabaseGone, match="25006"):
            keep(sessions)
