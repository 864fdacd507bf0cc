"""``centralino messages``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from desk import db
from desk.cli import main
from desk.models import Message, MessageState
from tests.desk.sending import NUMBER, write


def test_check_shows_every_message_and_no_problem() -> None:
    done = CliRunner().invoke(main, ["messages", "check"])
    assert done.exit_code == 0
    assert "it certificate_receipt      version 1  155 characters  1 SMS" in done.output
    assert "0 problems" in CliRunner().invoke(main, ["messages", "check", "--quiet"]).output


def test_troubled_lists_what_somebody_has_to_see_to(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CENTRALINO_DATABASE_URL", sqlite_url)
    engine = db.connect(sqlite_url)
    sessions, now = db.sessions(engine), datetime.now(UTC)
    failed, _ = write(sessions, now, 2)
    write(sessions, now, to="+39029090101")
    with db.transaction(sessions) as session:
        session.execute(
            update(Message)
            .where(Message.id == failed)
            .values(state=MessageState.FAILED, failure="twilio: 400 21211")
        )
    engine.dispose()
    done = CliRunner().invoke(main, ["messages", "troubled"])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[-1] == "2 messages"
    assert any("failed" in line and NUMBER in line and "twilio: 400 21211" in line for line in lines)
    assert any("voice_notice" in line and "+39029090101" in line for line in lines)
