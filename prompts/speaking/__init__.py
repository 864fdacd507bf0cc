"""How a language says numbers, dates, times, amounts and codes, as a sequence of short recorded pieces.

One module per language offers the same functions (:class:`Grammar`). What they return is spoken and
printed from the same pieces, so the written form is always what the caller hears.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from prompts.speaking import english, italian
from prompts.speaking.pieces import (
    DIGIT_PAUSE,
    GROUP_PAUSE,
    LONG_PAUSE,
    PAUSES,
    SHORT_PAUSE,
    CannotSay,
    Piece,
    groups_of,
)

__all__ = [
    "DIGIT_PAUSE",
    "GRAMMARS",
    "GROUP_PAUSE",
    "LONG_PAUSE",
    "PAUSES",
    "SHORT_PAUSE",
    "CannotSay",
    "Grammar",
    "Piece",
    "groups_of",
]


class Grammar(Protocol):
    """What a language must know. All functions raise :class:`CannotSay` for what cannot be said."""

    def fragments(self) -> Mapping[str, str]:
        """Every piece any function below can use: key to the text that the voice reads."""
        ...

    def number(self, value: int) -> list[Piece]:
        """0 to 999999."""
        ...

    def letter(self, character: str) -> Piece:
        """The name of one letter, ``a`` to ``z``."""
        ...

    def weekday(self, weekday: int) -> Piece:
        """Monday is 0."""
        ...

    def day(self, month: int, day: int) -> list[Piece]:
        """Day and month."""
        ...

    def day_of_month(self, day: int) -> Piece:
        """The day alone, of a month that is understood."""
        ...

    def year(self, year: int) -> list[Piece]: ...

    def time(self, hour: int, minute: int, before: str) -> list[Piece]:
        """``before`` is nothing or one of ``at``, ``from``, ``to``: Italian melts it into the article."""
        ...

    def amount(self, cents: int) -> list[Piece]:
        """Euro and cents, from the whole number of cents."""
        ...


GRAMMARS: Mapping[str, Grammar] = {"it": italian, "en": english}
