"""When phones had somebody wait on hold: noted by the worker while it hears of it, used by the figures."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import PhoneHold

#: Who is on hold for longer was forgotten: what comes then is the end of something else.
LONGEST = timedelta(hours=4)


def note_hold(session: Session, extension: str, *, on: bool, now: datetime) -> None:
    """The phone put somebody on hold, or took them back."""
    open_hold = session.scalars(
        select(PhoneHold)
        .where(
            PhoneHold.extension == extension, PhoneHold.ended_at.is_(None), PhoneHold.began_at > now - LONGEST
        )
        .order_by(PhoneHold.began_at.desc())
        .limit(1)
    ).first()
    if on:
        session.add(PhoneHold(extension=extension, began_at=now))
    elif open_hold is not None:
        open_hold.ended_at = now
