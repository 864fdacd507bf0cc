"""The sentences of the telephone in the town's own words, as managers write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import PromptText
from desk.town_changes import note_change


def own_texts(session: Session) -> Mapping[str, Mapping[str, str]]:
    """The town's own texts by language and key."""
    found: dict[str, dict[str, str]] = {}
    for row in session.scalars(select(PromptText)):
        found.setdefault(row.language, {})[row.key] = row.text
    return found


def reword(session: Session, language: str, key: str, text: str, *, by: str, now: datetime) -> bool:
    """Let ``text`` be said for ``key``; whether it is another one. It was checked before.

    (:func:`prompts.catalogue.in_own_words` says what fits.)
    """
    row = session.get(PromptText, (language, key), with_for_update=True)
    before = row.text if row else None
    if before == text:
        return False
    if row is None:
        row = PromptText(language=language, key=key, text=text, changed_at=now, changed_by=by)
        session.add(row)
    row.text, row.changed_at, row.changed_by = text, now, by
    session.flush()
    _note(session, language, key, before, text, by, now)
    return True


def take_back(session: Session, language: str, key: str, *, by: str, now: datetime) -> bool:
    """Let the text that came with the program be said again; whether there was another."""
    row = session.get(PromptText, (language, key), with_for_update=True)
    if row is None:
        return False
    before = row.text
    session.delete(row)
    session.flush()
    _note(session, language, key, before, None, by, now)
    return True


def note_recording(session: Session, language: str, key: str, *, there: bool, by: str, now: datetime) -> None:
    """Note that a recording of a sound was put in place, or removed."""
    note_change(
        session,
        by=by,
        what="prompt_recordings",
        which=f"{language}/{key}",
        before={"recorded": not there},
        after={"recorded": there},
        now=now,
    )


def _note(
    session: Session,
    language: str,
    key: str,
    before: str | None,
    after: str | None,
    by: str,
    now: datetime,
) -> None:
    note_change(
        session,
        by=by,
        what="prompt_texts",
        which=f"{language}/{key}",
        before=None if before is None else {"text": before},
        after=None if after is None else {"text": after},
        now=now,
    )
