"""Opening and closing the desk by hand, from a phone that may do so."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from desk.db import one_at_a_time
from desk.models import Override, WrongPin

#: After so many wrong PINs within this time a phone is locked out until the time has passed.
WRONG_PINS = 3
LOCK_OUT = timedelta(minutes=15)


def override_hours(session: Session, *, opened: bool, until: datetime, by: str, now: datetime) -> Override:
    """Open or close the desk until then, in place of any earlier override. ``by`` is a phone's extension."""
    one_at_a_time(session, "override")
    return_to_hours(session, by=by, now=now)
    override = Override(open=opened, set_at=now, set_by=by, until=until)
    session.add(override)
    session.flush()
    return override


def return_to_hours(session: Session, *, by: str, now: datetime) -> None:
    """Let the normal hours count again."""
    session.execute(
        update(Override).where(Override.cleared_at.is_(None)).values(cleared_at=now, cleared_by=by)
    )


def note_wrong_pin(session: Session, extension: str, now: datetime) -> None:
    """Count a wrong PIN."""
    session.add(WrongPin(extension=extension, at=now))


def is_locked_out(session: Session, extension: str, now: datetime) -> bool:
    """Whether that phone typed too many wrong PINs."""
    recent = select(func.count()).where(WrongPin.extension == extension, WrongPin.at > now - LOCK_OUT)
    return session.execute(recent).scalar_one() >= WRONG_PINS
