"""The outboxes: what they share, and text messages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set


class MessageState(StrEnum):
    """Where a message stands."""

    CREATED = "created"
    #: Claimed by a worker.
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    #: The worker died while sending: it may have gone out, so it is not sent again.
    UNKNOWN = "unknown"


class Outgoing(Base):
    """A row of an outbox. Written in the transaction of the change it tells of, sent later."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[MessageState] = mapped_column(closed_set(MessageState))
    created_at: Mapped[datetime]
    #: Not sent before this moment: when it was created, or the next try.
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    #: Why it failed, as a short word without personal data.
    failure: Mapped[str | None] = mapped_column(String(80))


class Message(Outgoing):
    """A text message."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "state", "not_before"),)

    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)
    to_e164: Mapped[str] = mapped_column(String(16))
    template: Mapped[str] = mapped_column(String(40))
    template_version: Mapped[int]
    language: Mapped[str] = mapped_column(String(5))
    body: Mapped[str] = mapped_column(String(1600))
    #: The provider's own name for it.
    provider_id: Mapped[str | None] = mapped_column(String(80))
