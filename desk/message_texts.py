"""Trying a message's text out, and writing a new version of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import MessageText
from desk.sms.checking import LONGEST, MOST_PARTS, UNKNOWN_LENGTH, proposal
from desk.sms.own_texts import fields_of, template_of
from desk.sms.templates import GSM_7, segments, templates
from desk.town_changes import note_change


@dataclass(frozen=True, slots=True)
class Looked:
    """What a text would be like: with the longest values, and what is wrong with it."""

    preview: str
    characters: int
    parts: int
    #: Characters that GSM-7 lacks, and what to write instead (empty if nothing comes to mind).
    foreign: Mapping[str, str]
    #: The placeholders that it has to have, where it has others; else ``None``.
    wanted: Sequence[str] | None

    @property
    def usable(self) -> bool:
        """Whether it may be sent."""
        return not self.foreign and self.wanted is None and self.parts <= MOST_PARTS


def look_at(name: str, language: str, text: str) -> Looked:
    """Try a text out. Raises ``KeyError`` for a name that is unknown."""
    usual = fields_of(templates(language)[name].text)
    fields = fields_of(text)
    foreign = {each: proposal(each) for each in sorted(set(text) - GSM_7 - set("{}"))}
    if fields is None or fields != usual:
        return Looked(text, len(text), segments(text), foreign, sorted(usual or ()))
    filled = text.format_map({field: LONGEST.get(field, "x" * UNKNOWN_LENGTH) for field in fields})
    return Looked(filled, len(filled), segments(filled), foreign, None)


def write_text(session: Session, name: str, language: str, text: str, *, by: str, now: datetime) -> bool:
    """Let ``text`` be a new version of the message; an empty one brings ours back. Whether it is another.

    Raises ``ValueError`` for a text that :func:`look_at` finds unusable, ``KeyError`` for an unknown name.
    """
    usual = templates(language)[name]
    if text and not look_at(name, language, text).usable:
        raise ValueError(f"the text of {name} cannot be sent")
    before = template_of(session, name, language)
    text = "" if text == usual.text else text
    if (text or usual.text) == before.text:
        return False
    last = session.scalar(
        select(func.max(MessageText.version)).where(
            MessageText.name == name, MessageText.language == language
        )
    )
    version = max(last or 0, usual.version) + 1
    session.add(
        MessageText(language=language, name=name, version=version, text=text, written_at=now, written_by=by)
    )
    session.flush()
    note_change(
        session,
        by=by,
        what="message_texts",
        which=f"{language}/{name}",
        before={"version": before.version, "text": before.text},
        after={"version": version, "text": text or usual.text},
        now=now,
    )
    return True
