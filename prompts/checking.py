"""Proves the catalogue: the texts before a release, and at every start that no sound is missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from prompts.catalogue import SUFFIXES, Catalogue
from prompts.rendering import RECORDED, Problem, has_sound

#: No caller listens longer than this without a choice.
LONGEST = 20.0


def missing_sounds(catalogue: Catalogue) -> list[Path]:
    """The sound files that a dialog could play but that are not there (or empty). Quick: for every start."""
    expected = (
        (path.with_name(path.name + suffix) for suffix in SUFFIXES)
        for path in map(catalogue.path, catalogue.all_sounds())
    )
    return [file for files in expected for file in files if not has_sound(file)]


def check(catalogue: Catalogue, *, recorded: Path = RECORDED, sounds: bool = True) -> list[Problem]:
    """Everything that is wrong with the texts and their sounds; nothing is wrong when the list is empty.

    With ``sounds`` false, only the texts are looked at: before a release nothing need be rendered.
    Entries that cannot even be read are refused by :func:`prompts.catalogue.load_catalogue`.
    """
    return [
        *_differences(catalogue),
        *_too_long(catalogue),
        *_idle_recordings(catalogue, recorded),
        *(_missing(catalogue) if sounds else ()),
    ]


def _missing(catalogue: Catalogue) -> Iterator[Problem]:
    # Before the first rendering all of them are: one line for each language says enough.
    missing = missing_sounds(catalogue)
    for language, files in groupby(missing, key=lambda file: file.parent.name):
        names = [file.name for file in files]
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Problem(language, names[0], f"this sound{others} missing: run centralino prompts render")


def _differences(catalogue: Catalogue) -> Iterator[Problem]:
    first, *others = catalogue.languages
    for language in others:
        here, there = set(catalogue.keys(first)), set(catalogue.keys(language))
        for key in sorted(here - there):
            yield Problem(language, key, f"missing, but {first} has it")
        for key in sorted(there - here):
            yield Problem(first, key, f"missing, but {language} has it")
        for key in sorted(here & there):
            if catalogue.placeholders(first, key) != catalogue.placeholders(language, key):
                yield Problem(language, key, f"other placeholders than in {first}")


def _too_long(catalogue: Catalogue) -> Iterator[Problem]:
    for language in catalogue.languages:
        for key in catalogue.keys(language):
            seconds = catalogue.seconds(language, key)
            if seconds > LONGEST:
                yield Problem(language, key, f"{seconds:.0f} s long; at most {LONGEST:.0f} s")


def _idle_recordings(catalogue: Catalogue, recorded: Path) -> Iterator[Problem]:
    spoken = {(sound.language, sound.key) for sound in catalogue.all_sounds() if not sound.silence}
    for file in sorted(recorded.glob("*/*")):
        if file.suffix != ".wav" or (file.parent.name, file.stem) not in spoken:
            yield Problem(file.parent.name, file.name, "a recording that no prompt uses")
