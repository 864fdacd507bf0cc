"""Reports and complaints to the town or its company: category, place, and a spoken message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from ivr.certificate import reference_twice
from ivr.ports import Desk
from ivr.steps import Dialog, Option, Recording, choose, prompt, record, say

#: Longest spoken place and message, and the least speech in a message, seconds.
PLACE, MESSAGE = 30, 120
LEAST = 2.0
#: What a menu has room for.
CATEGORIES = 4


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported, for the office that is competent for ``category``."""

    category: str
    place: Recording
    message: Recording
    call_back: bool


class ReportDesk(Protocol):
    """Where reports go."""

    def categories(self) -> Sequence[str]:
        """The codes of what can be reported, at most :data:`CATEGORIES`, in the order they are spoken."""

    def can_call_back(self) -> bool:
        """Whether the calling number is shown."""

    def discard(self, recording: Recording) -> None:
        """Remove a recording that the caller does not want."""

    def file(self, report: Report) -> str | None:
        """File it and forward it; its reference, or ``None`` if it waits on disk for the database."""


class _Check(Enum):
    SEND = auto()
    HEAR = auto()
    AGAIN = auto()


def report(desk: Desk) -> Dialog[None]:
    """The whole report."""
    category = yield from choose(
        "report.category",
        prompt("report.category.intro"),
        options=[
            Option(str(key), code, prompt(f"report.category.{code}"))
            for key, code in enumerate(desk.reports.categories(), 1)
        ],
    )
    place = yield from record("report.place", prompt("report.place"), longest=PLACE)
    message = yield from _message(desk)
    call_back = desk.reports.can_call_back() and (
        yield from choose(
            "report.call_back",
            options=(
                Option("1", value=True, said=prompt("report.call_back.yes")),
                Option("2", value=False, said=prompt("report.call_back.no")),
            ),
        )
    )
    reference = desk.reports.file(Report(category, place, message, call_back))
    if reference is None:
        yield from say("report.spooled", prompt("report.spooled"), must_hear=True)
        return
    yield from say("report.filed", prompt("report.filed"), *reference_twice(reference), must_hear=True)


def _message(desk: Desk) -> Dialog[Recording]:
    while True:
        message = yield from record("report.message", prompt("report.message"), longest=MESSAGE, least=LEAST)
        check = _Check.HEAR
        while check is _Check.HEAR:
            check = yield from choose(
                "report.check",
                options=(
                    Option("1", _Check.SEND, prompt("report.check.send")),
                    Option("2", _Check.HEAR, prompt("report.check.hear")),
                    Option("3", _Check.AGAIN, prompt("report.check.again")),
                ),
            )
            if check is _Check.HEAR:
                yield from say("report.heard", prompt("report.heard", voice=message.path))
        if check is _Check.SEND:
            return message
        desk.reports.discard(message)
