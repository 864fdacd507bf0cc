"""Around a talk with a person: hand-over, direct lines, lost calls, the question afterwards, recordings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base


class HandOver(Base):
    """What a caller did before a person took over: one row per call, the latest."""

    __tablename__ = "hand_overs"

    #: Asterisk's name for the call; the call log may learn of the call later.
    call_unique_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]
    #: What the phone's display shows: no name, ASCII.
    summary: Mapped[str] = mapped_column(String(30))
    #: Whether the citizen was identified in this call.
    identified: Mapped[bool]
    #: Who was identified.
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id", ondelete="SET NULL"), index=True)
    #: ``[{"node": "certificate.copies", "answer": "2"}]``, in order; never anything secret.
    answers: Mapped[list[dict[str, str]]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    #: The draft of a request that was not finished.
    draft_key: Mapped[str | None] = mapped_column(String(36))
    #: The office whose own number was dialled.
    office: Mapped[str | None] = mapped_column(String(40))
    #: Paths of what the caller recorded in this call.
    recordings: Mapped[list[str]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))


class DirectLine(Base):
    """A number of an office's own."""

    __tablename__ = "direct_lines"

    #: What citizens dial.
    e164: Mapped[str] = mapped_column(String(16), primary_key=True)
    office: Mapped[str] = mapped_column(String(40))
    #: Whether the desk's operators take the call that the office does not take.
    fallback: Mapped[bool] = mapped_column(default=True)

    phones: Mapped[list[DirectLinePhone]] = relationship(
        order_by="DirectLinePhone.position", cascade="all, delete-orphan"
    )


class DirectLinePhone(Base):
    """A phone that a direct line rings, one after the other."""

    __tablename__ = "direct_line_phones"

    e164: Mapped[str] = mapped_column(ForeignKey("direct_lines.e164", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    extension: Mapped[str] = mapped_column(ForeignKey("phones.extension"))


class LostCall(Base):
    """A call that ended without a person, and what it was counted to. Each call is looked at once."""

    __tablename__ = "lost_calls"
    __table_args__ = (Index(None, "request_id"),)

    call_unique_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    #: ``None``: nothing is open for it (number withheld, or served in the meantime).
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id", ondelete="SET NULL"))
    lost_at: Mapped[datetime] = mapped_column(index=True)


class OpenLostCall(Base):
    """The one open item of a number: its key is what keeps two workers from making two."""

    __tablename__ = "open_lost_calls"

    e164: Mapped[str] = mapped_column(String(16), primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), unique=True)
    #: When its latest call was lost.
    last_at: Mapped[datetime]


class SurveyAnswer(Base):
    """The answer to the question after a talk. Who called is not in it."""

    __tablename__ = "survey_answers"

    call_unique_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    #: The phone that had answered.
    extension: Mapped[str | None] = mapped_column(String(8), index=True)
    solved: Mapped[bool]
    at: Mapped[datetime]


class CallRecording(Base):
    """A recorded talk: encrypted in a file until ``until``, then gone with its row."""

    __tablename__ = "call_recordings"

    call_unique_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    #: Name of the file in the folder of recorded calls.
    file: Mapped[str] = mapped_column(String(100))
    seconds: Mapped[int]
    recorded_at: Mapped[datetime]
    until: Mapped[datetime] = mapped_column(index=True)


class RecordingAccess(Base):
    """Who listened to a recorded talk, or was refused. Stays when the recording is gone."""

    __tablename__ = "recording_accesses"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_unique_id: Mapped[str] = mapped_column(String(80), index=True)
    #: An operator's log-in.
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    allowed: Mapped[bool]


class PhoneHold(Base):
    """A phone had the other side wait on hold. Whose call it was follows from its talk at that time."""

    __tablename__ = "phone_holds"
    __table_args__ = (Index(None, "extension", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    extension: Mapped[str] = mapped_column(String(8))
    began_at: Mapped[datetime] = mapped_column(index=True)
    #: ``None`` where nobody saw the end: it lasted until the talk was over.
    ended_at: Mapped[datetime | None]
