"""Requests of citizens, the periods of their states, and drafts of requests that were not confirmed yet."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.citizens import Citizen
from desk.models.details import DetailsJson, RequestDetails, RequestKind


class Channel(StrEnum):
    """Where a request came from."""

    PHONE = "phone"
    WEB = "web"
    COUNTER = "counter"
    SMS = "sms"


class RequestState(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    WAITING_CITIZEN = "waiting_citizen"
    DONE = "done"
    REJECTED = "rejected"


class Request(Base):
    __tablename__ = "requests"
    __table_args__ = (Index(None, "state", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What the citizen is told: eight digits, the last one a check digit.
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    channel: Mapped[Channel] = mapped_column(closed_set(Channel))
    kind: Mapped[RequestKind] = mapped_column(closed_set(RequestKind))
    details: Mapped[RequestDetails] = mapped_column(DetailsJson())
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"), index=True)
    contact_e164: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[RequestState] = mapped_column(closed_set(RequestState))
    due_on: Mapped[date]
    #: When the citizen confirmed it, which may be before it reached the database.
    filed_at: Mapped[datetime]
    #: Filing twice with one key gives one request.
    idempotency_key: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), index=True)
    language: Mapped[str] = mapped_column(String(5))

    citizen: Mapped[Citizen | None] = relationship()
    periods: Mapped[list[RequestPeriod]] = relationship(
        back_populates="request", order_by="RequestPeriod.id", cascade="all, delete-orphan"
    )


class RequestPeriod(Base):
    """A span in which a request was in one state. The one without an end is now."""

    __tablename__ = "request_periods"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    state: Mapped[RequestState] = mapped_column(closed_set(RequestState))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    #: Who began it: an operator's log-in, or the channel (``phone``).
    by: Mapped[str] = mapped_column(String(40))

    request: Mapped[Request] = relationship(back_populates="periods")


class Draft(Base):
    """Answers of a call that has not come to a confirmation. Who asks is never in it."""

    __tablename__ = "drafts"
    __table_args__ = (Index(None, "caller_e164", "updated_at"),)

    key: Mapped[str] = mapped_column(String(36), primary_key=True)
    caller_e164: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(40))
    answers: Mapped[dict[str, Any]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
