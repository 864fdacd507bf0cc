"""What pages with forms share: the form, who does it, and asking about whom it strands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import TypedDict, TypeVar

from flask import abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from console.form_reading import Form
from console.language import language_of_visitor
from console.texts import Texts
from desk.agenda_rules import WouldStrand
from desk.db import Sessions

T = TypeVar("T")


class By(TypedDict):
    """Who changes something, and when."""

    by: str
    now: datetime


class ChangingPages:
    """Pages that change something."""

    def __init__(self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._texts = texts
        self._clock = clock

    def _form(self, fields: Mapping[str, str] | None = None) -> Form:
        """What was sent, or a form that is shown with these ``fields`` filled in."""
        return Form(request.form if fields is None else fields, self._say)

    def _say(self, key: str, **values: object) -> str:
        return self._texts.say(language_of_visitor(), key, **values)

    def _by(self) -> By:
        return By(by=g.operator.login, now=self._clock())

    @contextmanager
    def _asking(self, back: str) -> Iterator[list[ResponseReturnValue]]:
        """What would strand somebody is asked about first; the list then holds the page that asks."""
        refused: list[ResponseReturnValue] = []
        try:
            yield refused
        except WouldStrand as e:
            page = render_template(
                "agenda_stranded.html",
                bookings=e.bookings,
                action=request.path,
                back=back,
                fields=[(name, value) for name, value in request.form.items() if name != "csrf_token"],
            )
            refused.append((page, HTTPStatus.CONFLICT))


def found(row: T | None) -> T:
    """``row``, or a page that says that there is none."""
    if row is None:
        abort(404)
    return row


def accepted() -> bool:
    """Whether who changes it has seen whom it strands."""
    return request.form.get("accepted") == "yes"


def saved(address: str, text: str = "form.saved") -> ResponseReturnValue:
    """Back to the page, which says that it was saved."""
    flash(text, "success")
    return redirect(address, 303)
