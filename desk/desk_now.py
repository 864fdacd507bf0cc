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


class OnCallState(StrEnum):
    """What a phone does in a call."""

    RINGING = "ringing"
    #: It calls somebody who has not answered yet.
    CALLING = "calling"
    TALKING = "talking"


@dataclass(frozen=True, slots=True)
class OnCall:
    """A phone of ours in a call. ``call`` is Asterisk's name for the whole call."""

    call: str
    extension: str
    state: OnCallState
    since: datetime
    citizen: bool = False
    #: The other phones of ours in the same conversation.
    others: tuple[str, ...] = ()
    #: The place whose talk a supervisor hears with this phone.
    hears: str | None = None


@dataclass(frozen=True, slots=True)
class QueueNow:
    """The queue as it was seen at ``seen_at``: callers waiting, since when the first one, and the phones.

    ``members`` are the desk's phones, ``offices`` the others; ``on_calls`` says who talks with whom.
    """

    seen_at: datetime
    waiting: int
    waiting_since: datetime | None
    members: Mapping[str, Member] = field(default_factory=dict)
    offices: Mapping[str, Member] = field(default_factory=dict)
    on_calls: tuple[OnCall, ...] = ()


def note_queue(session: Session, now: QueueNow) -> None:
    """Keep how the queue stands, in place of what was seen before."""
    session.merge(
        models.DeskNow(
            id=1,
            seen_at=now.seen_at,
            waiting=now.waiting,
            waiting_since=now.waiting_since,
            members=_kept(now.members),
            offices=_kept(now.offices),
            on_calls=[
                {
                    "call": on.call,
                    "extension": on.extension,
                    "state": on.state.value,
                    "since": on.since.isoformat(),
                    "citizen": on.citizen,
                    "with": list(on.others),
                    "hears": on.hears,
                }
                for on in now.on_calls
            ],
        )
    )


def queue_now(session: Session) -> QueueNow | None:
    """How the queue stood when the worker last looked; the reader judges whether that is fresh enough."""
    row = session.get(models.DeskNow, 1)
    if row is None:
        return None
    return QueueNow(
        row.seen_at,
        row.waiting,
        row.waiting_since,
        _read(row.members),
        _read(row.offices),
        tuple(
            OnCall(
                entry["call"],
                entry["extension"],
                OnCallState(entry["state"]),
                datetime.fromisoformat(entry["since"]),
                entry["citizen"],
                tuple(entry["with"]),
                entry.get("hears"),
            )
            for entry in row.on_calls
        ),
    )


def _kept(members: Mapping[str, Member]) -> dict[str, dict[str, str | None]]:
    return {
        extension: {"state": member.state.value, "paused": member.paused}
        for extension, member in members.items()
    }


def _read(kept: Mapping[str, dict[str, str | None]]) -> dict[str, Member]:
    return {
        extension: Member(PhoneState(entry["state"] or ""), entry["paused"])
        for extension, entry in kept.items()
    }
