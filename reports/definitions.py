"""What each figure means: read from ``definitions.toml``, for whoever shows a figure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("definitions.toml")


class Unit(StrEnum):
    """What kind of value a figure is, and so how it is shown."""

    COUNT = "count"
    NUMBER = "number"
    #: Seconds, shown as a duration.
    SECONDS = "seconds"
    #: 0 to 1, shown in percent.
    SHARE = "share"
    TEXT = "text"
    DATE = "date"
    #: A date that stands for its month.
    MONTH = "month"
    #: An aware datetime.
    MOMENT = "moment"
    #: 0 to 23; 0 to 47; 0 (Monday) to 6.
    HOUR = "hour"
    HALF = "half"
    WEEKDAY = "weekday"


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure's name, meaning, formula, source and unit."""

    unit: Unit
    name_it: str
    name_en: str
    definition_it: str
    definition_en: str
    formula: str
    source: str

    def name(self, language: str) -> str:
        """The name in ``it`` or ``en``."""
        return self.name_en if language == "en" else self.name_it

    def definition(self, language: str) -> str:
        """The meaning in ``it`` or ``en``."""
        return self.definition_en if language == "en" else self.definition_it


@cache
def definitions() -> Mapping[str, Definition]:
    """All figures by name."""
    with FILE.open("rb") as file:
        return {
            name: Definition(**{**entry, "unit": Unit(entry["unit"])})
            for name, entry in tomllib.load(file).items()
        }
