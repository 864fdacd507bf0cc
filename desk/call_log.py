"""The call log: every call, and what happened at which node. Written a few times per call, so it is quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from desk.db import insert
from desk.models import Call, CallEvent, CallOutcome

#: What fits into the columns; longer details are cut, a log must not refuse anything.
_DETAIL, _CALLED = 200, 40


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at ``node``; ``seq`` orders the events of one call. ``detail`` is never secret."""

    seq: int
    node: str
    event: str
    detail: str
    at: datetime


def start_call(
    session: Session, *, unique_id: str, caller: str | None, called: str | None, now: datetime
) -> None:
    """Note that a call began; noting it again changes nothing."""
    session.execute(
        insert(session, Call.__table__)
        .values(
            unique_id=unique_id,
            caller_e164=caller,
            called=called[:_CALLED] if called else None,
            started_at=now,
        )
        .on_conflict_do_nothing(index_elements=["unique_id"])
    )


def add_events(session: Session, unique_id: str, events: Sequence[Event]) -> None:
    """Add events of a call that was started; those that are there already stay as they are."""
    if not events:
        return
    call_id = select(Call.id).where(Call.unique_id == unique_id).scalar_subquery()
    session.execute(
        insert(session, CallEvent.__table__)
        .values(call_id=call_id)
        .on_conflict_do_nothing(index_elements=["call_id", "seq"]),
        [
            {
                "seq": event.seq,
                "node": event.node,
                "event": event.event,
                "detail": event.detail[:_DETAIL],
                "at": event.at,
            }
            for event in events
        ],
    )


def end_call(
    session: Session, unique_id: str, *, outcome: str, language: str, last_node: str, now: datetime
) -> None:
    """Note how the dialog of a call that was started ended."""
    session.execute(
        update(Call)
        .where(Call.unique_id == unique_id)
        .values(ended_at=now, outcome=CallOutcome(outcome), language=language, last_node=last_node)
        .execution_options(synchronize_session=False)
    )


def call_story(session: Session, unique_id: str) -> Call | None:
    """The call with its events in order."""
    return session.scalar(select(Call).where(Call.unique_id == unique_id).options(selectinload(Call.events)))
