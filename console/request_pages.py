"""The list of requests, kept current in the browser, and the page of one request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from flask import Blueprint, Response, abort, g, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.http import quote_etag

from console.formats import amount, day, day_and_time, duration
from console.language import language_of_visitor
from console.request_list import Detail, read_detail, read_page
from console.routes import add_page
from console.texts import Texts
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.permissions import Permission
from desk.references import is_reference

COLUMNS = (
    "reference",
    "filed_at",
    "channel",
    "kind",
    "state",
    "due_on",
    "subject",
    "copies",
    "delivery",
    "receipt",
)

#: The largest id PostgreSQL keeps: a larger one in an address is nonsense, not a question for the database.
_LARGEST_ID = 2**31 - 1


class RequestPages:
    """The pages about requests. ``home`` is the folder below which recordings lie."""

    def __init__(
        self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime], home: Path
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock
        self._home = home.resolve()

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view in (
            ("/requests", "requests", self.requests),
            ("/requests/live", "live_requests", self.live_requests),
            ("/requests/<reference>", "request_detail", self.request_detail),
            ("/requests/<reference>/<name>.wav", "recording", self.recording),
        ):
            add_page(blueprint, path, name, view, Permission.SEE_REQUESTS)

    def requests(self) -> ResponseReturnValue:
        """The list, complete without any script."""
        before = _before()
        self._note(AuditAction.LISTED)
        html = self._rows(before)
        return render_template(
            "requests.html",
            rows_html=Markup(html),  # noqa: S704 - our own template's escaped output
            version=quote_etag(_version(html)),
            live_url=url_for("console.live_requests", before=before),
        )

    def live_requests(self) -> ResponseReturnValue:
        """The list alone, for the page's script: 304 while nothing changed."""
        html = self._rows(_before())
        response = Response(html)
        response.set_etag(_version(html))
        return response.make_conditional(request)

    def request_detail(self, reference: str) -> ResponseReturnValue:
        """One request."""
        detail = self._detail(reference)
        self._note(AuditAction.VIEWED, detail)
        return render_template(
            "request.html",
            row=detail.row,
            periods=detail.periods,
            messages=detail.messages,
            facts=list(self._facts(detail)),
            recordings={name: self._file(path) is not None for name, path in detail.recordings.items()},
        )

    def recording(self, reference: str, name: str) -> ResponseReturnValue:
        """The sound file of a recording that belongs to the request."""
        detail = self._detail(reference)
        path = detail.recordings.get(name)
        file = self._file(path) if path else None
        if file is None:
            abort(404)
        if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
            # A player asks for piece after piece: listening once is one row.
            self._note(AuditAction.HEARD, detail, name)
        return send_file(file, mimetype="audio/wav", conditional=True)

    def _rows(self, before: int | None) -> str:
        with reading(self._sessions) as db:
            page = read_page(db, before=before, now=self._clock())
        return render_template("request_rows.html", page=page, columns=COLUMNS)

    def _detail(self, reference: str) -> Detail:
        detail = None
        if is_reference(reference):
            with reading(self._sessions) as db:
                detail = read_detail(db, reference, now=self._clock())
        if detail is None:
            abort(404)
        return detail

    def _note(self, action: AuditAction, detail: Detail | None = None, what: str = "") -> None:
        """Note who looks at whom, before anything is shown: no look without its row."""
        with transaction(self._sessions) as db:
            note_look(
                db,
                by=g.operator.login,
                action=action,
                now=self._clock(),
                citizen_id=detail.citizen_id if detail else None,
                request_id=detail.request_id if detail else None,
                detail=what,
            )

    def _facts(self, detail: Detail) -> Iterator[tuple[str, str]]:
        """What is known about the request, named, in the order of reading."""
        language = language_of_visitor()

        def say(key: str) -> str:
            return self._texts.say(language, key)

        def label(group: str, code: str) -> str:
            return self._texts.label(language, group, code)

        row = detail.row
        yield say("column.kind"), label("kind", row.kind)
        yield say("column.channel"), label("channel", row.channel)
        yield say("column.due_on"), day(row.due_on)
        yield say("detail.citizen"), row.citizen or say("detail.not_identified")
        if detail.contact:
            yield say("detail.contact"), detail.contact
        if detail.identified_by:
            yield say("detail.identified_by"), label("identified", detail.identified_by)
        if row.certificate:
            yield say("column.subject"), label("subject", row.certificate.subject)
            if row.certificate.subject_name:
                yield say("detail.subject_name"), row.certificate.subject_name
            yield say("column.copies"), str(row.certificate.copies)
            yield say("column.delivery"), label("delivery", row.certificate.delivery)
            yield say("detail.stamp"), label("stamp", row.certificate.stamp)
            yield say("detail.fee"), amount(row.certificate.fee)
        if row.report:
            yield say("detail.category"), label("category", row.report.category)
            yield say("detail.office"), row.report.office
            if row.report.place:
                yield say("detail.report_place"), row.report.place
            if row.report.message:
                yield say("detail.text"), row.report.message
            yield say("detail.call_back"), label("call_back", "yes" if row.report.call_back else "no")
        if row.course:
            yield say("detail.course"), detail.names.get(language, row.course.course)
            number = f" ({detail.position})" if detail.position else ""
            yield say("detail.place"), label("place", detail.place or "given") + number
            yield say("detail.fee"), amount(row.course.fee)
        if row.room:
            yield say("detail.room"), detail.names.get(language, row.room.room)
            yield say("detail.purpose"), label("purpose", row.room.purpose)
            yield say("detail.when"), f"{day(row.room.day)}, {label('part', row.room.part)}"
            yield say("detail.people"), str(row.room.people or "–")
            yield say("detail.decision"), label("decision", detail.decision or "requested")
        if row.call_back:
            yield say("detail.waiting_since"), day_and_time(row.call_back.waiting_since)
            if row.call_back.result:
                yield say("detail.tries"), str(row.call_back.tries)
                yield say("detail.last_try"), label("tried", row.call_back.result)
        if row.lost:
            yield say("detail.calls"), str(row.lost.calls)
            yield say("detail.first_call"), day_and_time(row.lost.first_at)
            yield say("detail.last_call"), day_and_time(row.lost.last_at)
            yield say("detail.longest_wait"), duration(row.lost.longest_wait)
            if row.lost.about:
                yield say("detail.about"), "; ".join(row.lost.about)
            if row.lost.closed:
                yield say("detail.closed"), label("closed", row.lost.closed)
        if row.text:
            yield say("detail.text"), row.text
        yield say("detail.receipt"), label("receipt", row.receipt or "none")
        yield say("detail.language"), label("language", detail.language)

    def _file(self, path: Path) -> Path | None:
        """The recording's file, if it is still there. A path that leaves the home folder is no recording."""
        file = (self._home / path).resolve()
        return file if file.is_relative_to(self._home) and file.is_file() else None


def _before() -> int | None:
    """Where the page begins, from the address; nonsense means the newest requests."""
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= _LARGEST_ID else None


def _version(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()[:32]
