"""Migrations: linear, up and down on both databases, and equal to the models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from desk import db
from desk.models import Base


def downgrade(engine: Engine, to: str = "base") -> None:
    with engine.begin() as connection:
        config = db.migrations()
        config.attributes["connection"] = connection
        command.downgrade(config, to)


def test_up_down_and_up_again(empty_url: str) -> None:
    db.migrate(empty_url)
    engine = db.connect(empty_url)
    try:
        assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        downgrade(engine)
        assert inspect(engine).get_table_names() == ["alembic_version"]
        assert not db.schema_is_current(engine)
        db.migrate(empty_url)
        assert db.schema_is_current(engine)
    finally:
        engine.dispose()


def test_the_migrated_schema_is_the_models(database_url: str) -> None:
    engine = db.connect(database_url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            assert compare_metadata(context, Base.metadata) == []
            found = {
                constraint["name"]
                for table in Base.metadata.tables
                for constraint in inspect(connection).get_check_constraints(table)
            }
    finally:
        engine.dispose()
    # compare_metadata does not look at these.
    wanted = {
        constraint.name
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.__visit_name__ in {"check_constraint", "table_or_column_check_constraint"}
    }
    assert wanted
    assert found == wanted


def test_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(db.migrations())
    assert len(script.get_heads()) == 1
    assert all(not revision.is_merge_point for revision in script.walk_revisions())


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    db.migrate(database_url)


def test_two_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(db.migrate, [empty_url] * 4))
    engine = db.connect(empty_url)
    assert db.schema_is_current(engine)
    engine.dispose()


def test_sqlite_waits_for_another_migration_for_longer_than_for_other_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite gives up waiting by itself; on a busy machine a migration outlasted what writers wait.
    assert db.MIGRATION_SECONDS > 10 * db.BUSY_SECONDS
    url = f"sqlite:///{tmp_path / 'desk.sqlite'}"
    db.migrate(url)
    engine = db.connect(url)
    with engine.begin(), ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(db, "MIGRATION_SECONDS", 0.2)
        with pytest.raises(db.DatabaseGone, match="BUSY"):
            pool.submit(db.migrate, url).result()
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(db, "MIGRATION_SECONDS", 60)
        with engine.begin():
            waiting = pool.submit(db.migrate, url)
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
        waiting.result()
    engine.dispose()


def test_an_older_database_keeps_its_requests_and_learns_new_kinds(empty_url: str) -> None:
    db.migrate(empty_url)
    engine = db.connect(empty_url)
    try:
        downgrade(engine, "0001")
        message = (
            "INSERT INTO requests (id, reference, channel, kind, details, state, due_on, filed_at, "
            "idempotency_key, language) VALUES ({id}, '{id}', 'phone', '{kind}', '{{}}', 'received', "
            "'2026-11-24', '2026-11-23 09:00', '{id}', 'it')"
        )
        with engine.begin() as connection:
            connection.execute(text(message.format(id=1, kind="message")))
            connection.execute(
                text(
                    "INSERT INTO request_periods (id, request_id, state, started_at, by) "
                    "VALUES (1, 1, 'received', '2026-11-23 09:00', 'phone')"
                )
            )
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(message.format(id=2, kind="report")))
        db.migrate(empty_url)
        with engine.begin() as connection:
            connection.execute(text(message.format(id=2, kind="report")))
            assert connection.execute(text("SELECT count(*) FROM requests")).scalar_one() == 2
            assert connection.execute(text("SELECT count(*) FROM request_periods")).scalar_one() == 1
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(message.format(id=3, kind="nonsense")))
        downgrade(engine, "0001")
        with engine.begin() as connection:
            assert connection.execute(text("SELECT id FROM requests")).scalar_one() == 1
    finally:
        engine.dispose()
