"""Figures of the queue that estimates are made of."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import QueueStay, StayOutcome
from desk.queue_history import FOR_GOOD


def recent_talks(session: Session, most: int) -> Sequence[float]:
    """How long the latest conversations with callers lasted (seconds), the latest first."""
    rows = session.execute(
        select(QueueStay.answered_at, QueueStay.ended_at)
        .where(
            QueueStay.outcome == StayOutcome.ANSWERED,
            QueueStay.answered_at.is_not(None),
            QueueStay.ended_at.is_not(None),
        )
        .order_by(QueueStay.entered_at.desc())
        .limit(most)
    ).all()
    return [(ended - answered).total_seconds() for answered, ended in rows if answered and ended]


def place_in_queue(session: Session, call_unique_id: str) -> int | None:
    """The place of a call among those that wait, 1 for the next one; ``None`` if it is not known to wait.

    Whoever left the queue for an announcement, or is about to come back, keeps the place.
    """
    own = session.scalar(
        select(QueueStay.entered_at).where(
            QueueStay.call_unique_id == call_unique_id, QueueStay.outcome == StayOutcome.WAITING
        )
    )
    if own is None:
        return None
    before = session.scalar(
        select(func.count())
        .select_from(QueueStay)
        .where(
            QueueStay.outcome == StayOutcome.WAITING,
            QueueStay.entered_at < own,
            QueueStay.entered_at > own - FOR_GOOD,
        )
    )
    return 1 + (before or 0)
