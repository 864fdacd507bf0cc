"""What operators do with requests: the steps of the work, notes, documents, and several at once."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from console.changing import ChangingPages
from console.request_list import operator_names
from console.request_pages import RequestPages, worker_of_visitor
from console.routes import add_page
from console.texts import Texts
from desk import casework
from desk.attachments import Attached, NoAttachment, attach, open_attachment
from desk.casework import LONGEST_NOTE, Act, Done, Outcome
from desk.db import Sessions, reading, transaction
from desk.permissions import Permission
from desk.references import is_reference
from desk.settings import Settings

#: How a form that was refused is answered, by why.
_STATUS: Mapping[Outcome, HTTPStatus] = {
    Outcome.UNKNOWN: HTTPStatus.NOT_FOUND,
    Outcome.NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    Outcome.NO_COLLEAGUE: HTTPStatus.BAD_REQUEST,
    Outcome.NO_REASON: HTTPStatus.BAD_REQUEST,
}
#: What can be done with several requests at once.
BULK = (Act.TAKE, Act.COMPLETE, Act.HAND_OVER)
#: As many as a page shows, and a little more.
_MOST_AT_ONCE = 100
#: The largest id PostgreSQL keeps.
_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class BulkRow:
    """What became of one of several requests."""

    reference: str
    done: Done


class CaseworkPages(ChangingPages):
    """The forms of the page of a request, and of the list."""

    def __init__(
        self,
        sessions: Sessions,
        texts: Texts,
        settings: Settings,
        pages: RequestPages,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._settings = settings
        self._pages = pages

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        for path, name, view in (
            ("/requests/bulk", "work_requests", self.bulk),
            ("/requests/<reference>/act", "work_request", self.act),
            ("/requests/<reference>/notes", "note_request", self.note),
            ("/requests/<reference>/attachments", "attach", self.attach),
        ):
            add_page(blueprint, path, name, view, Permission.WORK_REQUESTS, methods=["POST"])
        add_page(
            blueprint,
            "/requests/<reference>/attachments/<int:number>",
            "attachment",
            self.attachment,
            Permission.SEE_REQUESTS,
        )

    def act(self, reference: str) -> ResponseReturnValue:
        """One step of the work. Who comes second is told who has the request."""
        act = _act(request.form.get("act"))
        if act is None or not is_reference(reference):
            abort(400)
        form = self._form()
        text, to = form.lines("text", LONGEST_NOTE, required=False), form["to"]
        if form.errors:
            return self._pages.show(
                reference, errors=form.errors, typed={"text": text, "to": to}, status=HTTPStatus.BAD_REQUEST
            )
        done = self._do(act, reference, text=text, to=to)
        if done.changed:
            flash(f"act_done.{act}", "success")
            return redirect(url_for("console.request_detail", reference=reference), 303)
        if done.outcome is Outcome.ALREADY_MINE:
            return redirect(url_for("console.request_detail", reference=reference), 303)
        if done.outcome is Outcome.UNKNOWN:
            abort(404)
        errors = {}
        if done.outcome is Outcome.NO_REASON:
            errors["text"] = self._say("casework.no_reason")
        if done.outcome is Outcome.NO_COLLEAGUE:
            errors["to"] = self._say("outcome.no_colleague")
        return self._pages.show(
            reference,
            problem=None if errors else f"outcome.{done.outcome}",
            errors=errors,
            typed={"text": text, "to": to},
            status=_STATUS.get(done.outcome, HTTPStatus.CONFLICT),
        )

    def bulk(self) -> ResponseReturnValue:
        """The same step with several requests, each on its own: what can be done is done."""
        act = _act(request.form.get("act"))
        chosen = [each for each in request.form.getlist("reference") if is_reference(each)][:_MOST_AT_ONCE]
        if act not in BULK:
            abort(400)
        if not chosen:
            flash("bulk.nothing", "warning")
            return redirect(url_for("console.requests"), 303)
        to = self._form()["to"]
        rows = [BulkRow(reference, self._do(act, reference, to=to)) for reference in dict.fromkeys(chosen)]
        with reading(self._sessions) as db:
            operators = operator_names(db)
        return render_template(
            "bulk.html",
            act=act,
            rows=rows,
            changed=sum(row.done.changed for row in rows),
            operators=operators,
        )

    def note(self, reference: str) -> ResponseReturnValue:
        """A note for the colleagues."""
        form = self._form()
        text = form.lines("note", LONGEST_NOTE)
        _check(reference)
        if form.errors:
            return self._pages.show(
                reference, errors=form.errors, typed={"note": text}, status=HTTPStatus.BAD_REQUEST
            )
        with transaction(self._sessions) as db:
            done = casework.add_note(db, reference, text, by=g.operator.login, now=self._clock())
        if done.outcome is Outcome.UNKNOWN:
            abort(404)
        flash("notes.added", "success")
        return redirect(url_for("console.request_detail", reference=reference, _anchor="notes"), 303)

    def attach(self, reference: str) -> ResponseReturnValue:
        """A document is added."""
        _check(reference)
        file = request.files.get("document")
        outcome = attach(
            self._sessions,
            self._settings,
            reference,
            name=(file.filename if file else None) or "",
            data=file.read() if file else b"",
            by=g.operator.login,
            now=self._clock(),
        )
        if outcome is Attached.NO_REQUEST:
            abort(404)
        if outcome is not Attached.ATTACHED:
            errors = {"document": self._say(f"attached.{outcome}")}
            return self._pages.show(reference, errors=errors, status=HTTPStatus.BAD_REQUEST)
        flash("attached.attached", "success")
        return redirect(url_for("console.request_detail", reference=reference, _anchor="attachments"), 303)

    def attachment(self, reference: str, number: int) -> ResponseReturnValue:
        """A document, to be kept: a browser never runs what somebody has sent."""
        _check(reference)
        if number > _LARGEST_ID:
            abort(404)
        try:
            document = open_attachment(
                self._sessions,
                self._settings,
                reference,
                number,
                by=g.operator.login,
                now=self._clock(),
            )
        except NoAttachment:
            abort(404)
        return send_file(
            io.BytesIO(document.data),
            mimetype=document.media_type,
            as_attachment=True,
            download_name=document.name,
        )

    def _do(self, act: Act, reference: str, *, text: str = "", to: str = "") -> Done:
        worker, now = worker_of_visitor(), self._clock()
        with transaction(self._sessions) as db:
            match act:
                case Act.TAKE:
                    return casework.take(db, reference, worker, now=now)
                case Act.HAND_OVER:
                    return casework.hand_over(db, reference, worker, to=to, note=text, now=now)
                case Act.PUT_BACK:
                    return casework.put_back(db, reference, worker, note=text, now=now)
                case Act.WAIT:
                    return casework.wait_for_citizen(db, reference, worker, note=text, now=now)
                case Act.RESUME:
                    return casework.resume(db, reference, worker, note=text, now=now)
                case Act.COMPLETE:
                    return casework.complete(db, reference, worker, note=text, now=now)
                case Act.REJECT:
                    return casework.reject(db, reference, worker, note=text, now=now)
                case Act.REOPEN:
                    return casework.reopen(db, reference, worker, note=text, now=now)


def _check(reference: str) -> None:
    """There can be no request with a reference that is none."""
    if not is_reference(reference):
        abort(404)


def _act(said: str | None) -> Act | None:
    return next((act for act in Act if act.value == said), None)
