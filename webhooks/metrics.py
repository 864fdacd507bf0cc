"""How the jobs and the desk do, as Prometheus reads it. Counts and times only, nobody's name or number.

Today's figures are gauges that begin again at midnight in Rome: they are those of the wall and of the
reports, not counts of this process. Where there is nothing to count, a metric has no sample.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

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
from reports.today import KeptToday, Now, Today, now_at_the_desk

#: How long one answer serves everybody who scrapes.
KEPT = timedelta(seconds=5)
#: What a proxy adds. Behind one every visitor has the proxy's address, which proves nothing.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip", "Via")


def metrics_page(
    database: Sessions, settings: Settings, *, clock: Callable[[], datetime]
) -> Callable[[], ResponseReturnValue]:
    """The view of ``/metrics``: for the addresses that are set, if they ask directly, and with the token."""
    today = KeptToday(database, clock=clock)
    one_at_a_time = threading.Lock()
    kept: tuple[datetime, bytes] | None = None

    def metrics() -> ResponseReturnValue:
        nonlocal kept
        if not _may_read(settings):
            abort(403)
        now = clock()
        with one_at_a_time:
            if kept is None or not kept[0] <= now < kept[0] + KEPT:
                registry = CollectorRegistry()
                registry.register(_Collector(database, today, now))
                kept = now, generate_latest(registry)
            text = kept[1]
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    return metrics


def _may_read(settings: Settings) -> bool:
    token = settings.metrics_token.get_secret_value()
    given = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    forwarded = any(name in request.headers for name in _FORWARDED)
    return not forwarded and request.remote_addr in settings.metrics_allowed


class _Collector:
    """Reads what changes at any moment in one look at the database, today's figures as they are kept."""

    def __init__(self, database: Sessions, today: KeptToday, now: datetime) -> None:
        self._database = database
        self._today = today
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
            standing = now_at_the_desk(session, now=self._now)
        yield from _of_now(standing, self._now)
        yield from _of_today(self._today.get())

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


def _of_now(standing: Now | None, now: datetime) -> Iterator[Metric]:
    """The queue and the phones; nothing but that it is not known while nobody has looked."""
    yield GaugeMetricFamily(
        "centralino_queue_known", "Whether the worker sees the queue.", int(standing is not None)
    )
    if standing is None:
        return
    waited = (now - standing.waiting_since).total_seconds() if standing.waiting_since else 0.0
    yield GaugeMetricFamily("centralino_queue_waiting", "Callers who wait now.", standing.waiting)
    yield GaugeMetricFamily(
        "centralino_queue_longest_wait_seconds", "How long the first of them has waited.", max(waited, 0.0)
    )
    phones = GaugeMetricFamily("centralino_operators", "Phones of the desk by state.", labels=["state"])
    for state, count in standing.phones.items():
        phones.add_metric([state.value], count)
    yield phones


def _of_today(today: Today) -> Iterator[Metric]:
    calls = today.calls
    for name, what, value in (
        ("calls", "Calls that came today.", calls.calls),
        ("calls_offered", "Calls that entered the queue today.", calls.offered),
        ("calls_answered", "Those of them that a person answered.", calls.answered),
        ("calls_abandoned", "Those whose caller gave up.", calls.abandoned),
        ("calls_abandoned_short", "Those whose caller gave up within 5 seconds.", calls.short_abandons),
        ("calls_unanswered", "Those that left for a call-back or a message.", calls.unanswered),
    ):
        yield GaugeMetricFamily(f"centralino_{name}_today", what, value)
    for name, what, share in (
        (
            "service_level_today_ratio",
            "Answered within 20 s, short abandons left out.",
            calls.service_level,
        ),
        ("answer_wait_today_seconds", "Mean wait of answered calls (ASA).", calls.asa),
        ("longest_wait_today_seconds", "The longest wait that is over.", calls.longest_wait),
        ("handling_time_today_seconds", "Mean of talk and wrap-up (AHT).", calls.aht),
    ):
        if share is not None:
            yield GaugeMetricFamily(f"centralino_{name}", what, share)
    if today.made_at is not None:
        yield GaugeMetricFamily(
            "centralino_figures_made_timestamp_seconds",
            "When the sums behind today's figures were last brought up to date.",
            today.made_at.timestamp(),
        )
    yield GaugeMetricFamily(
        "centralino_call_backs_due", "Call-backs whose time has come.", today.call_backs_due
    )
