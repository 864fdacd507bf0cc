"""English (British): "one hundred and one", "the first of April twenty twenty-six", "nine thirty a.m."."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import ascii_lowercase
from types import MappingProxyType

from num2words import num2words

from prompts.speaking.pieces import CannotSay, Piece

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS = MappingProxyType(
    {
        "number.hundred": "hundred",
        "number.thousand": "thousand",
        "number.thousand_and": "thousand and",
        "word.and": "and",
        "time.at": "at",
        "time.from": "from",
        "time.to": "to",
        "time.am": "a.m.",
        "time.pm": "p.m.",
        "time.noon": "noon",
        "time.midnight": "midnight",
        "amount.one_euro": "one euro",
        "amount.euros": "euros",
        "amount.one_cent": "one cent",
        "amount.cents": "cents",
    }
)


@cache
def fragments() -> Mapping[str, str]:
    hundreds = range(100, 1000, 100)
    return MappingProxyType(
        {f"number.{n}": num2words(n, lang="en") for n in (*range(100), *hundreds)}
        | {f"number.{n}_and": f"{num2words(n, lang='en')} and" for n in hundreds}
        | {f"oh.{n}": f"oh {num2words(n, lang='en')}" for n in range(1, 10)}
        | {f"day.{n}": f"the {num2words(n, lang='en', to='ordinal')} of" for n in range(1, 32)}
        | {f"ordinal.{n}": f"the {num2words(n, lang='en', to='ordinal')}" for n in range(1, 32)}
        | {f"month.{position}": month for position, month in enumerate(MONTHS, start=1)}
        | {f"weekday.{position}": weekday for position, weekday in enumerate(WEEKDAYS)}
        # With a full stop, or "A" is read as the article.
        | {f"letter.{letter}": f"{letter.upper()}." for letter in ascii_lowercase}
        | _WORDS
    )


def _piece(key: str) -> Piece:
    return Piece(key, fragments()[key])


def _below_thousand(value: int) -> list[Piece]:
    hundred, rest = value // 100 * 100, value % 100
    if hundred == 0 or rest == 0:
        return [_piece(f"number.{value}")]
    return [_piece(f"number.{hundred}_and"), _piece(f"number.{rest}")]


def number(value: int) -> list[Piece]:
    if not 0 <= value <= 999_999:
        raise CannotSay(f"no words for the number {value}: only 0 to 999999")
    thousands, rest = divmod(value, 1000)
    if not thousands:
        return _below_thousand(rest)
    if not rest:
        return [*_below_thousand(thousands), _piece("number.thousand")]
    joint = "number.thousand_and" if rest < 100 else "number.thousand"
    return [*_below_thousand(thousands), _piece(joint), *_below_thousand(rest)]


def letter(character: str) -> Piece:
    if len(character) != 1 or character not in ascii_lowercase:
        raise CannotSay("only the letters a to z can be spelt")
    return Piece(f"letter.{character}", character.upper())


def weekday(weekday: int) -> Piece:
    return _piece(f"weekday.{weekday}")


def day(month: int, day: int) -> list[Piece]:
    return [_piece(f"day.{day}"), _piece(f"month.{month}")]


def day_of_month(day: int) -> Piece:
    return _piece(f"ordinal.{day}")


def year(year: int) -> list[Piece]:
    century, rest = divmod(year, 100)
    if not 1100 <= year < 2100 or 2000 <= year <= 2009:
        return number(year)
    if rest == 0:
        return [_piece(f"number.{century}"), _piece("number.hundred")]
    return [_piece(f"number.{century}"), _piece(f"oh.{rest}" if rest < 10 else f"number.{rest}")]


def time(hour: int, minute: int, before: str) -> list[Piece]:
    spoken = [_piece(f"time.{before}")] if before else []
    if minute == 0 and hour in (0, 12):
        return [*spoken, _piece("time.noon" if hour else "time.midnight")]
    spoken.append(_piece(f"number.{hour % 12 or 12}"))
    if minute:
        spoken.append(_piece(f"oh.{minute}" if minute < 10 else f"number.{minute}"))
    return [*spoken, _piece("time.am" if hour < 12 else "time.pm")]


def amount(cents: int) -> list[Piece]:
    euros, cents = divmod(cents, 100)
    spoken: list[Piece] = []
    if euros or not cents:
        spoken += [_piece("amount.one_euro")] if euros == 1 else [*number(euros), _piece("amount.euros")]
    if cents:
        if spoken:
            spoken.append(_piece("word.and"))
        spoken += [_piece("amount.one_cent")] if cents == 1 else [*number(cents), _piece("amount.cents")]
    return spoken
