"""How a figure changed, in words: which way it went is never told by a colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reports.definitions import Unit
from reports.exports import in_words


class Way(StrEnum):
    """Which way a figure went."""

    UP = "up"
    DOWN = "down"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """A way, and how much in words."""

    way: Way
    text: str


_WORDS = {
    "it": {
        Way.UP: "in aumento {of} {much}",
        Way.DOWN: "in calo {of} {much}",
        Way.SAME: "invariato",
        "points": "punti",
        "of_share": "del",
        "of": "di",
    },
    "en": {
        Way.UP: "up {of} {much}",
        Way.DOWN: "down {of} {much}",
        Way.SAME: "unchanged",
        "points": "points",
        "of_share": "by",
        "of": "by",
    },
}


def change_of(unit: Unit, now: float | None, before: float | None, language: str = "it") -> Change | None:
    """From ``before`` to ``now``: counts in percent, shares in points, times in seconds.

    ``None`` where one of the two has nothing to count, or a count grew from nothing.
    """
    if now is None or before is None:
        return None
    words, difference = _WORDS[language], now - before
    of = words["of"]
    if unit is Unit.SHARE:
        size = round(abs(difference) * 100, 1)
        much = f"{in_words(Unit.NUMBER, size, language)} {words['points']}"
    elif unit is Unit.SECONDS:
        size = round(abs(difference))
        much = in_words(Unit.SECONDS, size, language)
    elif not difference:
        size, much = 0.0, ""
    elif not before:
        return None
    else:
        size = round(abs(difference) / before * 100, 1)
        much, of = in_words(Unit.SHARE, abs(difference) / before, language), words["of_share"]
    way = Way.SAME if not size else Way.UP if difference > 0 else Way.DOWN
    return Change(way, words[way].format(of=of, much=much))
