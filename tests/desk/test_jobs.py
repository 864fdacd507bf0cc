"""The worker, as its own process with its real scheduler."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from desk import db
from desk.consents import Purpose, give_consent
from desk.jobs import heartbeat_file
from desk.models import Message, MessageState, Request
from desk.settings import PROJECT, Settings
from desk.spool import Spool
from tests.desk.test_filing import NUMBER, order

# Faster than in production, so that the second round comes within the test.
WORKER = """
import logging, sys
from pathlib import Path
from desk import db, jobs
from desk.settings import Settings
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
jobs.SPOOL = jobs.OUTBOX = jobs.SIGN_OF_LIFE = jobs.INGEST = 1
jobs.run_worker(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2]), {})
"""


@contextmanager
def worker(home: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    with open(home / "worker.log", "ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, str(home), url], stderr=log, cwd=PROJECT
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "the worker did not do it"
        time.sleep(0.05)


def url_of(sessions: db.Sessions) -> str:
    url: str = sessions.kw["bind"].url.render_as_string(hide_password=False)
    return url


def test_it_files_sends_lives_and_stops_at_once(town: db.Sessions, tmp_path: Path, now: datetime) -> None:
    with db.transaction(town) as session:
        give_consent(
            session,
            e164=NUMBER,
            citizen_id=None,
            purpose=Purpose.RECEIPTS,
            text_version="1",
            how="phone keypad",
            by="call 1",
            now=now,
        )
    settings = Settings(home=tmp_path)
    spool = Spool(tmp_path / "spool")
    spool.put("certificate", "k1", order("k1"), now=datetime.now(UTC))

    def receipts_sent() -> int:
        with db.reading(town) as session:
            return len(session.scalars(select(Message).where(Message.state == MessageState.SENT)).all())

    with worker(tmp_path, url_of(town)) as running, worker(tmp_path, url_of(town)) as second:
        wait_until(lambda: receipts_sent() == 1)
        spool.put("certificate", "k2", order("k2"), now=datetime.now(UTC))
        wait_until(lambda: receipts_sent() == 2)
        wait_until(lambda: heartbeat_file(settings).exists())
        for process in (running, second):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(10) for process in (running, second)] == [0, 0]
    with db.reading(town) as session:
        keys = session.scalars(select(Request.idempotency_key).order_by(Request.id)).all()
    assert keys == ["k1", "k2"]
    assert (tmp_path / "sms-printed.txt").read_text(encoding="utf-8").count(f"To {NUMBER}") == 2
    log = (tmp_path / "worker.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert NUMBER not in log


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_it_waits_for_a_database_that_is_away(town: db.Sessions, tmp_path: Path, now: datetime) -> None:
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    town.kw["bind"].dispose()
    file.rename(away)
    spool = Spool(tmp_path / "spool")
    spool.put("certificate", "k1", order("k1"), now=now)
    log = tmp_path / "worker.log"
    with worker(tmp_path, url_of(town)):
        wait_until(lambda: "the database cannot be used" in log.read_text(encoding="utf-8"))
        assert len(list(spool.waiting())) == 1
        away.rename(file)
        wait_until(lambda: not list(spool.waiting()))
    with db.reading(town) as session:
        assert session.scalars(select(Request.idempotency_key)).all() == ["k1"]
    assert "Traceback" not in log.read_text(encoding="utf-8")
