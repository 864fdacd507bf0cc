"""How the runs of jobs went, kept in the database: pages, metrics and the next worker read it there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import JobResult, JobState
from desk.schedule import RETRY, Daily

#: A job that is run every few seconds and was not for this many times, or for a minute, is late.
_MISSED, _LEAST = 5, 60
#: What fits into the column.
_FAILURE = 80


def job_states(session: Session) -> Sequence[JobState]:
    """All jobs that a worker ever announced, by name."""
    return session.scalars(select(JobState).order_by(JobState.name)).all()


def announce(session: Session, name: str, when: int | Daily, *, now: datetime) -> JobState:
    """The row of a job; made at its first announcement.

    A daily job that nobody knew waits for its next time: there is nothing to catch up.
    """
    daily = when if isinstance(when, Daily) else None
    values = {
        "every_seconds": when if isinstance(when, int) else None,
        "daily_at": daily.at if daily else None,
    }
    statement = insert(session.get_bind().dialect.name, JobState.__table__)
    session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=values),
        {
            "name": name,
            "done_for": daily.last_day(now) if daily else None,
            "runs": 0,
            "failures": 0,
            **values,
        },
    )
    state = session.get_one(JobState, name, populate_existing=True)
    if daily and state.done_for is None:
        # It ran every few seconds in an older version.
        state.done_for = daily.last_day(now)
    return state


def note_start(session: Session, name: str, *, now: datetime) -> None:
    """A daily run begins."""
    _change(session, name, started_at=now, result=JobResult.RUNNING)


def note_end(
    session: Session,
    name: str,
    *,
    started: datetime,
    seconds: float,
    failure: str | None,
    ended: datetime,
    done_for: date | None = None,
    runs: int = 1,
    failures: int = 0,
) -> None:
    """A run has ended; ``runs`` and ``failures`` count it and those before it that were not noted."""
    went_well = failure is None
    _change(
        session,
        name,
        started_at=started,
        ended_at=ended,
        milliseconds=round(seconds * 1000),
        result=JobResult.OK if went_well else JobResult.FAILED,
        failure=failure[:_FAILURE] if failure else None,
        runs=JobState.runs + runs,
        failures=JobState.failures + failures,
        **({"succeeded_at": ended} if went_well else {}),
        **({"done_for": done_for} if went_well and done_for else {}),
    )


def is_late(state: JobState, now: datetime) -> bool:
    """Whether a job should have succeeded by now and did not."""
    if state.daily_at is not None:
        daily = Daily(state.daily_at)
        missed = daily.last_day(now)
        return state.done_for is not None and missed > state.done_for and now > daily.moment(missed) + RETRY
    if state.every_seconds is None or state.succeeded_at is None:
        return False
    return (now - state.succeeded_at).total_seconds() > max(_MISSED * state.every_seconds, _LEAST)


def _change(session: Session, name: str, **values: object) -> None:
    session.execute(
        update(JobState)
        .where(JobState.name == name)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
