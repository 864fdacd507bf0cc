"""The page of the worker's jobs: when each ran last, how long, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from console.language import language_of_visitor
from console.routes import add_page
from console.texts import Texts
from desk.db import Sessions, reading
from desk.job_runs import is_late, job_states
from desk.models import JobResult, JobState
from desk.permissions import Permission

COLUMNS = ("name", "when", "started", "took", "result", "succeeded", "runs")


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as the page shows it."""

    name: str
    when: str
    started_at: datetime | None
    took: str | None
    #: ``running``, ``ok``, ``failed``, or ``waiting`` for a job that has not run yet.
    result: str
    failure: str | None
    succeeded_at: datetime | None
    runs: int
    failures: int
    late: bool


class JobPages:
    """The page about jobs."""

    def __init__(self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the page."""
        add_page(blueprint, "/jobs", "jobs", self.jobs, Permission.SEE_JOBS)

    def jobs(self) -> ResponseReturnValue:
        """The table of jobs."""
        with reading(self._sessions) as db:
            states = job_states(db)
        rows = list(self._rows(states))
        columns = [self._texts.label(language_of_visitor(), "job_column", name) for name in COLUMNS]
        return render_template("jobs.html", rows=rows, columns=columns, late=sum(row.late for row in rows))

    def _rows(self, states: Sequence[JobState]) -> Iterator[JobRow]:
        language, now = language_of_visitor(), self._clock()
        for state in sorted(states, key=lambda state: (state.daily_at is None, state.name)):
            yield JobRow(
                name=state.name,
                when=(
                    self._texts.say(language, "jobs.daily", at=f"{state.daily_at:%H:%M}")
                    if state.daily_at
                    else self._texts.say(language, "jobs.every", seconds=state.every_seconds)
                ),
                started_at=state.started_at,
                took=None if state.milliseconds is None else duration(state.milliseconds),
                result=state.result or "waiting",
                failure=state.failure if state.result is JobResult.FAILED else None,
                succeeded_at=state.succeeded_at,
                runs=state.runs,
                failures=state.failures,
                late=is_late(state, now),
            )


def duration(milliseconds: int) -> str:
    """``0,4 s`` or ``3 min 20 s``, the Italian way in both languages."""
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".", ",")
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
