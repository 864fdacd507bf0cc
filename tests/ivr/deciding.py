"""How a desk's answers are decided by a test, or by the crawl that tries them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

#: Picks one of several possible answers to a question.
Pick = Callable[[str, Sequence[T]], T]


def first(question: str, answers: Sequence[T]) -> T:
    """The pick that always takes the friendliest answer."""
    return answers[0]


class Decided:
    """A part of the desk each of whose answers is picked from all that are possible, friendliest first."""

    def __init__(self, pick: Pick[object] = first) -> None:
        self._pick = pick

    def one(self, question: str, *answers: T) -> T:
        """One of ``answers``."""
        return self._pick(question, answers)  # type: ignore[return-value]
