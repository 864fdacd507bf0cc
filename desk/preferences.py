"""How the callers of a number like to be spoken to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import CallerPreference


def language_of(session: Session, e164: str) -> str | None:
    """The language chosen in an earlier call of that number."""
    return session.scalar(select(CallerPreference.language).where(CallerPreference.e164 == e164))


def is_slow(session: Session, e164: str) -> bool:
    """Whether a caller from that number ran out of time before."""
    return bool(session.scalar(select(CallerPreference.slow).where(CallerPreference.e164 == e164)))


def remember_slow(session: Session, e164: str, language: str, now: datetime) -> None:
    """Give callers from that number more time from now on; ``language`` is kept if none was."""
    values = {"slow": True, "updated_at": now}
    session.execute(
        insert(session.get_bind().dialect.name, CallerPreference.__table__)
        .values(e164=e164, language=language, **values)
        .on_conflict_do_update(index_elements=["e164"], set_=values)
    )


def remember_language(session: Session, e164: str, language: str, now: datetime) -> None:
    """Keep ``language`` for the next call of that number."""
    values = {"language": language, "updated_at": now}
    session.execute(
        insert(session.get_bind().dialect.name, CallerPreference.__table__)
        .values(e164=e164, slow=False, **values)
        .on_conflict_do_update(index_elements=["e164"], set_=values)
    )
