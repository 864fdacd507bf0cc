from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import pytest
from flask.testing import FlaskClient

from console.job_pages import duration
from desk.db import Sessions, transaction
from desk.models import JobResult, JobState, Role
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in


@pytest.fixture
def signed_in(client: FlaskClient, sessions: Sessions) -> FlaskClient:
    an_operator(sessions, "vera", Role.SUPERVISOR)
    return sign_in(client, "vera")


def _rows(page: str) -> list[list[str]]:
    return [
        [
            re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in re.findall(r"<tr role=\"row\">(.*?)</tr>", page, re.S)
    ][1:]


def _at(clock: Clock, **ago: int) -> datetime:
    return clock.now - timedelta(**ago)


def test_before_any_worker_ran_it_says_so(signed_in: FlaskClient) -> None:
    assert "Nessun lavoro è ancora stato eseguito." in signed_in.get("/console/jobs").text


def test_each_jobs_last_run_duration_and_result(
    signed_in: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    with transaction(sessions) as session:
        session.add_all(
            [
                JobState(
                    name="outbox",
                    every_seconds=5,
                    started_at=_at(clock, seconds=3),
                    milliseconds=42,
                    result=JobResult.OK,
                    succeeded_at=_at(clock, seconds=3),
                    runs=1000,
                    failures=2,
                ),
                JobState(
                    name="backup",
                    daily_at=time(2, 30),
                    done_for=date(2026, 11, 21),
                    started_at=_at(clock, hours=7),
                    milliseconds=200_000,
                    result=JobResult.FAILED,
                    failure="DumpError",
                    succeeded_at=_at(clock, days=2),
                    runs=9,
                    failures=1,
                ),
                JobState(name="one of the town", every_seconds=60, runs=0, failures=0),
            ]
        )
    page = signed_in.get("/console/jobs").text
    backup, own, outbox = _rows(page)
    assert backup[:4] == ["Copia di sicurezza", "ogni giorno alle 02:30", "23/11/2026 03:00", "3 min 20 s"]
    assert backup[4] == "Non riuscita In ritardo DumpError"
    assert backup[5:] == ["21/11/2026 10:00", "9 (non riuscite: 1)"]
    assert own == ["one of the town", "ogni 60 s", "–", "–", "In attesa", "–", "0 (non riuscite: 0)"]
    assert outbox[3:5] == ["0,0 s", "Riuscita"]
    assert "Lavori in ritardo: 1." in page
    assert "Backup" in signed_in.get("/console/jobs?lang=en").text

    clock.now += timedelta(minutes=5)
    assert "Jobs that are late: 2." in signed_in.get("/console/jobs").text


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(0, "0,0 s"), (440, "0,4 s"), (59_000, "59,0 s"), (61_000, "1 min 01 s")]
)
def test_durations(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text
