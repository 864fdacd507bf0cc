"""Counting who comes to the counter: a number and Enter, or a button, for each service asked for."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from console.language import language_of_visitor
from console.routes import add_page
from console.texts import Texts
from desk.counter import UnknownService, counter_services, record_visit
from desk.db import Sessions, reading, transaction
from desk.models import CounterVisit
from desk.permissions import Permission
from reports.periods import day_in_rome, midnight

#: The longest key that a form may bring.
_KEY = 40


class VisitPages:
    """The page that counts visits."""

    def __init__(self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the page."""
        may = Permission.WORK_REQUESTS
        add_page(blueprint, "/visits", "visits", self.visits, may)
        add_page(blueprint, "/visits", "count_visit", self.count, may, methods=["POST"])

    def visits(self) -> ResponseReturnValue:
        """The services, each with its number, and how many were counted today."""
        return self._page()

    def count(self) -> ResponseReturnValue:
        """Count one visit."""
        typed = request.form.get("service", "").strip() or request.form.get("number", "").strip()
        key = request.form.get("key", "")[:_KEY] or secrets.token_hex(16)
        with transaction(self._sessions) as db:
            by_number = {str(place): one.code for place, one in enumerate(counter_services(db), 1)}
            try:
                record_visit(
                    db,
                    by_number.get(typed, typed),
                    by=g.operator.login,
                    idempotency_key=f"page-{g.operator.login[:16]}-{key}",
                    now=self._clock(),
                )
            except UnknownService:
                known = False
            else:
                known = True
        if not known:
            problem = self._texts.say(language_of_visitor(), "visits.no_such_number")
            return self._page(problem, typed), HTTPStatus.BAD_REQUEST
        flash("visits.counted", "success")
        return redirect(url_for("console.visits"), 303)

    def _page(self, problem: str | None = None, typed: str = "") -> str:
        today = day_in_rome(self._clock())
        with reading(self._sessions) as db:
            services = counter_services(db)
            counts = dict(
                db.execute(
                    select(CounterVisit.service_code, func.count())
                    .where(
                        CounterVisit.at >= midnight(today),
                        CounterVisit.at < midnight(today + timedelta(days=1)),
                    )
                    .group_by(CounterVisit.service_code)
                ).all()
            )
            latest = db.execute(
                select(CounterVisit.at, CounterVisit.service_code)
                .where(CounterVisit.by == g.operator.login, CounterVisit.at >= midnight(today))
                .order_by(CounterVisit.id.desc())
                .limit(5)
            ).all()
            return render_template(
                "visits.html",
                services=list(enumerate(services, 1)),
                by_code={one.code: one for one in services},
                counts=counts,
                total=sum(counts.values()),
                latest=latest,
                key=secrets.token_hex(16),
                problem=problem,
                typed=typed,
            )
