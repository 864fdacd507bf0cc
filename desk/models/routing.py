"""Where calls go: the rules of the queue, what the queue recorded, and how the desk does now."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set


class RoutingRules(Base):
    """How the queue treats callers and operators: one row. Times are in seconds unless named otherwise."""

    __tablename__ = "routing_rules"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    #: After a call an operator's phone does not ring for this long.
    wrap_up_seconds: Mapped[int] = mapped_column(default=10)
    #: Between two announcements of the expected wait.
    announce_seconds: Mapped[int] = mapped_column(default=45)
    #: A caller who has waited for this long is offered to be called back.
    call_back_after_seconds: Mapped[int] = mapped_column(default=60)
    #: The longest that anybody is kept waiting before a message is taken.
    longest_wait_seconds: Mapped[int] = mapped_column(default=900)
    #: A repeat call within so many days goes to the same operator, if free; 0 switches it off.
    same_operator_days: Mapped[int] = mapped_column(default=7)
    #: Whether callers are asked a question after the operator has hung up.
    survey: Mapped[bool] = mapped_column(default=False)
    #: Whether calls with operators are recorded (announced), and how many days a recording is kept.
    record_calls: Mapped[bool] = mapped_column(default=False)
    recordings_days: Mapped[int] = mapped_column(default=30)
    #: Who hangs up sooner than this in the queue is not counted as lost.
    short_abandon_seconds: Mapped[int] = mapped_column(default=5, server_default="5")


#: The lines of the queue that tell of pauses. Literal: a condition with parameters finds no partial index.
PAUSES = text("event IN ('PAUSE', 'UNPAUSE')")


class QueueEvent(Base):
    """A line of Asterisk's ``queue_log``, as it was written. Read once, whatever is restarted meanwhile."""

    __tablename__ = "queue_events"
    __table_args__ = (
        UniqueConstraint("source", "position"),
        Index(None, "call_unique_id"),
        # Few of the lines: how long phones were paused is asked for months.
        Index("ix_queue_events_pauses", "at", sqlite_where=PAUSES, postgresql_where=PAUSES),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The file it stood in (its identity, not its name, which a rotation changes), and where (bytes).
    source: Mapped[str] = mapped_column(String(80))
    position: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)
    call_unique_id: Mapped[str] = mapped_column(String(80))
    queue: Mapped[str] = mapped_column(String(40))
    #: The member's name (a phone's extension), or ``NONE``.
    agent: Mapped[str] = mapped_column(String(80))
    event: Mapped[str] = mapped_column(String(40))
    #: What the event carries, in its own order.
    data: Mapped[list[str]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))


class CallLeg(Base):
    """A line of Asterisk's call detail records (CDR): one leg of a call. Read once, too."""

    __tablename__ = "call_legs"
    __table_args__ = (UniqueConstraint("source", "position"), Index(None, "linked_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(80))
    position: Mapped[int]
    #: The channel's name of its own, and that of the call it belongs to.
    unique_id: Mapped[str] = mapped_column(String(80), index=True)
    linked_id: Mapped[str] = mapped_column(String(80))
    caller: Mapped[str] = mapped_column(String(80))
    dialled: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str] = mapped_column(String(80))
    other_channel: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime]
    #: Asterisk's own word: ``ANSWERED``, ``NO ANSWER``, ``BUSY``, ``FAILED``, ``CONGESTION``.
    disposition: Mapped[str] = mapped_column(String(20))


class IngestPosition(Base):
    """How far a file of Asterisk's was read."""

    __tablename__ = "ingest_positions"

    #: The identity of the file.
    source: Mapped[str] = mapped_column(String(80), primary_key=True)
    position: Mapped[int]
    read_at: Mapped[datetime]


class StayOutcome(StrEnum):
    """What became of a caller in the queue."""

    WAITING = "waiting"
    ANSWERED = "answered"
    #: The caller hung up.
    ABANDONED = "abandoned"
    #: Nobody answered: a message, a call-back or a request took the place of a person.
    UNANSWERED = "unanswered"


class QueueStay(Base):
    """A call's stay in the queue, from the first entry to its end: derived from :class:`QueueEvent`.

    A caller who leaves the queue for an announcement and comes back is in one stay.
    """

    __tablename__ = "queue_stays"
    __table_args__ = (
        Index(None, "outcome", "entered_at"),
        Index(None, "caller_e164", "entered_at"),
        Index(None, "entered_at"),
        Index(None, "extension", "entered_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_unique_id: Mapped[str] = mapped_column(String(80), unique=True)
    caller_e164: Mapped[str | None] = mapped_column(String(16))
    entered_at: Mapped[datetime]
    #: How many were in the queue at the entry, this one included.
    position: Mapped[int | None]
    outcome: Mapped[StayOutcome] = mapped_column(closed_set(StayOutcome))
    answered_at: Mapped[datetime | None]
    #: The phone that answered.
    extension: Mapped[str | None] = mapped_column(String(8))
    ended_at: Mapped[datetime | None]
    #: To whom the operator handed the call, and how (``blind``, ``attended``).
    transferred_to: Mapped[str | None] = mapped_column(String(40))
    transferred_how: Mapped[str | None] = mapped_column(String(12))


class DeskNow(Base):
    """How the queue stands now, as the worker last saw it: one row."""

    __tablename__ = "desk_now"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    seen_at: Mapped[datetime]
    #: Callers in the queue, and when the one who has waited longest entered it.
    waiting: Mapped[int]
    waiting_since: Mapped[datetime | None]
    #: By extension: ``{"201": {"state": "free", "paused": null}}``. A state is ``free``, ``ringing``,
    #: ``busy`` or ``unreachable``; ``paused`` is the reason of a pause.
    members: Mapped[dict[str, Any]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    #: The same of the offices' phones.
    offices: Mapped[dict[str, Any]] = mapped_column(
        JSON().with_variant(JSONB(), "postgresql"), server_default="{}"
    )
    #: Who is on which call: ``[{"call": "1795547114.0", "extension": "201", "state": "talking",
    #: "since": "2026-11-24T09:00:00+00:00", "citizen": true, "with": ["102"]}]``. A state is ``ringing``,
    #: ``calling`` or ``talking``.
    on_calls: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON().with_variant(JSONB(), "postgresql"), server_default="[]"
    )
