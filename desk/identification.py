"""Who is calling? What a caller types on the keypad against the register, with limits on guessing."""

from __future__ import annotations

from datetime import date, datetime

from codicefiscale import codicefiscale
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.calendar import day_of
from desk.citizens import citizens_with_number
from desk.models import Citizen, IdentificationAttempt

#: Callers who withhold their number share one pool of tries, this many times as large as one number's.
WITHHELD_POOL = 5


def load_tables() -> None:
    """Load what checking a tax code needs: a third of a second that no caller should have to wait for.

    Asterisk drops the keys that a caller presses while the AGI server is busy.
    """
    codicefiscale.is_valid("CLMGLI80C55F205N")


def identify_by_birth_date(session: Session, *, caller: str | None, born: date) -> Citizen | None:
    """The one citizen with the calling number who was born on ``born``; ``None`` if nobody, or two, are."""
    if caller is None:
        return None
    found = [citizen for citizen in citizens_with_number(session, caller) if citizen.birth_date == born]
    return found[0] if len(found) == 1 else None


def identify_by_tax_code_keys(session: Session, *, keys: str) -> Citizen | None:
    """The one citizen of the register whose tax code is typed with these 16 keys."""
    matching = session.scalars(select(Citizen).where(Citizen.tax_code_keys == keys)).all()
    # Several letters lie on one key, so two codes can share a pattern; their check characters decide first.
    found = [citizen for citizen in matching if codicefiscale.is_valid(citizen.tax_code)]
    return found[0] if len(found) == 1 else None


def note_failed_identification(session: Session, caller: str | None, now: datetime) -> None:
    """Count a failed try of ``caller`` (E.164, or ``None`` for a withheld number)."""
    session.add(IdentificationAttempt(caller=caller, at=now))


def tries_left(session: Session, caller: str | None, *, limit: int, now: datetime) -> int:
    """How many tries ``caller`` has left on this day of Rome's calendar; never negative."""
    begin, end = day_of(now)
    used = session.scalar(
        select(func.count())
        .select_from(IdentificationAttempt)
        .where(
            IdentificationAttempt.caller.is_(None)
            if caller is None
            else IdentificationAttempt.caller == caller,
            IdentificationAttempt.at >= begin,
            IdentificationAttempt.at < end,
        )
    )
    return max(0, limit * (WITHHELD_POOL if caller is None else 1) - (used or 0))
