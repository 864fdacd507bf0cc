"""What an error says ends in a log, so it must name nobody."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from desk import db
from desk.citizens import register_citizen
from desk.jobs import empty_spool
from desk.models import CallerPreference, Citizen
from desk.replay import replay_spool
from desk.requests import MessageOrder
from desk.settings import Settings
from desk.spool import Spool

NUMBER = "+393331112223"
TAX_CODE = "CLMGLI80C55F205N"
SECRETS = (NUMBER, NUMBER[3:], TAX_CODE, "Zanardelli", "1980-03-15", "1980, 3, 15")


def _register(session: Session) -> None:
    register_citizen(
        session,
        tax_code=TAX_CODE,
        first_name="Giulia",
        last_name="Zanardelli",
        birth_date=date(1980, 3, 15),
        address="Via Zanardelli 4",
        phone_numbers=[NUMBER],
        now=datetime(2026, 11, 23, tzinfo=UTC),
    )


def _twice(session: Session) -> None:
    _register(session)
    _register(session)


def _without_a_name(session: Session) -> None:
    session.execute(
        text(
            "INSERT INTO citizens (tax_code, tax_code_keys, last_name, birth_date, address, registered_at)"
            " VALUES (:tax_code, '1', :last_name, :birth_date, :number, '2026-01-01')"
        ),
        {"tax_code": TAX_CODE, "last_name": "Zanardelli", "birth_date": "1980-03-15", "number": NUMBER},
    )


def _of_an_unknown_language(session: Session) -> None:
    session.add(CallerPreference(e164=NUMBER, language=None, slow=False, updated_at=datetime.now(UTC)))
    session.flush()


def _of_nobody(session: Session) -> None:
    session.execute(
        text("INSERT INTO phone_numbers (citizen_id, e164) VALUES (404, :number)"), {"number": NUMBER}
    )


@pytest.mark.parametrize("mistake", [_twice, _without_a_name, _of_an_unknown_language, _of_nobody])
def test_a_broken_rule_shows_no_value(sessions: db.Sessions, mistake: Callable[[Session], None]) -> None:
    with pytest.raises(DBAPIError) as raised, db.transaction(sessions) as session:
        mistake(session)
    shown = "".join(traceback.format_exception(raised.value))
    assert [secret for secret in SECRETS if secret in _without_source(shown)] == []


def _without_source(shown: str) -> str:
    """Tracebacks quote the lines of this file, too."""
    lines = shown.splitlines()
    return "\n".join(line for line in lines if not line.startswith("    "))


def test_a_database_that_is_gone_shows_no_value(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        session.execute(text("DROP TABLE phone_numbers"))
    with pytest.raises(db.DatabaseGone) as raised, db.transaction(sessions) as session:
        _register(session)
    shown = _without_source("".join(traceback.format_exception(raised.value)))
    assert "phone_numbers" in shown, "the chain is shown, so this test sees it"
    assert [secret for secret in SECRETS if secret in shown] == []


def test_an_item_that_cannot_be_filed_shows_no_value(
    town: db.Sessions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Wrong(BaseModel):
        caller: str

    spool = Spool(tmp_path / "spool")
    spool.put("message", "m", Wrong(caller=NUMBER), now=datetime.now(UTC))
    assert replay_spool(town, spool) == 0
    assert "cannot be filed" in caplog.text
    assert [secret for secret in SECRETS if secret in caplog.text] == []


def test_what_is_filed_is_told_by_its_count(
    town: db.Sessions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool")
    order = MessageOrder(recording=Path("/x.wav"), caller=NUMBER, idempotency_key="m")
    spool.put("message", "m", order, now=datetime.now(UTC))
    with caplog.at_level(logging.DEBUG, logger="desk"):
        empty_spool(town, spool, Settings(home=tmp_path))
    assert "filed 1 requests" in caplog.text
    assert NUMBER[3:] not in caplog.text


def test_a_citizen_is_not_shown_by_accident() -> None:
    assert "Zanardelli" not in repr(Citizen(last_name="Zanardelli"))
