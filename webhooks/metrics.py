"""How the jobs and the desk do, as Prometheus reads it. Counts and times only, nobody's name or number."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from datetime import datetime

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select

from desk.db import Sessions, reading
from desk.due_dates import count_due
from desk.job_runs import is_late, job_states
from desk.models import JobResult, Message, MessageState, Request, RequestState
from desk.settings import Settings

#: What a proxy adds. Behind one every visitor has the proxy's address, which proves nothing.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Via")


def metrics_page(
    database: Sessions, settings: Settings, *, clock: Callable[[], datetime]
) -> Callable[[], ResponseReturnValue]:
    """The view of ``/metrics``: for the addresses that are set, if they ask directly, and with the token."""

    def metrics() -> ResponseReturnValue:
        if not _may_read(settings):
            abort(403)
        registry = CollectorRegistry()
        registry.register(_Collector(database, clock()))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return metrics


def _may_read(settings: Settings) -> bool:
    token = settings.metrics_token.get_secret_value()
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    forwarded = any(name in request.headers for name in _FORWARDED)
    return not forwarded and request.remote_addr in settings.metrics_allowed


class _Collector:
    """Reads everything in one look at the database."""

    def __init__(self, database: Sessions, now: datetime) -> None:
        self._database = database
        self._now = now

    def describe(self) -> list[Metric]:
        # Without it registering would ask the database, too.
        return []

    def collect(self) -> Iterator[Metric]:
        with reading(self._database) as session:
            states = job_states(session)
            requests = dict(
                session.execute(select(Request.state, func.count()).group_by(Request.state)).all()
            )
            messages = dict(
                session.execute(select(Message.state, func.count()).group_by(Message.state)).all()
            )
            due = count_due(session, now=self._now)

        last = GaugeMetricFamily(
            "centralino_job_last_run_timestamp_seconds", "When the last run began.", labels=["job"]
        )
        success = GaugeMetricFamily(
            "centralino_job_last_success_timestamp_seconds", "When a run last succeeded.", labels=["job"]
        )
        took = GaugeMetricFamily(
            "centralino_job_last_duration_seconds", "How long the last run took.", labels=["job"]
        )
        well = GaugeMetricFamily("centralino_job_ok", "Whether the last run succeeded.", labels=["job"])
        late = GaugeMetricFamily(
            "centralino_job_late", "Whether it should have succeeded by now.", labels=["job"]
        )
        runs = CounterMetricFamily("centralino_job_runs", "Runs.", labels=["job"])
        failures = CounterMetricFamily("centralino_job_failures", "Runs that failed.", labels=["job"])
        for state in states:
            job = [state.name]
            if state.started_at is not None:
                last.add_metric(job, state.started_at.timestamp())
            if state.succeeded_at is not None:
                success.add_metric(job, state.succeeded_at.timestamp())
            if state.milliseconds is not None:
                took.add_metric(job, state.milliseconds / 1000)
            well.add_metric(job, float(state.result is not JobResult.FAILED))
            late.add_metric(job, float(is_late(state, self._now)))
            runs.add_metric(job, state.runs)
            failures.add_metric(job, state.failures)
        yield from (last, success, took, well, late, runs, failures)

        by_state = GaugeMetricFamily("centralino_requests", "Requests by state.", labels=["state"])
        for known in RequestState:
            by_state.add_metric([known.value], requests.get(known, 0))
        texts = GaugeMetricFamily("centralino_messages", "Text messages by state.", labels=["state"])
        for message_state in MessageState:
            texts.add_metric([message_state.value], messages.get(message_state, 0))
        yield from (
            by_state,
            texts,
            GaugeMetricFamily("centralino_requests_overdue", "Open requests past their date.", due.overdue),
            GaugeMetricFamily(
                "centralino_requests_due_today", "Open requests that are due today.", due.today
            ),
        )
