"""The page of the audit: who looked at, took out or changed what, and when; and the same as a file.

What is asked for is kept in the session: a tax code or a log-in is nothing for an address. Citizens stand
there by their number, so that reading the audit shows nobody's name.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from http import HTTPStatus
from itertools import chain

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit_sentences import told
from console.changing import ChangingPages
from console.form_reading import Form
from console.kept_search import forget_search, keep_search, kept_search
from console.language import language_of_visitor
from console.request_list import operator_names
from console.routes import add_page
from console.texts import Language
from desk.audit import AuditAction, Looks, looks, note_look
from desk.db import reading, transaction
from desk.models import ApiKey, Request
from desk.permissions import Permission
from desk.person import citizen_by_tax_code
from desk.references import is_reference
from desk.settings import ROME

_KEPT = "audit"
_PAGE = 50
#: The largest id PostgreSQL keeps.
_LARGEST_ID = 2**31 - 1
#: Rows of a file, and how many of them are read at once.
MOST, _AT_ONCE = 50_000, 2_000
#: A tax code has 16 characters; people type spaces between them.
_LONGEST_SUBJECT = 32
#: How the web channel's rows begin; then comes the number of the key.
_BY_KEY = "api key "


class AuditPages(ChangingPages):
    """The pages of the audit."""

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view, method in (
            ("/audit", "audit", self.audit, "GET"),
            ("/audit", "find_audit", self.find, "POST"),
            ("/audit.csv", "audit_file", self.file, "GET"),
        ):
            add_page(blueprint, path, name, view, Permission.SEE_AUDIT, methods=[method])

    def audit(self) -> ResponseReturnValue:
        """The newest rows of what was asked for."""
        before = request.args.get("before", type=int)
        before = before if before is not None and 0 < before <= _LARGEST_ID else None
        return self._page(_kept(), before=before)

    def find(self) -> ResponseReturnValue:
        """Ask for something else; ``do=all`` asks for everything again."""
        if request.form.get("do") == "all":
            forget_search(_KEPT)
            return redirect(url_for("console.audit"), 303)
        form = self._form()
        kept = {name: form.fields.get(name, "").strip() for name in ("by", "action", "since", "until")}
        kept["subject"] = form.text("subject", _LONGEST_SUBJECT, required=False)
        days = [form.day(name) for name in ("since", "until") if kept[name]]
        if not form.errors and len(days) == 2 and days[0] > days[1]:
            form.wrong("until", "form.span_backwards")
        if not form.errors and kept["subject"]:
            with reading(self._sessions) as db:
                if not _subject(db, kept["subject"]):
                    form.wrong("subject", "audit.nothing_such")
        if form.errors:
            return self._page(kept, form=form)
        keep_search(json.dumps({name: value[:40] for name, value in kept.items() if value}), _KEPT)
        return redirect(url_for("console.audit"), 303)

    def file(self) -> ResponseReturnValue:
        """What was asked for as comma-separated values, the newest first."""
        kept = _kept()
        with transaction(self._sessions) as db:
            wanted = _wanted(db, kept)
            self._note(db, AuditAction.DOWNLOADED, wanted)
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
        names = ("audit.csv_when", "audit.by", "audit.action", "audit.csv_request", "audit.csv_citizen")
        lines = self._lines(wanted, language_of_visitor())
        return Response(chain([_line(map(self._say, names))], lines), mimetype="text/csv", headers=headers)

    def _page(
        self, kept: Mapping[str, str], *, before: int | None = None, form: Form | None = None
    ) -> ResponseReturnValue:
        language = language_of_visitor()
        with transaction(self._sessions) as db:
            wanted = _wanted(db, {} if form else kept)
            rows = () if form else looks(db, wanted, limit=_PAGE + 1, before=before)
            told_rows = [
                (row, reference, told(row, self._texts, language)) for row, reference in rows[:_PAGE]
            ]
            names = operator_names(db)
            keys = {f"{_BY_KEY}{key.id}": key.name for key in db.scalars(select(ApiKey).order_by(ApiKey.id))}
            if not form:
                # After it was read: the look that is going on is the next one's to see.
                self._note(db, AuditAction.LISTED, wanted)
        page = render_template(
            "audit.html",
            rows=told_rows,
            names=names,
            keys=keys,
            actions=list(AuditAction),
            kept=kept,
            errors=form.errors if form else {},
            first=before is not None,
            older=rows[_PAGE - 1][0].id if len(rows) > _PAGE else None,
            longest_subject=_LONGEST_SUBJECT,
            most=MOST,
        )
        return page, HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK

    def _note(self, db: Session, action: AuditAction, wanted: Looks) -> None:
        """Reading the audit about somebody is a look at somebody."""
        note_look(
            db,
            by=g.operator.login,
            action=action,
            now=self._clock(),
            citizen_id=wanted.citizen_id,
            request_id=wanted.request_id,
            detail="audit",
        )

    def _lines(self, wanted: Looks, language: Language) -> Iterator[str]:
        before: int | None = None
        for _ in range(MOST // _AT_ONCE):
            # Rows by pages: nobody who writes waits for who reads slowly.
            with reading(self._sessions) as db:
                rows = looks(db, wanted, limit=_AT_ONCE, before=before)
                written = [
                    (
                        row.at.astimezone(ROME).isoformat(timespec="seconds"),
                        row.by,
                        told(row, self._texts, language),
                        reference or "",
                        str(row.citizen_id or ""),
                    )
                    for row, reference in rows
                ]
                before = rows[-1][0].id if rows else None
            yield "".join(_line(each) for each in written)
            if len(written) < _AT_ONCE:
                return


def _kept() -> dict[str, str]:
    try:
        kept = json.loads(kept_search(_KEPT) or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _wanted(db: Session, kept: Mapping[str, str]) -> Looks:
    action = next((each for each in AuditAction if each.value == kept.get("action")), None)
    return Looks(
        by=kept.get("by") or None,
        action=action,
        since=_day(kept.get("since")),
        until=_day(kept.get("until")),
        **_subject(db, kept.get("subject", "")),
    )


def _subject(db: Session, typed: str) -> dict[str, int]:
    """Whose rows: of a request by its number, of a citizen by tax code; nothing where there is no such."""
    if is_reference("".join(typed.split())):
        number = db.scalar(select(Request.id).where(Request.reference == "".join(typed.split())))
        return {} if number is None else {"request_id": number}
    citizen = citizen_by_tax_code(db, typed) if typed else None
    return {} if citizen is None else {"citizen_id": citizen.id}


def _day(kept: str | None) -> date | None:
    try:
        day = date.fromisoformat(kept or "")
    except ValueError:
        return None
    # Far away, arithmetic with time zones breaks.
    return day if 2000 < day.year < 2100 else None


def _line(fields: Iterable[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(fields)
    return written.getvalue()
