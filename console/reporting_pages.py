"""What citizens can report, and the offices that answer: where each report is forwarded to."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from console.changing import ChangingPages, found, saved
from console.form_reading import Form
from console.routes import add_page
from console.texts import Texts
from desk.db import Sessions, reading, transaction
from desk.models import CompetentOffice, ReportCategory
from desk.offering import CategoryOrder, CodeTaken, Unknown, save_competent_office, save_report_category
from desk.permissions import Permission
from ivr.report import CATEGORIES
from prompts.own_words import Words
from prompts.town_names import REPORTS, missing_names

#: One address, without a name before it, and nothing that a mail server would read otherwise.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


class ReportingPages(ChangingPages):
    """The page of reports and of the offices that are competent for them."""

    def __init__(
        self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime], words: Words
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._words = words

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("", "reporting", self.reporting, "GET"),
            ("", "save_category", self.save_category, "POST"),
            ("/offices", "save_competent_office", self.save_office, "POST"),
        ):
            add_page(blueprint, f"/reporting{path}", name, view, Permission.MANAGE_SERVICES, methods=[method])

    def reporting(self) -> ResponseReturnValue:
        """Everything that can be reported, and the offices."""
        return self._page()

    def save_category(self) -> ResponseReturnValue:
        """Add or change something that can be reported."""
        form, new = self._form(), request.form.get("new") == "yes"
        with reading(self._sessions) as db:
            there = db.scalar(select(func.count()).select_from(ReportCategory)) or 0
        code = form.code("code")
        order = CategoryOrder(
            name_it=form.text("name_it", 120),
            name_en=form.text("name_en", 120) or None,
            office_code=form.text("office_code", 40),
            working_days=form.whole("working_days", 0, 60),
            active=form.ticked("active"),
        )
        position = form.whole("position", 1, there + 1 if new else max(there, 1))
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    save_report_category(db, code, order, position=position, new=new, **self._by())
            except CodeTaken:
                form.wrong("code", "offer.code_taken")
            except Unknown:
                found(None)
        if form.errors:
            return self._page(form, "new" if new else f"c-{code}")
        return saved(url_for("console.reporting"))

    def save_office(self) -> ResponseReturnValue:
        """Add or change an office that reports are forwarded to."""
        form, new = self._form(), request.form.get("new") == "yes"
        code, name, email = form.code("code"), form.text("name", 120), form.text("email", 254)
        if email and not _EMAIL.fullmatch(email):
            form.wrong("email", "reporting.no_email")
        if not form.errors:
            try:
                with transaction(self._sessions) as db:
                    save_competent_office(db, code, name=name, email=email, new=new, **self._by())
            except CodeTaken:
                form.wrong("code", "offer.code_taken")
            except Unknown:
                found(None)
        if form.errors:
            return self._page(form, "new-office" if new else f"o-{code}")
        return saved(url_for("console.reporting"))

    def _page(self, form: Form | None = None, at: str = "") -> ResponseReturnValue:
        with reading(self._sessions) as db:
            categories = db.scalars(select(ReportCategory).order_by(ReportCategory.position)).all()
            offices = db.scalars(select(CompetentOffice).order_by(CompetentOffice.name)).all()
        catalogue = self._words.now()
        lacking = {row.code: missing_names(catalogue, REPORTS, row.code) for row in categories if row.active}
        spoken = [code for code, keys in lacking.items() if not keys]
        page = render_template(
            "reporting.html",
            categories=categories,
            offices=offices,
            choices=[(office.code, office.name) for office in offices],
            said={row.code: f"{REPORTS[0]}.{row.code}" for row in categories},
            silent={code for code, keys in lacking.items() if keys},
            beyond=set(spoken[CATEGORIES:]),
            most=CATEGORIES,
            form=form,
            at=at,
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK
