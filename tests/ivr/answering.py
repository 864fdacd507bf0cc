"""A friendly desk, save for a few answers."""

from __future__ import annotations

from collections.abc import Sequence

from tests.ivr.doubles import DecidedDesk


def desk(**answers: object) -> DecidedDesk:
    """A friendly desk, save for the questions (spaces as underscores) whose answers are given, in order."""
    waiting = {
        question.replace("_", " "): list(given if isinstance(given, list) else [given])
        for question, given in answers.items()
    }

    def pick(question: str, possible: Sequence[object]) -> object:
        return waiting[question].pop(0) if waiting.get(question) else possible[0]

    return DecidedDesk(pick)
