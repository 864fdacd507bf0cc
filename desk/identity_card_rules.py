"""How long identity cards are valid, and how citizens are told so.

The rules are dated data with their sources (``identity_card_rules.toml``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from desk.models import DocumentKind

FILE = Path(__file__).with_name("identity_card_rules.toml")

#: A text message's words for a validity: for the first part, for those that follow, and for the youngest.
_IN_SHORT = {
    "it": ("{years} anni dai {age} anni", "{years} dai {age}", "{years} sotto i {next}"),
    "en": ("{years} years from age {age}", "{years} from {age}", "{years} below {next}"),
}


class NoRule(ValueError):
    """No rule was in force on the day of issue."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From which age (in whole years) a card is valid for how many years."""

    from_age: int
    years: int
    #: Whether the last day is the birthday before the years are over, not the one after.
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What is in force from ``since`` on, and which law says so."""

    since: date
    validity: Sequence[Validity]
    #: Whether a card expires on a birthday: the next one after its years are over, or the last one before.
    until_birthday: bool
    source: str
    #: By what it was checked, and what was not.
    checked: str
    #: Which sentence tells a caller of it: ``answer.identity_card.valid.<told>``; none for what is over.
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules. ``no_travel_from`` is about paper cards."""

    issue: Sequence[Rule]
    renewable_days: int
    no_travel_from: date


@cache
def rules() -> Rules:
    """The rules in the file."""
    data = tomllib.loads(FILE.read_text(encoding="utf-8"))
    issue = [
        Rule(**{**entry, "validity": [Validity(**part) for part in entry["validity"]]})
        for entry in data["rules"]
    ]
    return Rules(
        sorted(issue, key=lambda rule: rule.since),
        data["renewal"]["days_before"],
        data["paper"]["no_travel_from"],
    )


def rule_on(day: date) -> Rule:
    """What is in force on ``day``. Raises :class:`NoRule`."""
    for rule in reversed(rules().issue):
        if rule.since <= day:
            return rule
    raise NoRule(str(day))


def expiry(issued_on: date, birth_date: date) -> date:
    """The last day on which a card is valid. Raises :class:`NoRule`."""
    rule = rule_on(issued_on)
    if birth_date > issued_on:
        raise NoRule(str(issued_on))
    age = _age(birth_date, issued_on)
    part = [part for part in rule.validity if part.from_age <= age][-1]
    over = _in_year(issued_on, issued_on.year + part.years)
    if not rule.until_birthday:
        return over
    birthday = _in_year(birth_date, over.year)
    if part.at_most:
        return birthday if birthday <= over else _in_year(birth_date, over.year - 1)
    return birthday if birthday >= over else _in_year(birth_date, over.year + 1)


def validity_in_short(day: date, language: str) -> str:
    """How long a card is valid that is issued on ``day``, as a text message says it, the oldest first."""
    first, more, youngest = _IN_SHORT[language]
    parts = sorted(rule_on(day).validity, key=lambda part: part.from_age, reverse=True)
    ages = [part.from_age for part in parts]
    return ", ".join(
        (youngest if not part.from_age else more if place else first).format(
            years=part.years, age=part.from_age, next=ages[place - 1]
        )
        for place, part in enumerate(parts)
    )


def renewable_from(expires_on: date) -> date:
    """The first day on which a card can be renewed."""
    return expires_on - timedelta(days=rules().renewable_days)


def is_for_travel(kind: DocumentKind, expires_on: date, day: date) -> bool:
    """Whether a card that may be used for travel still is a travel document on ``day``."""
    paper_is_over = kind is DocumentKind.PAPER and day >= rules().no_travel_from
    return day <= expires_on and not paper_is_over


def _age(birth_date: date, day: date) -> int:
    return day.year - birth_date.year - (day < _in_year(birth_date, day.year))


def _in_year(day: date, year: int) -> date:
    """The same day of another year. Who was born on 29 February has the 28th in other years."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
