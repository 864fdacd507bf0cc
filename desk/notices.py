"""Emergency notices of the town: water off, snow. Set, with an expiry, by an authorised person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.models import Notice, Operator
from desk.permissions import Permission, roles_that_may
from desk.settings import Settings

#: Who may speak to every caller.
AUTHORISED = roles_that_may(Permission.SET_NOTICES)
LANGUAGES = ("it", "en")


class NotAuthorised(ValueError):
    """The log-in is unknown, not active, or has no right to set notices."""


def set_notice(
    session: Session, *, texts: dict[str, str], expires_at: datetime, by: str, now: datetime
) -> Notice:
    """Put a notice in force from now until ``expires_at``.

    Args:
        session: a transaction.
        texts: language to text, for the voice; a language without one has a recording or is silent.
        expires_at: in the future.
        by: log-in of an authorised person.
        now: the time.

    Raises:
        NotAuthorised: see there.
        ValueError: it would have expired already.
    """
    _authorised(session, by)
    if expires_at <= now:
        raise ValueError("the notice would have expired already")
    notice = Notice(
        text_it=texts.get("it"), text_en=texts.get("en"), set_at=now, set_by=by, expires_at=expires_at
    )
    session.add(notice)
    session.flush()
    return notice


def clear_notices(session: Session, *, by: str, now: datetime) -> int:
    """End all notices in force; returns how many. Raises :class:`NotAuthorised`."""
    _authorised(session, by)
    in_force = [notice.id for notice in notices_in_force(session, now=now)]
    session.execute(
        update(Notice)
        .where(Notice.id.in_(in_force))
        .values(cleared_at=now, cleared_by=by)
        .execution_options(synchronize_session=False)
    )
    return len(in_force)


def notices_in_force(session: Session, *, now: datetime) -> Sequence[Notice]:
    """The notices that callers hear, the newest first."""
    return session.scalars(
        select(Notice).where(Notice.expires_at > now, Notice.cleared_at.is_(None)).order_by(Notice.id.desc())
    ).all()


def sound_of(settings: Settings, notice: int, language: str) -> Path:
    """The 8 kHz sound of a notice. It is there once it has been rendered or recorded, and then whole."""
    return settings.home.resolve() / "notices" / f"{notice}-{language}.wav"


def _authorised(session: Session, login: str) -> None:
    role = session.scalar(select(Operator.role).where(Operator.login == login, Operator.active))
    if role not in AUTHORISED:
        raise NotAuthorised("only an active supervisor, manager or administrator may do that")
