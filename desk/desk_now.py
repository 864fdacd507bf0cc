"""How the queue stands now: written by the worker, read by whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from desk import models


class PhoneState(StrEnum):
    """What a phone of the desk does."""

    FREE = "free"
    RINGING = "ringing"
    BUSY = "busy"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Member:
    """An operator's phone in the queue; ``paused`` is the reason of a pause, or ``None``."""

    state: PhoneState
    paused: str | None = None


@dataclass(frozen=True, slots=True)
class QueueNow:
    """The queue as it was seen at ``seen_at``: callers waiting, since when the first one, and the phones."""

    seen_at: datetime
    waiting: int
    waiting_since: datetime | None
    members: Mapping[str, Member] = field(default_factory=dict)


def note_queue(session: Session, now: QueueNow) -> None:
    """Keep how the queue stands, in place of what was seen before."""
    session.merge(
        models.DeskNow(
            id=1,
            seen_at=now.seen_at,
            waiting=now.waiting,
            waiting_since=now.waiting_since,
            members={
                extension: {"state": member.state.value, "paused": member.paused}
                for extension, member in now.members.items()
            },
        )
    )


def queue_now(session: Session) -> QueueNow | None:
    """How the queue stood when the worker last looked; the reader judges whether that is fresh enough."""
    row = session.get(models.DeskNow, 1)
    if row is None:
        return None
    members = {
        extension: Member(PhoneState(entry["state"]), entry["paused"])
        for extension, entry in row.members.items()
    }
    return QueueNow(row.seen_at, row.waiting, row.waiting_since, members)
