"""Italian: "ventuno", "centottanta", "primo aprile", "alle nove e trenta", "all'una"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from num2words import num2words

from prompts.speaking.pieces import CannotSay, Piece

MONTHS = (
    "gennaio",
    "febbraio",
    "marzo",
    "aprile",
    "maggio",
    "giugno",
    "luglio",
    "agosto",
    "settembre",
    "ottobre",
    "novembre",
    "dicembre",
)
WEEKDAYS = ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica")
LETTERS = MappingProxyType(
    {
        "a": "a",
        "b": "bi",
        "c": "ci",
        "d": "di",
        "e": "e",
        "f": "effe",
        "g": "gi",
        "h": "acca",
        "i": "i",
        "j": "i lunga",
        "k": "cappa",
        "l": "elle",
        "m": "emme",
        "n": "enne",
        "o": "o",
        "p": "pi",
        "q": "cu",
        "r": "erre",
        "s": "esse",
        "t": "ti",
        "u": "u",
        "v": "vu",
        "w": "doppia vu",
        "x": "ics",
        "y": "ipsilon",
        "z": "zeta",
    }
)
_AND = Piece("word.e", "e")
#: "centotto", "centottanta": the o of cento is lost, so these cannot be put together from two sounds.
_ELIDED = (8, *range(80, 90))
_WHOLE_THOUSANDS = range(1000, 10_001, 1000)
_WORDS = MappingProxyType(
    {
        "number.thousands": "mila",
        "day.1": "primo",
        "word.e": "e",
        "time.at": "alle",
        "time.from": "dalle",
        "time.one": "una",
        "time.at_one": "all'una",
        "time.from_one": "dall'una",
        "time.at_midnight": "a mezzanotte",
        "time.from_midnight": "da mezzanotte",
        "time.at_noon": "a mezzogiorno",
        "time.from_noon": "da mezzogiorno",
        "amount.one_euro": "un euro",
        "amount.euro": "euro",
        "amount.one_cent": "un centesimo",
        "amount.cents": "centesimi",
    }
)


@cache
def fragments() -> Mapping[str, str]:
    hundreds = range(100, 1000, 100)
    numbers = [
        *range(100),
        *hundreds,
        *(hundred + rest for hundred in hundreds for rest in _ELIDED),
        *_WHOLE_THOUSANDS,
    ]
    return MappingProxyType(
        {f"number.{n}": num2words(n, lang="it") for n in numbers}
        | {f"month.{position}": month for position, month in enumerate(MONTHS, start=1)}
        | {f"weekday.{position}": weekday for position, weekday in enumerate(WEEKDAYS)}
        | {f"letter.{letter}": name for letter, name in LETTERS.items()}
        | _WORDS
    )


def _piece(key: str) -> Piece:
    return Piece(key, fragments()[key])


def _below_thousand(value: int) -> list[Piece]:
    hundred, rest = value // 100 * 100, value % 100
    if hundred == 0 or rest == 0 or rest in _ELIDED:
        return [_piece(f"number.{value}")]
    return [_piece(f"number.{hundred}"), _piece(f"number.{rest}")]


def number(value: int) -> list[Piece]:
    if not 0 <= value <= 999_999:
        raise CannotSay(f"no words for the number {value}: only 0 to 999999")
    thousands, rest = value // 1000, value % 1000
    pieces: list[Piece] = []
    if thousands * 1000 in _WHOLE_THOUSANDS:
        pieces.append(_piece(f"number.{thousands * 1000}"))
    elif thousands:
        pieces += [*_below_thousand(thousands), _piece("number.thousands")]
    if rest or not thousands:
        pieces += _below_thousand(rest)
    return _written_as_one_word(pieces)


def _written_as_one_word(pieces: list[Piece]) -> list[Piece]:
    """Joins the pieces. The accent of "tré" belongs only to the end: "centotré", but "ventitremila"."""
    if len(pieces) == 1:
        return pieces
    inner = [replace(piece, text=piece.text.replace("tré", "tre")) for piece in pieces]
    last = inner[-1]
    if last.text.endswith("tre"):
        inner[-1] = replace(last, text=last.text[:-1] + "é")
    return [replace(piece, glued=position > 0) for position, piece in enumerate(inner)]


def letter(character: str) -> Piece:
    if character not in LETTERS:
        raise CannotSay("only the letters a to z can be spelt")
    return _piece(f"letter.{character}")


def weekday(weekday: int) -> Piece:
    return _piece(f"weekday.{weekday}")


def day(month: int, day: int) -> list[Piece]:
    return [day_of_month(day), _piece(f"month.{month}")]


def day_of_month(day: int) -> Piece:
    return _piece("day.1") if day == 1 else _piece(f"number.{day}")


def year(year: int) -> list[Piece]:
    return number(year)


def time(hour: int, minute: int, before: str) -> list[Piece]:
    # Italian has one preposition for "at nine" and "to nine": alle nove.
    article = "at" if before == "to" else before
    if article and hour in (0, 12) and minute == 0:
        return [_piece(f"time.{article}_{'noon' if hour else 'midnight'}")]
    if hour == 1:
        spoken = [_piece(f"time.{article}_one" if article else "time.one")]
    else:
        spoken = [_piece(f"time.{article}")] if article else []
        spoken += number(hour)
    if minute:
        spoken += [_AND, *number(minute)]
    return spoken


def amount(cents: int) -> list[Piece]:
    euros, cents = divmod(cents, 100)
    spoken: list[Piece] = []
    if euros or not cents:
        spoken += [_piece("amount.one_euro")] if euros == 1 else [*number(euros), _piece("amount.euro")]
    if cents:
        if spoken:
            spoken.append(_AND)
        spoken += [_piece("amount.one_cent")] if cents == 1 else [*number(cents), _piece("amount.cents")]
    return spoken
