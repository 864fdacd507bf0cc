"""What comes back about text messages, the ways they go, and who is told that a document expires."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.citizens import Citizen


class Attempted(StrEnum):
    """How one try to hand a message to a provider ended."""

    ACCEPTED = "accepted"
    #: This message will never be taken.
    REFUSED = "refused"
    #: It was certainly not taken; another try may help.
    FAILED = "failed"
    #: It may have been taken.
    IN_DOUBT = "in_doubt"


class InboundKind(StrEnum):
    """What a text from a citizen was understood as."""

    STOP = "stop"
    START = "start"
    #: Where is my request?
    STATUS = "status"
    #: Anything else: for the operators.
    MESSAGE = "message"


class DocumentKind(StrEnum):
    """Kinds of identity cards."""

    ELECTRONIC = "electronic"
    PAPER = "paper"


class NoticeStage(StrEnum):
    """When the holder of a document is told."""

    #: It can be renewed from now on.
    RENEWABLE = "renewable"
    #: The last weeks.
    EXPIRING = "expiring"
    #: Paper cards are no travel document (any more).
    PAPER = "paper"


class MessageReceipt(Base):
    """What a provider told about a message. All are kept, also those that changed nothing."""

    __tablename__ = "message_receipts"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    provider_id: Mapped[str | None] = mapped_column(String(80))
    #: In the provider's own words.
    status: Mapped[str] = mapped_column(String(40))
    error_code: Mapped[str | None] = mapped_column(String(20))
    at: Mapped[datetime]


class MessageAttempt(Base):
    """One try to send a message, by which route, and how it ended."""

    __tablename__ = "message_attempts"
    __table_args__ = (Index(None, "route", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    route: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[Attempted] = mapped_column(closed_set(Attempted))
    at: Mapped[datetime]


class SmsRoute(Base):
    """How much of the messages goes by a route. All workers read it here, so they agree."""

    __tablename__ = "sms_routes"
    __table_args__ = (CheckConstraint("share BETWEEN 0 AND 100", name="share"),)

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    #: Percent.
    share: Mapped[int]
    changed_at: Mapped[datetime]


class InboundText(Base):
    """A text message from a citizen."""

    __tablename__ = "inbound_texts"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The provider's own name for it: it may be delivered twice.
    provider_id: Mapped[str] = mapped_column(String(80), unique=True)
    #: E.164 as a rule; senders that are no telephone have letters or few digits.
    sender: Mapped[str] = mapped_column(String(40), index=True)
    body: Mapped[str] = mapped_column(String(1600))
    kind: Mapped[InboundKind] = mapped_column(closed_set(InboundKind))
    at: Mapped[datetime]
    #: What was answered at once.
    answer: Mapped[str | None] = mapped_column(String(640))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)


class IdentityDocument(Base):
    """An identity card of a citizen."""

    __tablename__ = "identity_documents"
    __table_args__ = (CheckConstraint("issued_on < expires_on", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    citizen_id: Mapped[int] = mapped_column(ForeignKey("citizens.id", ondelete="CASCADE"), index=True)
    kind: Mapped[DocumentKind] = mapped_column(closed_set(DocumentKind))
    issued_on: Mapped[date]
    #: The last day on which it is valid.
    expires_on: Mapped[date] = mapped_column(index=True)

    citizen: Mapped[Citizen] = relationship()


class DocumentNotice(Base):
    """A citizen was told of a document at a stage: once each."""

    __tablename__ = "document_notices"
    __table_args__ = (UniqueConstraint("document_id", "stage"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("identity_documents.id", ondelete="CASCADE"))
    stage: Mapped[NoticeStage] = mapped_column(closed_set(NoticeStage))
    message_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"), index=True)
    noted_at: Mapped[datetime]
