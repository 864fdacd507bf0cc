"""The call log: every call, and what happened at which node. Written a few times per call, so it is quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Insert, bindparam, select, update
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


class CallEnd(BaseModel):
    """How the dialog of a call ended."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    outcome: str
    language: str
    last_node: str
    at: datetime


class CallRecord(BaseModel):
    """What a dialog has to log: all of it or a part. It can wait in the spool, so it is a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    unique_id: str
    caller: str | None
    called: str | None
    started_at: datetime
    events: tuple[Event, ...] = ()
    end: CallEnd | None = None


def log_call(session: Session, record: CallRecord) -> None:
    """Write a record; writing it again changes nothing."""
    start_call(
        session,
        unique_id=record.unique_id,
        caller=record.caller,
        called=record.called,
        now=record.started_at,
    )
    add_events(session, record.unique_id, record.events)
    if record.end is not None:
        end_call(
            session,
            record.unique_id,
            outcome=record.end.outcome,
            language=record.end.language,
            last_node=record.end.last_node,
            now=record.end.at,
        )


def start_call(
    session: Session, *, unique_id: str, caller: str | None, called: str | None, now: datetime
) -> None:
    """Note that a call began; noting it again changes nothing, save that what was dialled is learnt late."""
    start, _ = _insertions(session.get_bind().dialect.name)
    session.execute(
        start,
        {
            "unique_id": unique_id,
            "caller_e164": caller,
            "called": called[:_CALLED] if called else None,
            "started_at": now,
        },
    )


def add_events(session: Session, unique_id: str, events: Sequence[Event]) -> None:
    """Add events of a call that was started; those that are there already stay as they are."""
    if not events:
        return
    _, add = _insertions(session.get_bind().dialect.name)
    session.execute(
        add,
        [
            {
                "call": unique_id,
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


@cache
def _insertions(dialect: str) -> tuple[Insert, Insert]:
    """A call and its events. Made once: putting a statement together costs more than running it."""
    call_id = select(Call.id).where(Call.unique_id == bindparam("call")).scalar_subquery()
    start = insert(dialect, Call.__table__)
    return (
        # A call that its own record of the exchange told of first, without the number that was dialled.
        start.on_conflict_do_update(
            index_elements=["unique_id"],
            set_={"called": start.excluded.called},
            where=Call.called.is_(None) & start.excluded.called.is_not(None),
        ),
        insert(dialect, CallEvent.__table__)
        .values(call_id=call_id)
        .on_conflict_do_nothing(index_elements=["call_id", "seq"]),
    )


def call_story(session: Session, unique_id: str) -> Call | None:
    """The call with its events in order."""
    return session.scalar(select(Call).where(Call.unique_id == unique_id).options(selectinload(Call.events)))
