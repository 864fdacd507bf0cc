"""Who works at which phone's place, and whether calls are taken there: rows with a begin and an end."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.operators import Operator
from desk.models.town import Tier


class Device(StrEnum):
    """What somebody telephones with at a place."""

    #: The phone in the page.
    WEB = "web"
    #: The phone on the desk.
    DESK = "desk"


class StayEnd(StrEnum):
    """How a stay at a place ended."""

    LEFT = "left"
    #: Its operator went on at another place, or with the other phone.
    MOVED = "moved"
    #: Nothing was seen of its page for too long.
    SILENT = "silent"
    #: Somebody else sat down there.
    TAKEN_OVER = "taken_over"


class PauseReason(StrEnum):
    """Why no calls are taken."""

    BREAK = "break"
    #: Work on requests.
    PAPERWORK = "paperwork"
    MEETING = "meeting"
    TRAINING = "training"
    #: Notes after a call.
    WRAP_UP = "wrap_up"
    #: Said with a text of one's own.
    OTHER = "other"
    #: Said on the phone (``*22``).
    PHONE = "phone"
    #: It rang and nobody answered.
    NO_ANSWER = "no_answer"


_OPEN = text("ended_at IS NULL")


class PlaceStay(Base):
    """An operator at a phone's place. One at each place, and each operator at one place."""

    __tablename__ = "place_stays"
    __table_args__ = (
        Index(
            "uq_place_stays_open_extension",
            "extension",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(
            "uq_place_stays_open_operator",
            "operator_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id"), index=True)
    extension: Mapped[str] = mapped_column(String(8))
    device: Mapped[Device] = mapped_column(closed_set(Device))
    #: When the phone's own is not the one that counts: a supervisor moved somebody.
    tier: Mapped[Tier | None] = mapped_column(closed_set(Tier))
    began_at: Mapped[datetime] = mapped_column(index=True)
    #: When the page was seen last.
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end: Mapped[StayEnd | None] = mapped_column(closed_set(StayEnd))

    operator: Mapped[Operator] = relationship()
    duties: Mapped[list[DutyPeriod]] = relationship(
        back_populates="stay", order_by="DutyPeriod.id", cascade="all, delete-orphan"
    )


class DutyPeriod(Base):
    """Calls are taken, or not and why, for some time of a stay."""

    __tablename__ = "duty_periods"
    __table_args__ = (
        Index(
            "uq_duty_periods_open",
            "stay_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stay_id: Mapped[int] = mapped_column(ForeignKey("place_stays.id", ondelete="CASCADE"), index=True)
    #: ``None``: calls are taken.
    reason: Mapped[PauseReason | None] = mapped_column(closed_set(PauseReason))
    note: Mapped[str] = mapped_column(String(80))
    #: The log-in of who said so; empty: it came from the phone.
    by: Mapped[str] = mapped_column(String(40))
    began_at: Mapped[datetime]
    #: When the pause was meant to end.
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    #: When Asterisk's queues were brought to the same, and since when that Asterisk ran: no other one knows.
    told_at: Mapped[datetime | None]
    told_start: Mapped[datetime | None]

    stay: Mapped[PlaceStay] = relationship(back_populates="duties")
