"""Telephone calls and what happened in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set


class CallOutcome(StrEnum):
    """How the dialog with a caller ended."""

    DONE = "done"
    OPERATOR = "operator"
    MESSAGE = "message"
    HUNG_UP = "hung_up"
    FAILED = "failed"


#: No call lasts longer: what ended after a moment began after that moment less this.
LONGEST_CALL = timedelta(days=1)


class Call(Base):
    __tablename__ = "calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Asterisk's ``uniqueid``.
    unique_id: Mapped[str] = mapped_column(String(80), unique=True)
    caller_e164: Mapped[str | None] = mapped_column(String(16), index=True)
    #: The number that was dialled; ``None`` where only the end of the call was noted.
    called: Mapped[str | None] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    language: Mapped[str | None] = mapped_column(String(5))
    outcome: Mapped[CallOutcome | None] = mapped_column(closed_set(CallOutcome))
    last_node: Mapped[str | None] = mapped_column(String(80))

    events: Mapped[list[CallEvent]] = relationship(
        back_populates="call", order_by="CallEvent.seq", cascade="all, delete-orphan"
    )


class CallEvent(Base):
    """One thing that happened at a node of the dialog, in the order of ``seq``."""

    __tablename__ = "call_events"
    __table_args__ = (UniqueConstraint("call_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    seq: Mapped[int]
    node: Mapped[str] = mapped_column(String(80), index=True)
    event: Mapped[str] = mapped_column(String(24))
    #: Never anything secret: no tax code, no birth date.
    detail: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]

    call: Mapped[Call] = relationship(back_populates="events")
