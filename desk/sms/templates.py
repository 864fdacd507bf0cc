"""The texts of messages, by language, each with a version that its messages keep."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from desk.models import Purpose

FOLDER = Path(__file__).with_name("texts")

#: The basic set of GSM 03.38; anything else makes a message one of 70-character parts.
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Characters in one message, and in each of several that are joined.
SINGLE, JOINED = 160, 153


class TemplateError(ValueError):
    """A template is unknown, lacks a value, or does not fit into GSM-7."""


@dataclass(frozen=True, slots=True)
class Template:
    """One text with ``{placeholders}``."""

    name: str
    version: int
    text: str
    #: What the citizen has to have agreed to.
    purpose: Purpose = Purpose.RECEIPTS
    #: Whether it answers the citizen, who waits for it: it goes out in the quiet hours too.
    at_once: bool = True
    #: Whether a landline is told by telephone: the prompt ``voice_notice.said.<name>`` says it.
    voice: bool = True

    def fill(self, values: Mapping[str, str]) -> str:
        """The finished text. Raises :class:`TemplateError`; its message names no value."""
        wanted = {field for _, field, _, _ in string.Formatter().parse(self.text) if field is not None}
        if wanted != set(values):
            raise TemplateError(f"{self.name} needs the values {sorted(wanted)}, not {sorted(values)}")
        filled = self.text.format_map(values)
        if not set(filled) <= GSM_7:
            raise TemplateError(f"{self.name} holds characters that are not in GSM-7")
        return filled


def segments(text: str) -> int:
    """How many messages ``text`` (GSM-7) is sent as."""
    return 1 if len(text) <= SINGLE else -(-len(text) // JOINED)


@cache
def templates(language: str) -> Mapping[str, Template]:
    """The templates of ``language`` by name. Raises :class:`TemplateError` for a language without any."""
    file = FOLDER / f"{language}.toml"
    if not language.isalpha() or not file.exists():
        raise TemplateError(f"there are no messages in {language!r}")
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: _template(name, entry) for name, entry in entries.items()}


def in_euro(amount: Decimal, language: str) -> str:
    """An amount as it is written in messages of ``language``: ``16,52``."""
    return f"{amount:.2f}".replace(".", "," if language == "it" else ".")


@cache
def languages() -> frozenset[str]:
    """The languages that there are messages in."""
    return frozenset(file.stem for file in FOLDER.glob("*.toml"))


def _template(name: str, entry: Mapping[str, Any]) -> Template:
    return Template(
        name,
        int(entry["version"]),
        entry["text"],
        Purpose(entry.get("purpose", Purpose.RECEIPTS)),
        bool(entry.get("at_once", True)),
        bool(entry.get("voice", True)),
    )
