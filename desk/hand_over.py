"""What a caller did before a person took over: for the operator's screen and for lost calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import HandOver, QueueStay

#: Characters that a phone's display shows.
DISPLAY = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What was chosen or typed at a node; never anything secret."""

    node: str
    answer: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """All that is known when a person takes over. ``summary`` is what the display shows: no name, ASCII."""

    call_unique_id: str
    at: datetime
    summary: str
    identified: bool = False
    #: Who was identified.
    citizen_id: int | None = None
    answers: tuple[Answer, ...] = ()
    #: The draft of a request that was not finished.
    draft_key: str | None = None
    #: The office whose own number was dialled.
    office: str | None = None
    recordings: tuple[Path, ...] = ()
    #: Seconds waited for a person, until one answered or until now; ``None`` before the queue.
    waited: int | None = None


def hand_over(session: Session, given: HandedOver) -> None:
    """Keep it, in place of what was kept for the call before."""
    values = {
        "at": given.at,
        "summary": given.summary[:DISPLAY],
        "identified": given.identified,
        "citizen_id": given.citizen_id,
        "answers": [{"node": answer.node, "answer": answer.answer} for answer in given.answers],
        "draft_key": given.draft_key,
        "office": given.office,
        "recordings": [str(path) for path in given.recordings],
    }
    session.execute(
        insert(session.get_bind().dialect.name, HandOver.__table__)
        .values(call_unique_id=given.call_unique_id, **values)
        .on_conflict_do_update(index_elements=["call_unique_id"], set_=values)
    )


def handed_over(session: Session, call_unique_id: str, *, now: datetime) -> HandedOver | None:
    """What was handed over with a call."""
    row = session.get(HandOver, call_unique_id)
    if row is None:
        return None
    return HandedOver(
        row.call_unique_id,
        row.at,
        row.summary,
        row.identified,
        row.citizen_id,
        tuple(Answer(entry["node"], entry["answer"]) for entry in row.answers),
        row.draft_key,
        row.office,
        tuple(map(Path, row.recordings)),
        _waited(session, call_unique_id, now),
    )


def summaries(session: Session, call_unique_ids: Sequence[str]) -> dict[str, str]:
    """What the display showed for each of these calls that were handed over."""
    found = session.execute(
        select(HandOver.call_unique_id, HandOver.summary).where(HandOver.call_unique_id.in_(call_unique_ids))
    )
    return dict(iter(found))


def _waited(session: Session, call_unique_id: str, now: datetime) -> int | None:
    stay = session.scalar(select(QueueStay).where(QueueStay.call_unique_id == call_unique_id))
    if stay is None:
        return None
    return max(0, int(((stay.answered_at or stay.ended_at or now) - stay.entered_at).total_seconds()))
