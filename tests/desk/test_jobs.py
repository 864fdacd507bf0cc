"""The worker, as its own process with its real scheduler."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import select

from desk import db
from desk.consents import Purpose, give_consent
from desk.jobs import heartbeat_file
from desk.models import JobResult, JobState, Message, MessageState, Request
from desk.settings import Settings
from desk.spool import Spool
from tests.conftest import Postgres
from tests.desk.test_filing import NUMBER, order
from tests.desk.workers import marks_of, url_of, wait_until, worker


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


def _worked(marks: Path) -> list[int]:
    """The numbers of the workers that did the job, in order."""
    return [int(line) for line in marks.read_text(encoding="utf-8").split()] if marks.exists() else []


@pytest.mark.parametrize(
    ("database_kind", "homes"),
    [("sqlite", "one machine"), ("postgresql", "one machine"), ("postgresql", "two machines")],
    indirect=["database_kind"],
)
def test_the_other_worker_takes_over_when_the_first_is_killed(
    sessions: db.Sessions, tmp_path: Path, homes: str
) -> None:
    url = url_of(sessions)
    one = tmp_path / "one"
    two = one if homes == "one machine" else tmp_path / "two"
    for home in {one, two}:
        home.mkdir()
    marks = marks_of(url, one)
    with worker(one, url) as first:
        wait_until(lambda: _worked(marks) != [], "the first one works")
        with worker(two, url, log=tmp_path / "second.log") as second:
            wait_until(lambda: "standing by" in (tmp_path / "second.log").read_text(encoding="utf-8"))
            before = len(_worked(marks))
            wait_until(lambda: len(_worked(marks)) >= before + 2, "the first one goes on")
            assert set(_worked(marks)) == {first.pid}
            if two != one:
                wait_until(heartbeat_file(Settings(home=two)).exists, "the second one is alive")
            first.send_signal(signal.SIGKILL)
            first.wait()
            killed = monotonic()
            wait_until(lambda: second.pid in _worked(marks), "the second one takes over")
            assert monotonic() - killed < 10
            # Nobody else comes in between.
            taken = _worked(marks)
            assert taken == [first.pid] * taken.index(second.pid) + [second.pid] * (
                len(taken) - taken.index(second.pid)
            )


def test_a_worker_that_loses_the_lock_stands_by_and_comes_back(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.create(template="migrated")
    log, marks = tmp_path / "worker.log", marks_of(url, tmp_path / "home")
    (tmp_path / "home").mkdir()
    with worker(tmp_path / "home", url, log=log):
        wait_until(lambda: _worked(marks) != [])
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'centralino worker'"
        )
        wait_until(lambda: "is lost" in log.read_text(encoding="utf-8"))
        before = len(_worked(marks))
        wait_until(lambda: len(_worked(marks)) > before, "it has the lock again")


def test_how_runs_went_is_in_the_database(sessions: db.Sessions, tmp_path: Path) -> None:
    def state(name: str) -> JobState | None:
        with db.reading(sessions) as session:
            return session.get(JobState, name)

    def went(name: str, result: JobResult) -> bool:
        found = state(name)
        return found is not None and found.result is result

    home = tmp_path / "home"
    home.mkdir()
    with worker(home, url_of(sessions)):
        wait_until(lambda: went("may fail", JobResult.OK))
        (home / "fail").touch()
        wait_until(lambda: went("may fail", JobResult.FAILED))
        failed = state("may fail")
        (home / "fail").unlink()
        wait_until(lambda: went("may fail", JobResult.OK))
        wait_until(lambda: state("backup") is not None)
    assert failed
    assert (failed.failure, failed.every_seconds) == ("RuntimeError", 1)
    assert failed.succeeded_at
    assert failed.ended_at
    assert failed.succeeded_at < failed.ended_at
    assert failed.milliseconds is not None
    again = state("may fail")
    assert again
    assert again.runs > again.failures >= 1
    waiting = state("backup")
    assert waiting
    # Nobody knew it yesterday, so there is nothing to catch up.
    assert (waiting.daily_at, waiting.result) == (time(2, 30), None)


def test_a_day_that_was_missed_is_caught_up_once(sessions: db.Sessions, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    week_ago = (datetime.now(UTC) - timedelta(days=7)).date()
    with db.transaction(sessions) as session:
        session.add(JobState(name="retention", daily_at=time(3, 30), done_for=week_ago, runs=5, failures=0))

    def runs() -> tuple[int, bool]:
        with db.reading(sessions) as session:
            found = session.get_one(JobState, "retention")
            return found.runs, found.done_for is not None and found.done_for > week_ago

    with worker(home, url_of(sessions)) as running:
        wait_until(lambda: runs() == (6, True))
        running.send_signal(signal.SIGTERM)
        running.wait(10)
    marks = marks_of(url_of(sessions), home)
    with worker(home, url_of(sessions)):
        before = len(_worked(marks))
        wait_until(lambda: len(_worked(marks)) >= before + 3, "several looks were made")
    assert runs() == (6, True)
