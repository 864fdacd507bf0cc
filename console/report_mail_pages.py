"""Reports by mail: who gets which figures how often, how the last one went, and the way to get no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from console.changing import ChangingPages, saved
from console.form_reading import Form
from console.language import language_of_visitor
from console.routes import add_page
from console.texts import Language, Texts
from desk.db import Sessions, reading, transaction
from desk.models import Every, Operator, ReportForm, ScheduledReport
from desk.permissions import Permission, roles_that_may
from desk.scheduled_reports import (
    NEEDED,
    NoSuchReport,
    NotAllowed,
    end_report,
    is_stop_token,
    last_mails,
    may_get,
    open_reports,
    order_report,
)
from desk.town_changes import note_change
from reports.figures import TABLES
from reports.mails import SENT, USUAL

#: One address, without what only some mail servers understand.
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
_LONGEST_ADDRESS = 254


class ReportMailPages(ChangingPages):
    """Everything below ``/console/statistics/mails``."""

    def __init__(
        self, sessions: Sessions, texts: Texts, web_key: str, *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._web_key = web_key

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages. That of the mail's link is open: the address itself is the key."""
        for path, name, view, method in (
            ("", "report_mails", self.mails, "GET"),
            ("", "order_report_mail", self.order, "POST"),
            ("/<int:number>/end", "end_report_mail", self.end, "POST"),
        ):
            add_page(
                blueprint,
                f"/statistics/mails{path}",
                name,
                view,
                Permission.SHARE_STATISTICS,
                methods=[method],
            )
        blueprint.add_url_rule(
            "/statistics/mails/stop/<int:number>/<token>",
            "stop_report_mail",
            self.stop_report_mail,
            methods=["GET", "POST"],
        )

    def mails(self) -> ResponseReturnValue:
        """Who gets what, and a new one."""
        return self._page()

    def order(self) -> ResponseReturnValue:
        """A new one; the first mail goes out at once."""
        form = self._form()
        operator = form.whole("operator", 1, 2**31 - 1)
        address = form.text("address", _LONGEST_ADDRESS)
        if address and not _ADDRESS.fullmatch(address):
            form.wrong("address", "report_mails.address_rule")
        every, language = form.chosen("every", Every), form.chosen("language", Language)
        file = form.chosen("form", ReportForm)
        tables = [name for name in SENT if name in request.form.getlist("table")]
        if not tables:
            form.wrong("table", "report_mails.tables_rule")
        if form.errors:
            return self._page(form)
        by = self._by()
        try:
            with transaction(self._sessions) as db:
                report = order_report(
                    db,
                    operator_id=operator,
                    to_address=address,
                    every=every,
                    tables=tables,
                    language=language.value,
                    form=file,
                    **by,
                )
                # Without the address, which is somebody's and is forgotten in the end.
                note_change(
                    db, what="scheduled_reports", which=report.id, before=None, after=_told(report), **by
                )
        except NotAllowed:
            form.wrong("operator", "report_mails.not_allowed")
            return self._page(form)
        return saved(url_for("console.report_mails"), "report_mails.ordered")

    def end(self, number: int) -> ResponseReturnValue:
        """No more of it."""
        self._end(number, **self._by())
        return saved(url_for("console.report_mails"), "report_mails.is_ended")

    def stop_report_mail(self, number: int, token: str) -> ResponseReturnValue:
        """From the mail, without a log-in. Only a POST ends it: programs look at links before people do."""
        if not is_stop_token(self._web_key, number, token):
            abort(HTTPStatus.NOT_FOUND)
        if request.method == "GET":
            return render_template("report_mail_stop.html", done=False)
        self._end(number, by="mail link", now=self._clock(), again=True)
        return render_template("report_mail_stop.html", done=True)

    def _end(self, number: int, *, by: str, now: datetime, again: bool = False) -> None:
        try:
            with transaction(self._sessions) as db:
                report = end_report(db, number, now=now)
                note_change(
                    db,
                    what="scheduled_reports",
                    which=number,
                    before=_told(report),
                    after=None,
                    by=by,
                    now=now,
                )
        except NoSuchReport:
            if not again:
                abort(HTTPStatus.NOT_FOUND)

    def _page(self, form: Form | None = None) -> ResponseReturnValue:
        with reading(self._sessions) as db:
            rows, mails = open_reports(db), last_mails(db)
            readers = db.scalars(
                select(Operator)
                .where(Operator.active, Operator.role.in_(roles_that_may(NEEDED)))
                .order_by(Operator.name)
            ).all()
        language = language_of_visitor().value
        page = render_template(
            "report_mails.html",
            rows=[(report, operator, mails.get(report.id), may_get(operator)) for report, operator in rows],
            readers=readers,
            tables=[(name, TABLES[name].title(language)) for name in SENT],
            chosen=request.form.getlist("table") if form else USUAL,
            form=form,
            longest_address=_LONGEST_ADDRESS,
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK


def _told(report: ScheduledReport) -> dict[str, object]:
    return {
        "operator_id": report.operator_id,
        "every": report.every,
        "tables": report.tables,
        "language": report.language,
        "form": report.form,
    }
