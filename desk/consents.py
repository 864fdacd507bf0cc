"""Consent to being texted: given for one purpose, by one number, in force until withdrawn."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.models import Consent, Purpose

__all__ = ["Purpose", "give_consent", "has_consent", "stop_texts", "withdraw_consent"]


def has_consent(session: Session, e164: str, purpose: Purpose) -> bool:
    """Whether a consent of that number is in force."""
    found = select(Consent.id).where(
        Consent.e164 == e164, Consent.purpose == purpose, Consent.withdrawn_at.is_(None)
    )
    return session.scalar(found.limit(1)) is not None


def give_consent(
    session: Session,
    *,
    e164: str,
    citizen_id: int | None,
    purpose: Purpose,
    text_version: str,
    how: str,
    by: str,
    now: datetime,
) -> None:
    """Note a consent with its proof: which text, how and by whom. One in force is kept as it is."""
    if has_consent(session, e164, purpose):
        return
    session.add(
        Consent(
            e164=e164,
            citizen_id=citizen_id,
            purpose=purpose,
            text_version=text_version,
            given_at=now,
            given_how=how,
            given_by=by,
        )
    )
    session.flush()


def withdraw_consent(
    session: Session, *, e164: str, purpose: Purpose, how: str, now: datetime, by: str | None = None
) -> None:
    """End every consent of that number for ``purpose``; the rows stay as proof.

    ``how`` and ``by`` say by what means and by whom, as in :func:`give_consent`.
    """
    session.execute(
        update(Consent)
        .where(Consent.e164 == e164, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=now, withdrawn_how=how, withdrawn_by=by)
    )


def stop_texts(session: Session, *, e164: str, how: str, by: str, now: datetime) -> None:
    """That number wants no more messages, of no kind: said by SMS, at the counter or on the web."""
    for purpose in Purpose:
        withdraw_consent(session, e164=e164, purpose=purpose, how=how, by=by, now=now)
