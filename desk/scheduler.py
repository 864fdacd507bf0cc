"""Runs the jobs that a lock is about, as long as we hold it, and notes how each run went."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from desk.db import DatabaseGone, Sessions, transaction
from desk.job_runs import announce, note_end, note_start
from desk.schedule import Daily, is_due
from desk.worker_locks import WorkerLock

log = logging.getLogger(__name__)

#: Seconds between two looks whether a daily job is due.
DAILY_LOOK = 20
#: Seconds after which the good runs of a frequent job are noted again; a change is noted at once.
NOTE_EVERY = 30
#: A wall clock that was put back by more than this (seconds) would let every job wait until it has caught up.
PUT_BACK = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of the table of jobs."""

    #: Seconds between two runs, or the time of day.
    when: int | Daily
    run: Callable[[], object]
    #: Whether it is about this machine's own files, so that the worker of every machine does it.
    here: bool = False


class Shift:
    """The jobs that one lock is about: run while it is ours, left to another worker while it is not."""

    def __init__(self, name: str, lock: WorkerLock, jobs: Mapping[str, Job], database: Sessions) -> None:
        self._name = name
        self._lock = lock
        self._jobs = jobs
        self._database = database
        self._scheduler: BackgroundScheduler | None = None
        self._told = False
        self._clock = _wall_clock()

    def look(self) -> None:
        """Take over, go on, or stop: to be called every second."""
        if self._scheduler is None:
            if self._lock.take():
                self._begin()
            elif not self._told:
                log.info("another worker does the jobs of %s: standing by", self._name)
                self._told = True
        elif not self._lock.is_held():
            log.error("the lock on the jobs of %s is lost", self._name)
            self.stop()
        else:
            self._watch_the_clock(self._scheduler)

    def stop(self) -> None:
        """End the jobs, the running ones in peace, and give the lock back."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
        self._lock.give_back()
        self._told = False

    def _begin(self) -> None:
        # UTC: an interval in a time zone of people would have to know about change days.
        self._scheduler = BackgroundScheduler(timezone=UTC)
        for name, job in self._jobs.items():
            self._scheduler.add_job(
                self._noted(name, job),
                "interval",
                seconds=DAILY_LOOK if isinstance(job.when, Daily) else job.when,
                id=name,
                name=name,
                next_run_time=datetime.now(UTC),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._clock = _wall_clock()
        self._scheduler.start()
        log.info("does the jobs of %s: %s", self._name, ", ".join(self._jobs))

    def _noted(self, name: str, job: Job) -> Callable[[], None]:
        if isinstance(job.when, Daily):
            return _DailyRun(name, job.when, job.run, self._database)
        return _FrequentRun(name, job.when, job.run, self._database)

    def _watch_the_clock(self, scheduler: BackgroundScheduler) -> None:
        clock = _wall_clock()
        if clock < self._clock - PUT_BACK:
            log.warning("the clock was put back by %.0f s", self._clock - clock)
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))
        self._clock = clock


def _wall_clock() -> float:
    """How far the wall clock is ahead of one that only ever goes on."""
    return time.time() - time.monotonic()


class _FrequentRun:
    """A job that is run every few seconds."""

    def __init__(self, name: str, seconds: int, job: Callable[[], object], database: Sessions) -> None:
        self._name, self._seconds, self._job, self._database = name, seconds, job, database
        self._known = False
        self._runs = self._failures = 0
        self._last: str | None = None
        self._noted_at = float("-inf")

    def __call__(self) -> None:
        started, clock = datetime.now(UTC), time.monotonic()
        failure = attempt(self._name, self._job)
        took = time.monotonic() - clock
        self._runs += 1
        self._failures += failure is not None
        if failure == self._last and time.monotonic() < self._noted_at + NOTE_EVERY:
            return
        try:
            # A note that is lost in a power cut is no loss.
            with transaction(self._database, durable=False) as session:
                if not self._known:
                    announce(session, self._name, self._seconds, now=started)
                note_end(
                    session,
                    self._name,
                    started=started,
                    seconds=took,
                    failure=failure,
                    ended=datetime.now(UTC),
                    runs=self._runs,
                    failures=self._failures,
                )
        except DatabaseGone as e:
            log.debug("the run of %s is not noted: %s", self._name, e)
            return
        self._known = True
        self._runs = self._failures = 0
        self._last, self._noted_at = failure, time.monotonic()


class _DailyRun:
    """A job that is run once a day. Whether it is due is asked in the database, again and again."""

    def __init__(self, name: str, daily: Daily, job: Callable[[], object], database: Sessions) -> None:
        self._name, self._daily, self._job, self._database = name, daily, job, database

    def __call__(self) -> None:
        try:
            self._look(datetime.now(UTC))
        except DatabaseGone as e:
            log.debug("whether %s is due cannot be told: %s", self._name, e)

    def _look(self, now: datetime) -> None:
        with transaction(self._database, durable=False) as session:
            state = announce(session, self._name, self._daily, now=now)
            done_for, tried_at = state.done_for, state.started_at
        assert done_for is not None
        if not is_due(self._daily, done_for=done_for, tried_at=tried_at, now=now):
            return
        with transaction(self._database) as session:
            note_start(session, self._name, now=now)
        clock = time.monotonic()
        failure = attempt(self._name, self._job)
        with transaction(self._database) as session:
            note_end(
                session,
                self._name,
                started=now,
                seconds=time.monotonic() - clock,
                failure=failure,
                ended=datetime.now(UTC),
                done_for=self._daily.last_day(now),
                failures=int(failure is not None),
            )


def attempt(name: str, job: Callable[[], object]) -> str | None:
    """Run a job; the kind of error if it failed. One failed run is told; the next one tries again."""
    try:
        job()
    except DatabaseGone as e:
        log.error("%s: %s", name, e)
        return type(e).__name__
    except Exception as e:
        log.exception("%s failed", name)
        return type(e).__name__
    return None
