"""The rehearsal: it warms the statements up and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from agi_scripts.house import House
from agi_scripts.rehearsal import rehearse
from desk import db
from desk.models import Base


def rows(house: House) -> dict[str, int]:
    with db.reading(house.sessions) as session:
        tables = Base.metadata.sorted_tables
        return {table.name: len(session.execute(select(table)).all()) for table in tables}


def test_it_leaves_no_trace(house: House, caplog: pytest.LogCaptureFixture) -> None:
    before = rows(house)
    rehearse(house)
    assert rows(house) == before
    assert list(house.spool.waiting()) == []
    assert not caplog.records


def test_after_it_a_whole_call_needs_no_new_statement(house: House) -> None:
    rehearse(house)
    with house.sessions() as session:
        engine = session.get_bind()
    assert isinstance(engine, Engine)
    known = set(engine._compiled_cache or ())
    assert len(known) > 20
    rehearse(house)
    assert set(engine._compiled_cache or ()) == known


def test_without_a_database_the_telephone_is_answered_all_the_same(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = db.connect(f"sqlite:///{tmp_path}/nowhere.sqlite")
    rehearse(replace(house, sessions=db.sessions(engine)))
    engine.dispose()
    assert [record.getMessage() for record in caplog.records] == [
        "the rehearsal failed; the first calls will be slower"
    ]
