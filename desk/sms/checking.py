"""The linter of the messages' texts: what goes wrong, and what would go right."""

from __future__ import annotations

import string
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desk.models import Purpose
from desk.sms.templates import FOLDER, GSM_7, segments

#: More parts than this are too dear and too long to read.
MOST_PARTS = 2
#: The longest that is written into each placeholder; what is not here counts as so many letters.
LONGEST: Mapping[str, str] = {
    "ref": "12345678",
    "day": "31/12/2026",
    "due": "31/12/2026",
    "position": "100",
    "time": "10:20",
    "place": "Municipio, Sportello SpazioPiù",
    "number": "+390200000100",
    "key": "2",
    "fee": "1022,21",
    "amount": "1022,21",
    "notice": "3" * 18,
    "validity": "50 years from age 70, 10 from 18, 5 from 3, 3 below 3",
    "hours": ", ".join(["lun 10:00-12:45 16:00-19:45"] * 5),
}
UNKNOWN_LENGTH = 30

#: What to write for characters that have no plain letter below them.
_PROPOSALS = {
    **dict.fromkeys("‘’ʼ`´", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("‐‑‒–—―", "-"),
    "…": "...",
    "€": "euro",
    "\u00a0": " ",
    "È": "E'",
    "À": "A'",
    "Ì": "I'",
    "Ò": "O'",
    "Ù": "U'",
    "•": "-",
}
_KEYS = {"version", "text", "purpose", "at_once", "voice"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a text, and how to mend it."""

    language: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Length:
    """How long a message gets with the longest values, and in how many parts it goes."""

    language: str
    name: str
    version: int
    characters: int
    parts: int


def check(folder: Path = FOLDER) -> tuple[Sequence[Length], Sequence[Problem]]:
    """The lengths of all texts in ``folder`` (one file per language), and every problem."""
    files = {
        file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.toml"))
    }
    lengths, problems = [], list(_differences(files))
    for language, entries in files.items():
        for name, entry in entries.items():
            found = list(_wrong(entry))
            problems += [Problem(language, name, reason) for reason in found]
            if not found:
                lengths.append(_length(language, name, entry))
    problems += [
        Problem(length.language, length.name, f"goes in {length.parts} parts, {MOST_PARTS} are the most")
        for length in lengths
        if length.parts > MOST_PARTS
    ]
    return lengths, problems


def proposal(character: str) -> str:
    """What to write instead of a character that GSM-7 lacks; empty if nothing comes to mind."""
    known = _PROPOSALS.get(character)
    if known is not None:
        return known
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return plain if set(plain) <= GSM_7 else ""


def _wrong(entry: Mapping[str, Any]) -> Iterator[str]:
    text, version = entry.get("text"), entry.get("version")
    if not isinstance(text, str) or not text.strip():
        yield "has no text"
        return
    if not isinstance(version, int) or version < 1:
        yield "needs a version, a number from 1"
    for key in sorted(set(entry) - _KEYS):
        yield f"{key} means nothing here"
    if entry.get("purpose", Purpose.RECEIPTS) not in set(Purpose):
        yield f"purpose is one of {', '.join(Purpose)}"
    for character in sorted(set(text) - GSM_7 - set("{}")):
        instead = proposal(character)
        yield (
            f"{character!r} is not in GSM-7 and makes parts of 70 characters"
            f"{f': write {instead!r}' if instead else ''}"
        )
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError as e:
        yield f"its braces are wrong: {e}"
        return
    for _, field, form, conversion in fields:
        if field is not None and (not field.isidentifier() or form or conversion):
            yield f"{{{field}}} is no plain placeholder"


def _length(language: str, name: str, entry: Mapping[str, Any]) -> Length:
    fields = _fields(entry["text"])
    filled = entry["text"].format_map({field: LONGEST.get(field, "x" * UNKNOWN_LENGTH) for field in fields})
    return Length(language, name, entry["version"], len(filled), segments(filled))


def _differences(files: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Problem]:
    """What one language has and another lacks."""
    for name in sorted({name for entries in files.values() for name in entries}):
        having = {language: entries[name] for language, entries in files.items() if name in entries}
        for language in sorted(set(files) - set(having)):
            yield Problem(language, name, "is missing")
        first, *others = having
        for language in others:
            ours, theirs = having[language], having[first]
            if _fields(ours.get("text", "")) != _fields(theirs.get("text", "")):
                yield Problem(language, name, f"has other placeholders than in {first!r}")
            for key in ("purpose", "at_once", "voice"):
                if ours.get(key) != theirs.get(key):
                    yield Problem(language, name, f"{key} is another one than in {first!r}")


def _fields(text: str) -> set[str]:
    try:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    except ValueError:
        return set()
