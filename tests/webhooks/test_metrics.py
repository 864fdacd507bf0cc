from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, update

from desk.db import connect, sessions, transaction
from desk.desk_now import Member, PhoneState, QueueNow, note_queue
from desk.models import CallSums, JobResult, JobState
from desk.settings import Settings
from reports.rollups import refresh
from reports.today import KEPT
from tests.console.fixed import KEYRING, Clock
from tests.reports.tables import at, keep_a_morning
from webhooks.app import create_app

BEGAN = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def _values(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_jobs_and_requests_as_prometheus_reads_them(settings: Settings, client: FlaskClient) -> None:
    with transaction(sessions(connect(settings.url))) as session:
        session.add(
            JobState(
                name="backup",
                daily_at=time(2, 30),
                done_for=BEGAN.date(),
                started_at=BEGAN,
                succeeded_at=BEGAN,
                milliseconds=1500,
                result=JobResult.OK,
                runs=7,
                failures=1,
            )
        )
    values = _values(client.get("/metrics").text)
    assert values["centralino_job_last_run_timestamp_seconds", "backup"] == BEGAN.timestamp()
    assert values["centralino_job_last_success_timestamp_seconds", "backup"] == BEGAN.timestamp()
    assert values["centralino_job_last_duration_seconds", "backup"] == 1.5
    assert values["centralino_job_ok", "backup"] == 1
    assert values["centralino_job_late", "backup"] == 1
    assert values["centralino_job_runs_total", "backup"] == 7
    assert values["centralino_job_failures_total", "backup"] == 1
    assert values["centralino_requests", "received"] == 0
    assert values["centralino_messages", "sent"] == 0
    assert values["centralino_requests_overdue", ""] == 0


@pytest.mark.parametrize(
    ("change", "address", "headers", "status"),
    [
        ({}, "127.0.0.1", {}, 200),
        ({}, "192.0.2.7", {}, 403),
        ({"metrics_allowed": ("192.0.2.7",)}, "192.0.2.7", {}, 200),
        # Through the town's web server everybody has its address.
        ({}, "127.0.0.1", {"X-Forwarded-Proto": "https"}, 403),
        ({}, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ({"metrics_token": "geheim"}, "192.0.2.7", {"Authorization": "Bearer geheim"}, 200),
        ({"metrics_token": "geheim"}, "192.0.2.7", {"Authorization": "Bearer falsch"}, 403),
        # No token is set: an empty one opens nothing.
        ({}, "192.0.2.7", {"Authorization": "Bearer "}, 403),
        ({}, "192.0.2.7", {"Authorization": "Bearer é"}, 403),
    ],
)
def test_who_may_read_them(
    settings: Settings, change: dict[str, Any], address: str, headers: dict[str, str], status: int
) -> None:
    other = Settings(home=settings.home, database_url="", **change)
    client = create_app(other, KEYRING).test_client()
    answer = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("centralino_requests" in answer.text) == (status == 200)


def test_today_as_prometheus_reads_it(settings: Settings) -> None:
    clock = Clock()
    day = clock().date()
    clock.now = at(day, "11:00:00")
    database = sessions(connect(settings.url))
    with transaction(database) as session:
        keep_a_morning(session, day)
        # Pauses count where nobody talks, phones that are not there where they are not.
        members = {
            "201": Member(PhoneState.FREE),
            "202": Member(PhoneState.BUSY, "break"),
            "101": Member(PhoneState.RINGING),
            "102": Member(PhoneState.FREE, "break"),
            "103": Member(PhoneState.UNREACHABLE, "break"),
        }
        since = clock() - timedelta(seconds=42)
        note_queue(session, QueueNow(clock(), 2, since, members, {"301": Member(PhoneState.FREE)}))
    refresh(database, now=clock())
    app = create_app(settings, KEYRING, clock=clock)
    client = app.test_client()
    values = _values(client.get("/metrics").text)
    assert values["centralino_queue_known", ""] == 1
    assert values["centralino_queue_waiting", ""] == 2
    assert values["centralino_queue_longest_wait_seconds", ""] == 42
    states = ("available", "in_call", "paused", "absent")
    assert [values["centralino_operators", state] for state in states] == [1, 2, 1, 1]
    assert values["centralino_calls_offered_today", ""] == 4
    assert values["centralino_calls_answered_today", ""] == 2
    assert values["centralino_calls_abandoned_today", ""] == 2
    assert values["centralino_calls_abandoned_short_today", ""] == 1
    assert values["centralino_service_level_today_ratio", ""] == 1 / 3
    assert values["centralino_answer_wait_today_seconds", ""] == 16.5
    assert values["centralino_figures_made_timestamp_seconds", ""] == clock().timestamp()

    # Whoever asks again and again costs the database nothing, and the worker's death shows.
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    event.listen(app.extensions["engine"], "before_cursor_execute", count)
    assert _values(client.get("/metrics").text) == values
    assert asked == 0
    with transaction(database) as session:
        session.execute(update(CallSums).values(offered=40))
    clock.now += KEPT - timedelta(seconds=1)
    assert _values(client.get("/metrics").text)["centralino_calls_offered_today", ""] == 4
    clock.now += timedelta(seconds=31)
    values = _values(client.get("/metrics").text)
    assert values["centralino_calls_offered_today", ""] > 4
    assert values["centralino_queue_known", ""] == 0
    assert ("centralino_queue_waiting", "") not in values

    # Tomorrow nothing has been counted yet, and nothing is 100 %.
    clock.now += timedelta(days=1)
    values = _values(client.get("/metrics").text)
    assert values["centralino_calls_offered_today", ""] == 0
    assert ("centralino_service_level_today_ratio", "") not in values
