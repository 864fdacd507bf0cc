"""What operators read on the pages, by key and language. Italian is the language of first resort."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Self


class Language(StrEnum):
    """The languages of the pages; the first one is used until the operator switches."""

    ITALIAN = "it"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of all languages: dotted key → text with ``{name}`` placeholders."""

    by_language: Mapping[Language, Mapping[str, str]]

    @classmethod
    def read(cls) -> Self:
        """Read the TOML files in the folder of each language, one per topic."""
        return cls({language: _texts_in(language) for language in Language})

    def say(self, language: Language, key: str, **values: object) -> str:
        """The text of ``key``, filled in. An unknown key is a programming error: ``KeyError``."""
        return self.by_language[language][key].format(**values)

    def group(self, language: Language, *groups: str) -> dict[str, str]:
        """All texts of these groups, by key, not filled in: for a page's script."""
        wanted = tuple(f"{group}." for group in groups)
        return {key: text for key, text in self.by_language[language].items() if key.startswith(wanted)}

    def label(self, language: Language, group: str, code: str) -> str:
        """The name of a value kept as data. A code the town added without a text of ours shows itself."""
        return self.by_language[language].get(f"{group}.{code}", code)


@cache
def _texts_in(language: Language) -> Mapping[str, str]:
    return MappingProxyType(_flat(_toml(language)))


def _toml(language: Language) -> Mapping[str, object]:
    """All topics of a language as one table: a group of keys may stand in one file only."""
    whole: dict[str, object] = {}
    for file in sorted(files(__name__).joinpath(language).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        topic = tomllib.loads(file.read_text(encoding="utf-8"))
        if twice := whole.keys() & topic.keys():
            raise ValueError(f"{language}/{file.name} repeats a group of another file: {', '.join(twice)}")
        whole |= topic
    return whole


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = str(value)
    return flat
