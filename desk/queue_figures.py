"""Figures of the queue that estimates are made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from desk.call_backs import OPEN, is_on_the_line, open_call_back
from desk.models import CALL_BACK_CALL, CallBack, CallBackState, QueueStay, StayOutcome
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


def place_in_queue(
    session: Session, call_unique_id: str, *, since: datetime | None = None, number: str | None = None
) -> int | None:
    """The place of a call among those that wait, 1 for the next one; ``None`` if it is not known to wait.

    Whoever left the queue for an announcement, or is about to come back, keeps the place; a call-back has the
    place of the citizen who asked for it, and whoever waits for one and has called again has the place of the
    call-back. ``since`` is when the caller began to wait: it tells the place of one who was answered and came
    back from a transfer. By ``number`` the caller's own call-back is found.
    """
    own = session.execute(
        select(QueueStay.entered_at, QueueStay.outcome).where(QueueStay.call_unique_id == call_unique_id)
    ).one_or_none()
    began = None
    if own is not None:
        began = own.entered_at if own.outcome is StayOutcome.WAITING else since
    promised = open_call_back(session, number) if number is not None else None
    if promised is not None:
        began = min(began or promised.waiting_since, promised.waiting_since)
    if began is None:
        return None
    theirs = exists().where(
        CallBack.e164 == QueueStay.caller_e164, CallBack.state.in_(OPEN), CallBack.waiting_since < began
    )
    callers = session.scalar(
        select(func.count())
        .select_from(QueueStay)
        .where(
            QueueStay.outcome == StayOutcome.WAITING,
            (QueueStay.entered_at < began) | theirs,
            QueueStay.entered_at > began - FOR_GOOD,
            QueueStay.call_unique_id != call_unique_id,
            ~QueueStay.call_unique_id.startswith(CALL_BACK_CALL),
        )
    )
    call_backs = session.scalar(
        select(func.count())
        .select_from(CallBack)
        .where(
            CallBack.state == CallBackState.QUEUED,
            CallBack.waiting_since < began,
            ~is_on_the_line(),
            ~exists().where(
                QueueStay.call_unique_id == CallBack.channel_id, QueueStay.outcome != StayOutcome.WAITING
            ),
        )
    )
    return 1 + (callers or 0) + (call_backs or 0)
