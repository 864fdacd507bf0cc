"""Requests of citizens, the periods of their states, and drafts of requests that were not confirmed yet."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.citizens import Citizen
from desk.models.details import DetailsJson, RequestDetails, RequestKind
from desk.models.names import FOLDED, folded


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


#: The states in which somebody has something to do or to wait for.
OPEN_STATES = (RequestState.RECEIVED, RequestState.IN_PROGRESS, RequestState.WAITING_CITIZEN)
#: As SQL, word for word as queries say it: only then does a database know that the index below serves them.
_IS_OPEN = f"state IN ({', '.join(repr(state.value) for state in OPEN_STATES)})"


class Request(Base):
    __tablename__ = "requests"
    __table_args__ = (
        Index(None, "state", "due_on", "id"),
        Index(None, "state", "filed_at", "id"),
        Index(None, "filed_at", "id"),
        Index(None, "assignee", "due_on"),
        # All that there ever was, by date or of one kind: few of many.
        Index(None, "due_on", "id"),
        Index(None, "kind", "due_on", "id"),
        Index(None, "kind", "filed_at", "id"),
        # What is to be done, by date: few among many that are closed.
        Index(
            "ix_requests_open", "due_on", "id", postgresql_where=text(_IS_OPEN), sqlite_where=text(_IS_OPEN)
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What the citizen is told: eight digits, the last one a check digit.
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    channel: Mapped[Channel] = mapped_column(closed_set(Channel))
    kind: Mapped[RequestKind] = mapped_column(closed_set(RequestKind))
    details: Mapped[RequestDetails] = mapped_column(DetailsJson())
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"), index=True)
    contact_e164: Mapped[str | None] = mapped_column(String(16), index=True)
    #: Who asks, where that is nobody of the register: the name as it was given, the last name first.
    applicant: Mapped[str | None] = mapped_column(String(160))
    #: The same as it is searched for.
    applicant_key: Mapped[str | None] = mapped_column(FOLDED, index=True)
    #: The tax code by which that person is known, where SPID, CIE or an operator has verified it.
    applicant_tax_code: Mapped[str | None] = mapped_column(String(16), index=True)
    state: Mapped[RequestState] = mapped_column(closed_set(RequestState))
    due_on: Mapped[date]
    #: When the citizen confirmed it, which may be before it reached the database.
    filed_at: Mapped[datetime]
    #: Filing twice with one key gives one request.
    idempotency_key: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), index=True)
    language: Mapped[str] = mapped_column(String(5))
    #: The log-in of who works on it, or did when it was closed; ``None``: nobody does.
    assignee: Mapped[str | None] = mapped_column(String(40))

    citizen: Mapped[Citizen | None] = relationship()
    periods: Mapped[list[RequestPeriod]] = relationship(
        back_populates="request", order_by="RequestPeriod.id", cascade="all, delete-orphan"
    )


@event.listens_for(Request, "before_insert")
@event.listens_for(Request, "before_update")
def _keep_applicant_key(_mapper: Any, _connection: Any, request: Request) -> None:
    request.applicant_key = folded(request.applicant) if request.applicant else None


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
    #: The log-in of who had the request in this span.
    assignee: Mapped[str | None] = mapped_column(String(40))
    #: What was said with the change: why it is rejected, what the citizen has to bring.
    note: Mapped[str | None] = mapped_column(Text)

    request: Mapped[Request] = relationship(back_populates="periods")


class RequestNote(Base):
    """What operators note for each other. The citizen is not told, but may ask for it."""

    __tablename__ = "request_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)


class RequestAttachment(Base):
    """A document that belongs to a request; encrypted in a file of its own."""

    __tablename__ = "request_attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), index=True)
    #: Name of the encrypted file in the folder of attachments.
    file: Mapped[str] = mapped_column(String(40), unique=True)
    #: What it was called where it came from.
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40))
    #: Bytes.
    size: Mapped[int]
    added_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40))


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
