"""One question after the talk with an operator, answered with one key or not at all."""

from __future__ import annotations

from typing import Protocol

from ivr.steps import Dialog, Option, PersonNeeded, choose, prompt, say


class Survey(Protocol):
    """Where the answers go."""

    def note(self, *, solved: bool) -> None:
        """Keep the answer with the call, and nothing about who gave it."""


def survey(answers: Survey) -> Dialog[None]:
    """Ask whether the question was solved; silence, a wrong key or 0 ends politely, too."""
    nothing: Option[bool | None] = Option("", value=None)
    options: tuple[Option[bool | None], ...] = (
        Option("1", value=True, said=prompt("survey.yes")),
        Option("2", value=False, said=prompt("survey.no")),
    )
    try:
        solved = yield from choose("survey", prompt("survey.question"), options=options, otherwise=nothing)
    except PersonNeeded:
        solved = None
    if solved is not None:
        answers.note(solved=solved)
    yield from say("survey.thanks", prompt("survey.thanks"))
