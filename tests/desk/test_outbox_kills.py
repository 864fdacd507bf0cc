"""kill -9 of the worker and of PostgreSQL during 1 000 messages: none lost, none twice.

The real worker with its real Twilio client; the provider counts, and pulls the trigger in mid-send.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bench.provider import Fault, Provider
from desk import db
from desk.models import Consent, Message, MessageState, Purpose
from desk.settings import PROJECT
from desk.sms.outbox import write_message
from tests.conftest import Postgres
from tests.desk.sending import VALUES
from tests.desk.workers import url_of

MESSAGES = 1000
#: The sends in which somebody dies, and whether the provider takes the message all the same.
DEATHS = {30: True, 200: False, 450: True, 451: False, 800: True}

WORKER = """
import datetime, logging, sys
from pathlib import Path
from desk import jobs, outbox
from desk.settings import Settings
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
jobs.OUTBOX = 1
outbox.LOST_AFTER = datetime.timedelta(seconds=1)
midnight = datetime.time()
jobs.run_worker(
    Settings(
        home=Path(sys.argv[1]), database_url=sys.argv[2], sms_sender=("twilio",), twilio_api=sys.argv[3],
        twilio_account_sid="AC" + "a" * 32, twilio_auth_token="t", twilio_sender="Trezzo",
        public_url="https://centralino.example", sms_quiet_from=midnight, sms_quiet_until=midnight,
    ),
    {},
)
"""


class Trigger:
    """Told of every send; kills at the sends of :data:`DEATHS`."""

    def __init__(self) -> None:
        self.sends = 0
        self.kill: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def __call__(self) -> Fault:
        with self._lock:
            self.sends += 1
            taken = DEATHS.get(self.sends)
        if taken is None:
            return ""
        self.kill()
        return "" if taken else "broken"


def fill(sessions: db.Sessions) -> None:
    now = datetime.now(UTC)
    with db.transaction(sessions) as session:
        for n in range(MESSAGES):
            number = f"+39333{n:07}"
            session.add(
                Consent(
                    e164=number,
                    purpose=Purpose.RECEIPTS,
                    text_version="1",
                    given_at=now,
                    given_how="phone",
                    given_by="call 1",
                )
            )
            write_message(
                session,
                to=number,
                template="certificate_receipt",
                values=VALUES,
                language="it",
                request_id=None,
                now=now,
            )


def open_messages(sessions: db.Sessions) -> int | None:
    """How many are not sent yet; ``None`` while the database is away."""
    with suppress(db.DatabaseGone), db.reading(sessions) as session:
        return session.scalar(
            select(func.count()).select_from(Message).where(Message.state != MessageState.SENT)
        )
    return None


class Workers:
    """One worker at a time, started again when it has died."""

    def __init__(self, sessions: db.Sessions, home: Path, provider: Provider) -> None:
        self._command = [sys.executable, "-c", WORKER, str(home), url_of(sessions), provider.url]
        self._log = home / "worker.log"
        self.started: list[subprocess.Popen[bytes]] = []

    def keep(self) -> None:
        if not self.started or self.started[-1].poll() is not None:
            with self._log.open("ab") as log:
                self.started.append(subprocess.Popen(self._command, stderr=log, cwd=PROJECT))

    def kill(self) -> None:
        self.started[-1].kill()
        self.started[-1].wait()


def run_to_the_end(sessions: db.Sessions, workers: Workers, mend: Callable[[], None] = lambda: None) -> None:
    end = time.monotonic() + 300
    try:
        while (left := open_messages(sessions)) != 0:
            assert time.monotonic() < end, f"{left} are left"
            mend()
            workers.keep()
            time.sleep(0.05)
    finally:
        workers.kill()


def none_lost_none_twice(sessions: db.Sessions, provider: Provider) -> None:
    with db.reading(sessions) as session:
        ids = set(session.scalars(select(Message.id)))
    assert set(provider.times) == ids
    assert set(provider.times.values()) == {1}
    assert len(ids) == MESSAGES


@pytest.mark.timeout(360)
def test_the_worker_is_killed(sessions: db.Sessions, tmp_path: Path) -> None:
    fill(sessions)
    trigger = Trigger()
    with Provider(trigger) as provider:
        workers = Workers(sessions, tmp_path, provider)
        trigger.kill = workers.kill
        run_to_the_end(sessions, workers)
    assert len(workers.started) == len(DEATHS) + 1
    none_lost_none_twice(sessions, provider)


@pytest.mark.timeout(360)
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_database_is_killed(sessions: db.Sessions, postgres: Postgres, tmp_path: Path) -> None:
    fill(sessions)
    trigger, killed = Trigger(), threading.Event()

    def kill_database() -> None:
        os.kill(int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        killed.set()

    def start_again() -> None:
        if killed.is_set():
            # Its processes notice one after the other that the first one is gone.
            with suppress(AssertionError):
                postgres.start()
                killed.clear()

    trigger.kill = kill_database
    try:
        with Provider(trigger) as provider:
            workers = Workers(sessions, tmp_path, provider)
            run_to_the_end(sessions, workers, start_again)
    finally:
        start_again()
    assert trigger.sends >= MESSAGES
    assert "the database cannot be used" in (tmp_path / "worker.log").read_text(encoding="utf-8")
    none_lost_none_twice(sessions, provider)
