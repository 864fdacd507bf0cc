"""The list of requests, kept current in the browser, and the page of one request."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import segno
from flask import Blueprint, Response, abort, g, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.http import quote_etag

from console.formats import amount, day, day_and_time, duration
from console.kept_search import LONGEST_SEARCH, forget_search, keep_search, kept_search
from console.language import language_of_visitor
from console.request_filters import Filters
from console.request_list import Detail, Row, last_change, read_detail, read_page
from console.routes import add_page
from console.shared_list import SharedList
from console.texts import Texts
from desk.audit import AuditAction, note_look
from desk.call_recordings import NoRecording, NotAllowed, open_recording
from desk.casework import CLOSED_STATES, Act, Worker, acts_for, colleagues
from desk.db import Sessions, reading, transaction
from desk.find_requests import ByReference, Search, Sort, Standing, Whose, search_of
from desk.models import Channel, RequestKind, RequestState
from desk.permissions import Permission
from desk.references import is_reference
from desk.settings import Settings

#: What the list shows of a request, after the box that chooses it.
COLUMNS = ("reference", "due_on", "kind", "state", "assignee", "citizen", "channel", "filed_at", "receipt")
#: Events of a call that say nothing about the caller.
_UNTOLD = frozenset({"entered"})


class RequestPages:
    """The list of requests, and one request."""

    def __init__(
        self, sessions: Sessions, texts: Texts, settings: Settings, *, clock: Callable[[], datetime]
    ) -> None:
        self._sessions = sessions
        self._texts = texts
        self._settings = settings
        self._clock = clock
        self._home = settings.home.resolve()
        self._shared = SharedList()

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view in (
            ("/requests", "requests", self.requests),
            ("/requests/live", "live_requests", self.live_requests),
            ("/requests/<reference>", "request_detail", self.request_detail),
            ("/requests/<reference>/<name>.wav", "recording", self.recording),
            ("/requests/<reference>/slip", "request_slip", self.slip),
        ):
            add_page(blueprint, path, name, view, Permission.SEE_REQUESTS)
        for path, name, view in (
            ("/requests/search", "search_requests", self.search),
            ("/requests/search/end", "end_search", self.end_search),
        ):
            add_page(blueprint, path, name, view, Permission.SEE_REQUESTS, methods=["POST"])
        add_page(blueprint, "/requests/<reference>/talk.wav", "talk", self.talk, Permission.HEAR_TALKS)

    def requests(self) -> ResponseReturnValue:
        """The list, complete without any script."""
        filters = Filters.of_address()
        self._note(AuditAction.SEARCHED if filters.found else AuditAction.LISTED)
        html = self._rows(filters)
        return render_template(
            "requests.html",
            rows_html=Markup(html),  # noqa: S704 - our own template's escaped output
            version=quote_etag(_version(html)),
            live_url=url_for("console.live_requests", **filters.address(after=filters.after)),
            filters=filters,
            searched=kept_search() if filters.found else "",
            longest_search=LONGEST_SEARCH,
            standings=[*Standing, *RequestState],
            kinds=list(RequestKind),
            channels=list(Channel),
            whose=list(Whose),
            sorts=list(Sort),
            colleagues=self._colleagues() if g.operator.may(Permission.ASSIGN_REQUESTS) else [],
        )

    def search(self) -> ResponseReturnValue:
        """Look for a reference, a telephone number or a name; what was typed stays out of the address."""
        typed = request.form.get("search", "")[:LONGEST_SEARCH]
        search = search_of(typed)
        if isinstance(search, ByReference):
            with reading(self._sessions) as db:
                if read_detail(db, search.reference, now=self._clock()) is not None:
                    return redirect(url_for("console.request_detail", reference=search.reference), 303)
        keep_search(typed)
        return redirect(url_for("console.requests", found=1), 303)

    def end_search(self) -> ResponseReturnValue:
        """Forget what was searched for."""
        forget_search()
        return redirect(url_for("console.requests"), 303)

    def live_requests(self) -> ResponseReturnValue:
        """The list alone, for the page's script: 304 while nothing changed."""
        filters, now = Filters.of_address(), self._clock()
        with reading(self._sessions) as db:
            changed = last_change(db)
        html = self._shared.text(
            (
                language_of_visitor(),
                tuple(filters.address(after=filters.after).items()),
                g.operator.may(Permission.WORK_REQUESTS),
                g.operator.login if filters.wanted.whose is Whose.MINE else None,
                kept_search() if filters.found else None,
            ),
            changed,
            lambda: self._rows(filters),
            now=now,
        )
        response = Response(html)
        response.set_etag(_version(html))
        return response.make_conditional(request)

    def request_detail(self, reference: str) -> ResponseReturnValue:
        """One request."""
        return self.show(reference)

    def show(
        self,
        reference: str,
        *,
        problem: str | None = None,
        errors: Mapping[str, str] | None = None,
        typed: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        """The page of one request.

        Args:
            reference: of the request.
            problem: why what was wanted was not done: the key of a text.
            errors: what is wrong with a field, by its name.
            typed: what stood in the fields of the form that was refused.
            status: of the answer.
        """
        detail = self._detail(reference)
        self._note(AuditAction.VIEWED, detail)
        row = detail.row
        acts: frozenset[Act] = frozenset()
        if g.operator.may(Permission.WORK_REQUESTS):
            acts = acts_for(
                row.state,
                row.assignee,
                worker_of_visitor(),
                closed_at=detail.closed_at,
                now=self._clock(),
            )
        page = render_template(
            "request.html",
            row=row,
            detail=detail,
            periods=detail.periods,
            messages=detail.messages,
            facts=list(self._facts(detail)),
            recordings={name: self._file(path) is not None for name, path in detail.recordings.items()},
            steps=[step for step in detail.call.steps if step[2] not in _UNTOLD] if detail.call else [],
            acts=acts,
            closed=row.state in CLOSED_STATES,
            colleagues=[each for each in self._colleagues() if each[0] != row.assignee]
            if Act.HAND_OVER in acts
            else [],
            problem=problem,
            errors=errors or {},
            typed=typed or {},
        )
        return page, status

    def slip(self, reference: str) -> ResponseReturnValue:
        """What the citizen takes home: the number of the request and what was asked for, to be printed."""
        detail = self._detail(reference)
        self._note(AuditAction.VIEWED, detail, "slip")
        row = detail.row
        # The number alone: a reader at the counter types it into the search, and a lost slip tells no more.
        picture = segno.make(row.reference, error="m").svg_inline(
            omitsize=True,
            svgclass="qr",
            lineclass="qr-line",
            title=self._texts.say(language_of_visitor(), "slip.qr"),
        )
        return render_template(
            "slip.html",
            row=row,
            facts=list(self._slip_facts(row)),
            qr=Markup(picture),  # noqa: S704 - made here, of digits
        )

    def talk(self, reference: str) -> ResponseReturnValue:
        """The recorded talk of the call in which the request was made; each time it is asked for is kept."""
        detail = self._detail(reference)
        if detail.call is None or detail.call.recorded is None:
            abort(404)
        if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
            self._note(AuditAction.HEARD, detail, "talk")
        try:
            sound = open_recording(
                self._sessions,
                self._settings,
                detail.call.recorded,
                by=g.operator.login,
                now=self._clock(),
            )
        except NotAllowed:
            abort(403)
        except NoRecording:
            abort(404)
        return send_file(io.BytesIO(sound), mimetype="audio/wav", conditional=True)

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

    def _rows(self, filters: Filters) -> str:
        search: Search | None = None
        if filters.found:
            search = search_of(kept_search())
            if search is None:
                return render_template("request_rows.html", page=None, filters=filters, columns=COLUMNS)
        with reading(self._sessions) as db:
            page = read_page(
                db,
                filters.searching(search),
                by=g.operator.login,
                after=filters.after,
                now=self._clock(),
            )
        return render_template("request_rows.html", page=page, filters=filters, columns=COLUMNS)

    def _colleagues(self) -> Sequence[tuple[str, str]]:
        """Log-ins and names of who works on requests."""
        with reading(self._sessions) as db:
            return [(operator.login, operator.name) for operator in colleagues(db)]

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

    def _slip_facts(self, row: Row) -> Iterator[tuple[str, str]]:
        """What stands on the slip; no telephone number and nothing an operator wrote."""
        language = language_of_visitor()

        def say(key: str) -> str:
            return self._texts.say(language, key)

        def label(group: str, code: str) -> str:
            return self._texts.label(language, group, code)

        yield say("column.kind"), label("kind", row.kind)
        if row.citizen:
            yield say("column.citizen"), row.citizen
        if row.certificate:
            whom = row.certificate.subject_name or label("subject", row.certificate.subject)
            yield say("column.subject"), whom
            yield say("column.copies"), str(row.certificate.copies)
            yield say("detail.delivery"), label("delivery", row.certificate.delivery)
            yield say("detail.amount"), amount(row.certificate.fee)
        yield say("column.filed_at"), day_and_time(row.filed_at)

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
        yield say("column.filed_at"), day_and_time(row.filed_at)
        yield say("column.due_on"), day(row.due_on)
        yield say("column.assignee"), row.assignee_name or say("requests.nobody")
        yield say("detail.citizen"), row.citizen or say("detail.not_identified")
        if detail.applicant_tax_code:
            yield say("detail.outside"), detail.applicant_tax_code
        if detail.contact:
            yield say("detail.contact"), detail.contact
        if detail.identified_by:
            yield say("detail.identified_by"), label("identified", detail.identified_by)
        if row.certificate:
            yield say("column.subject"), label("subject", row.certificate.subject)
            if row.certificate.subject_name:
                yield say("detail.subject_name"), row.certificate.subject_name
            yield say("column.copies"), str(row.certificate.copies)
            yield say("detail.delivery"), label("delivery", row.certificate.delivery)
            yield say("detail.stamp"), label("stamp", row.certificate.stamp)
            yield say("detail.fee"), amount(row.certificate.fee)
        if row.report:
            yield say("detail.category"), detail.names.get(language, row.report.category)
            yield say("detail.office"), detail.office or row.report.office
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


def worker_of_visitor() -> Worker:
    """Who is logged in, as who works on requests."""
    return Worker(g.operator.login, assigns=g.operator.may(Permission.ASSIGN_REQUESTS))


def _version(html: str) -> str:
    return hashlib.sha256(html.encode()).hexdigest()[:32]
