"""A voice notice whose words a test decides."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from desk.sms.checking import LONGEST
from desk.sms.templates import templates
from ivr.steps import Prompt, prompt
from prompts.catalogue import load_catalogue
from prompts.written_values import to_say
from tests.ivr.deciding import Decided, Pick, first


@cache
def all_notices() -> tuple[Prompt, ...]:
    """Every message that a landline can be told, as it is said."""
    catalogue = load_catalogue(Path())
    said = (f"voice_notice.said.{text.name}" for text in templates("it").values() if text.voice)
    return tuple(prompt(key, **to_say(catalogue.placeholders("it", key), LONGEST)) for key in said)


class DecidedNotice(Decided):
    """:class:`ivr.voice_notice.Notice`, decided; what was noted is kept."""

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.noted: list[str] = []

    def said(self) -> Prompt:
        return self.one("said", *all_notices())

    def heard(self) -> None:
        self.noted.append("heard")

    def refuse(self) -> None:
        self.noted.append("refused")
