"""The outboxes: what they share, and text messages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set


class MessageState(StrEnum):
    """Where a message stands."""

    CREATED = "created"
    #: Claimed by a worker.
    SENDING = "sending"
    #: Accepted by the provider.
    SENT = "sent"
    DELIVERED = "delivered"
    #: The provider could not deliver it.
    UNDELIVERED = "undelivered"
    #: No provider took it, or the one that did gave up.
    FAILED = "failed"
    #: It may have gone out (the worker died while sending, or no answer came), so it is not sent again.
    UNKNOWN = "unknown"
    #: Accepted, but what became of it was not told in time.
    NO_RECEIPT = "no_receipt"
    #: There was no consent (any more) when it was to be sent.
    NO_CONSENT = "no_consent"
    #: The provider says that the citizen wants no messages.
    STOPPED = "stopped"
    #: A landline: waits to be told by telephone.
    VOICE_NOTICE = "voice_notice"
    #: The worker has the landline called.
    CALLING = "calling"
    #: It was told by telephone to somebody who pressed a key to hear it.
    HEARD = "heard"
    #: The system is on trial and the number is not among those that are tried with.
    TRIAL = "trial"


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
    __table_args__ = (
        Index(None, "state", "not_before"),
        Index(None, "state", "receipt_due_at"),
        Index(None, "to_e164", "sent_at"),
        Index(None, "sent_at"),
    )

    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)
    to_e164: Mapped[str] = mapped_column(String(16))
    template: Mapped[str] = mapped_column(String(40))
    template_version: Mapped[int]
    language: Mapped[str] = mapped_column(String(5))
    body: Mapped[str] = mapped_column(String(1600))
    #: What the text was filled with, for saying it; ``None`` in rows of older versions.
    filled_with: Mapped[dict[str, str] | None] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    #: The provider's own name for it; of a voice notice, that of its last call.
    provider_id: Mapped[str | None] = mapped_column(String(80), index=True)
    #: The sender that tried it last.
    route: Mapped[str | None] = mapped_column(String(20))
    #: Not sent at or after this moment: it would tell of what is over.
    not_after: Mapped[datetime | None]
    #: Without a receipt until then there is none; ``None`` where the route gives no receipts.
    receipt_due_at: Mapped[datetime | None]
    #: Writing twice with one key writes one message.
    idempotency_key: Mapped[str | None] = mapped_column(String(80), unique=True, index=True)
