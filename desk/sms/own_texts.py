"""Messages in the town's own words: which text is in use."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import MessageText
from desk.sms.templates import Template, languages, templates


def template_of(session: Session, name: str, language: str) -> Template:
    """The text in use: the town's newest, or ours. A language without messages has the Italian ones.

    Raises ``KeyError`` for a name that is unknown.
    """
    language = language if language in languages() else "it"
    usual = templates(language)[name]
    own = own_text(session, name, language)
    # A new version of the program may say other values; an old text of the town cannot.
    if own is None or not own.text or fields_of(own.text) != fields_of(usual.text):
        return usual
    return replace(usual, version=own.version, text=own.text)


def own_text(session: Session, name: str, language: str) -> MessageText | None:
    """The newest row about a text of the town's; an empty text says that ours is back."""
    return session.scalar(
        select(MessageText)
        .where(MessageText.name == name, MessageText.language == language)
        .order_by(MessageText.version.desc())
        .limit(1)
    )


def versions(session: Session, name: str, language: str) -> Sequence[MessageText]:
    """All versions that the town wrote, the newest first."""
    return session.scalars(
        select(MessageText)
        .where(MessageText.name == name, MessageText.language == language)
        .order_by(MessageText.version.desc())
    ).all()


def fields_of(text: str) -> set[str] | None:
    """The placeholders; ``None`` where the braces are wrong or a placeholder is no plain one."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        return None
    if any(field is not None and (not field.isidentifier() or form or how) for _, field, form, how in parsed):
        return None
    return {field for _, field, _, _ in parsed if field is not None}
