"""Who answered a number last: a repeat call within days goes to the same operator, if free."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import LONGEST_CALL, Phone, QueueStay, StayOutcome, Tier, unindexed


def last_operator(
    session: Session, caller: str, *, days: int, wrap_up_seconds: int, now: datetime
) -> str | None:
    """The phone of the desk that answered ``caller`` last within ``days``; none for 0 days.

    None either while that phone still has its pause after a call, whoever it was with.
    """
    if not days:
        return None
    extension = session.scalar(
        select(QueueStay.extension)
        .join(Phone, Phone.extension == QueueStay.extension)
        .where(
            QueueStay.caller_e164 == caller,
            unindexed(QueueStay.outcome) == StayOutcome.ANSWERED,
            QueueStay.answered_at >= now - timedelta(days=days),
            QueueStay.entered_at >= now - timedelta(days=days) - LONGEST_CALL,
            Phone.tier != Tier.OFFICE,
        )
        .order_by(QueueStay.answered_at.desc())
        .limit(1)
    )
    if extension is None:
        return None
    pauses = session.scalar(
        select(QueueStay.id)
        .where(
            QueueStay.extension == extension,
            QueueStay.ended_at > now - timedelta(seconds=wrap_up_seconds),
            QueueStay.entered_at >= now - timedelta(days=1),
        )
        .limit(1)
    )
    return None if pauses else extension
