"""Sentences that there are as many of as the town has things: one for each code of its own data.

A town that adds a course or a category of reports writes these on the page of its sentences; until every
language has all of them, the telephone does not offer the new thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompts.catalogue import Catalogue

#: What is spoken of each thing, by what it is: ``<group>.<code>`` is the sentence.
SERVICES = ("appointments.service", "appointments.name", "appointments.where")
COURSES = ("courses.course", "courses.name")
ROOMS = ("rooms.name",)
REPORTS = ("report.category",)

_GROUPS = frozenset({*SERVICES, *COURSES, *ROOMS, *REPORTS})


def is_name(key: str) -> bool:
    """Whether ``key`` is a sentence of something that a town can add."""
    return key.rpartition(".")[0] in _GROUPS


def missing_names(catalogue: Catalogue, groups: Sequence[str], code: str) -> Sequence[str]:
    """The keys of ``code`` that a language lacks."""
    return sorted(
        {
            f"{group}.{code}"
            for group in groups
            for language in catalogue.languages
            if not catalogue.has(language, f"{group}.{code}")
        }
    )


def sayable(catalogue: Catalogue, groups: Sequence[str], codes: Iterable[str]) -> tuple[str, ...]:
    """Those of ``codes`` that the telephone has all words for."""
    return tuple(code for code in codes if not missing_names(catalogue, groups, code))
