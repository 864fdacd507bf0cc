"""Rooms that the town lends, what for, and who asked for them when."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.details import PartOfDay, RoomUse
from desk.models.requests import Request


class RoomDecision(StrEnum):
    """Where the request for a room stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"


class Room(Base):
    """A room of the town."""

    __tablename__ = "rooms"
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("notice_days >= 0", name="notice_days"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The order in which they are spoken.
    position: Mapped[int]
    name_it: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    #: People it holds.
    capacity: Mapped[int]
    #: The earliest day that can be asked for is this many days from today, the latest this many.
    notice_days: Mapped[int]
    horizon_days: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)

    purposes: Mapped[list[RoomPurpose]] = relationship()


class RoomPurpose(Base):
    """What a room is lent for."""

    __tablename__ = "room_purposes"

    room_code: Mapped[str] = mapped_column(ForeignKey("rooms.code"), primary_key=True)
    purpose: Mapped[RoomUse] = mapped_column(closed_set(RoomUse), primary_key=True)
    #: Whether also on holidays and on days on which the desk is closed.
    on_holidays: Mapped[bool] = mapped_column(default=False)


class RoomBooking(Base):
    """Somebody asked for a room on a day and a part of it. Many may ask; the database lets one have it."""

    __tablename__ = "room_bookings"
    __table_args__ = (
        Index(None, "room_code", "day"),
        Index(
            "uq_room_bookings_approved",
            "room_code",
            "day",
            "part",
            unique=True,
            sqlite_where=text("decision = 'approved'"),
            postgresql_where=text("decision = 'approved'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    room_code: Mapped[str] = mapped_column(ForeignKey("rooms.code"))
    day: Mapped[date]
    part: Mapped[PartOfDay] = mapped_column(closed_set(PartOfDay))
    decision: Mapped[RoomDecision] = mapped_column(closed_set(RoomDecision))
    request_id: Mapped[int] = mapped_column(ForeignKey("requests.id"), unique=True)
    decided_at: Mapped[datetime | None]
    #: An operator's log-in.
    decided_by: Mapped[str | None] = mapped_column(String(40))
    #: What whoever decided wrote about it, for who asked.
    reason: Mapped[str | None] = mapped_column(String(300))

    request: Mapped[Request] = relationship()
