"""Workers as processes of their own, faster than in production: a second round comes within a test."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from desk import db
from desk.settings import PROJECT

_WORKER = """
import logging, os, sys
from pathlib import Path
from desk import jobs, scheduler
from desk.settings import Settings
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(process)d %(name)s %(message)s")
logging.getLogger("apscheduler").setLevel(logging.WARNING)
jobs.SPOOL = jobs.OUTBOX = jobs.SIGN_OF_LIFE = jobs.INGEST = 1
scheduler.DAILY_LOOK = scheduler.NOTE_EVERY = 1
marks = Path(sys.argv[3])

def mark():
    with marks.open("a") as file:
        file.write(f"{os.getpid()}\\n")

def may_fail():
    if (Path(sys.argv[1]) / "fail").exists():
        raise RuntimeError("a private matter")

more = {"mark": jobs.Job(1, mark), "may fail": jobs.Job(1, may_fail, here=True)}
jobs.run_worker(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2]), more)
"""


@contextmanager
def worker(home: Path, url: str, *, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on that home and database. It writes its number into ``home/../marks`` every second."""
    log = log or home / "worker.log"
    with log.open("ab") as out:
        running = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _WORKER, str(home), url, str(marks_of(url, home))],
            stderr=out,
            cwd=PROJECT,
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def marks_of(url: str, home: Path) -> Path:
    """Where the workers of one test leave their marks, whatever their homes are."""
    return home.parent / "marks" if url.startswith("postgresql") else home / "marks"


def wait_until(true: Callable[[], bool], what: str = "the worker does it") -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, f"not within 30 s: {what}"
        time.sleep(0.05)


def url_of(sessions: db.Sessions) -> str:
    url: str = sessions.kw["bind"].url.render_as_string(hide_password=False)
    return url
