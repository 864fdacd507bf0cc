"""Citizens who put the receiver down and are called back in their turn."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.requests import Request


class CallBackState(StrEnum):
    """Where a call-back stands."""

    WAITING = "waiting"
    #: A call for it is in the queue, or at an operator's phone.
    QUEUED = "queued"
    DONE = "done"
    #: Not reached often enough: an operator decides.
    FAILED = "failed"
    CANCELLED = "cancelled"


class CallBackResult(StrEnum):
    """What came of the last try."""

    #: The citizen pressed 1 and talked to an operator.
    SERVED = "served"
    #: The citizen called again and talked to an operator.
    SERVED_MEANWHILE = "served_meanwhile"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    #: Somebody, or a voice mailbox, answered and did not press 1.
    NO_KEY = "no_key"
    #: The trunk could not put the call through.
    UNREACHABLE = "unreachable"
    #: The operator hung up before the citizen was there.
    BROKEN_OFF = "broken_off"
    #: No operator picked up, or the call in the queue was lost.
    NO_OPERATOR = "no_operator"


#: How the names of the calls begin that we place ourselves, to call somebody back. None is a citizen's call.
CALL_BACK_CALL = "call-back-"

_OPEN = text("state IN ('waiting', 'queued')")


class CallBack(Base):
    """A call-back that was asked for, with its place in the queue."""

    __tablename__ = "call_backs"
    __table_args__ = (
        # Nobody is called twice for one wish, whatever two calls ask for at the same moment.
        Index("uq_call_backs_open_e164", "e164", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "state", "next_try_at"),
        Index(None, "e164", "asked_at"),
        Index(None, "asked_by", "asked_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), unique=True)
    #: The number to call.
    e164: Mapped[str] = mapped_column(String(16))
    #: The number that asked for it, which may be another one, or withheld.
    asked_by: Mapped[str | None] = mapped_column(String(16))
    asked_at: Mapped[datetime]
    #: Since when the citizen waits for a person: the place in the queue.
    waiting_since: Mapped[datetime]
    state: Mapped[CallBackState] = mapped_column(closed_set(CallBackState))
    #: Calls that were put into the queue, and those of them that reached a telephone in vain.
    attempts: Mapped[int] = mapped_column(default=0)
    not_reached: Mapped[int] = mapped_column(default=0)
    #: Not before that; while queued, when the call must be known to Asterisk.
    next_try_at: Mapped[datetime]
    #: Asterisk's name for the call of the last attempt.
    channel_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    last_result: Mapped[CallBackResult | None] = mapped_column(closed_set(CallBackResult))

    request: Mapped[Request] = relationship()
