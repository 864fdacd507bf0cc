"""Values as text messages write them, for saying them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal

from prompts.catalogue import Kind, Spoken

_DATES = {Kind.DATE, Kind.DATE_WEEKDAY, Kind.DATE_YEAR, Kind.DATE_SHORT, Kind.WEEKDAY_DAY, Kind.WEEKDAY}
_TIMES = {Kind.TIME, Kind.AT_TIME, Kind.FROM_TIME, Kind.TO_TIME}


def to_say(kinds: Mapping[str, Kind], written: Mapping[str, str]) -> dict[str, Spoken]:
    """The values that a prompt with the placeholders ``kinds`` says, out of those that were written.

    Raises ``ValueError`` for what cannot be read, ``KeyError`` for what is missing; neither names a value.
    """
    return {name: _read(name, kind, written[name]) for name, kind in kinds.items()}


def _read(name: str, kind: Kind, text: str) -> Spoken:
    try:
        if kind in _DATES:
            day, month, year = text.split("/")
            return date(int(year), int(month), int(day))
        if kind in _TIMES:
            return time.fromisoformat(text)
        if kind is Kind.AMOUNT:
            return Decimal(text.replace(",", "."))
        if kind is Kind.NUMBER:
            return int(text)
    except (ValueError, ArithmeticError):
        raise ValueError(f"{name} cannot be read as {kind}") from None
    if kind is Kind.CODE:
        return "".join(character for character in text if character.isalnum())
    raise ValueError(f"{name} is a {kind}, which no text message has")
