"""Offices, what one can come for, when they receive, and who comes.

A row of :class:`SlotPlace` is one citizen's place in one slot, held or booked. Its unique key is what keeps
two citizens from having the same place, whatever the code above it does.
"""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from pathlib import Path

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from desk.models.base import Base, closed_set
from desk.models.citizens import Citizen
from desk.models.details import IdentifiedBy
from desk.models.requests import Channel


class BookingState(StrEnum):
    """Where an appointment stands."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


class BookingStep(StrEnum):
    """What happened to an appointment."""

    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"


class Office(Base):
    """An office that receives citizens by appointment."""

    __tablename__ = "offices"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name_it: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    #: Where citizens go, as it is written in messages and calendars.
    place: Mapped[str] = mapped_column(String(80))

    services: Mapped[list[AppointmentService]] = relationship(
        back_populates="office", order_by="AppointmentService.position"
    )


class AppointmentService(Base):
    """What one can make an appointment for, and the rules of its agenda.

    Two services of an office must not receive at the same time with the same people: each has its own
    patterns and its own places.
    """

    __tablename__ = "appointment_services"
    __table_args__ = (
        CheckConstraint("slot_minutes > 0", name="slot_minutes"),
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("kept_percent BETWEEN 0 AND 100", name="kept_percent"),
    )

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    office_code: Mapped[str] = mapped_column(ForeignKey("offices.code"), index=True)
    #: The order in which they are spoken.
    position: Mapped[int]
    name_it: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    slot_minutes: Mapped[int]
    #: Citizens received in one slot.
    capacity: Mapped[int]
    #: The earliest slot on offer begins this many hours from now, the latest this many days.
    notice_hours: Mapped[int]
    horizon_days: Mapped[int]
    #: Appointments to come that one citizen may have.
    most_per_citizen: Mapped[int]
    #: This share of places is not given on the web until so many days before.
    kept_percent: Mapped[int]
    kept_until_days: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)

    office: Mapped[Office] = relationship(back_populates="services")
    patterns: Mapped[list[SlotPattern]] = relationship(order_by="SlotPattern.id")


class SlotPattern(Base):
    """A span of every week (0 is Monday, wall clock Europe/Rome) that is divided into slots."""

    __tablename__ = "slot_patterns"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("begins < ends", name="order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_code: Mapped[str] = mapped_column(ForeignKey("appointment_services.code"), index=True)
    weekday: Mapped[int]
    begins: Mapped[time]
    ends: Mapped[time]


class Absence(Base):
    """A span of time in which an office does not receive. What was booked before stays booked."""

    __tablename__ = "absences"
    __table_args__ = (CheckConstraint("begins_at < ends_at", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    office_code: Mapped[str] = mapped_column(ForeignKey("offices.code"), index=True)
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(200))


class Booking(Base):
    """An appointment of a citizen."""

    __tablename__ = "bookings"
    __table_args__ = (
        Index(None, "service_code", "starts_at"),
        Index(None, "citizen_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What the citizen is told: eight digits, the last one a check digit, as requests have.
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    service_code: Mapped[str] = mapped_column(ForeignKey("appointment_services.code"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[BookingState] = mapped_column(closed_set(BookingState))
    channel: Mapped[Channel] = mapped_column(closed_set(Channel))
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"))
    contact_e164: Mapped[str | None] = mapped_column(String(16), index=True)
    #: Who comes, where that is nobody of the register: as on requests.
    applicant: Mapped[str | None] = mapped_column(String(160))
    applicant_tax_code: Mapped[str | None] = mapped_column(String(16), index=True)
    #: How a caller was; ``None`` for who came to the counter or signed in on the web.
    identified_by: Mapped[IdentifiedBy | None] = mapped_column(closed_set(IdentifiedBy))
    #: The spoken name and address of a caller who is not identified by keypad.
    identity_recording: Mapped[str | None] = mapped_column(String(400))
    language: Mapped[str] = mapped_column(String(5))
    #: Booking twice with one key gives one appointment.
    idempotency_key: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("calls.id"), index=True)
    booked_at: Mapped[datetime]
    #: How often it was changed: calendars tell a newer version by it.
    revision: Mapped[int] = mapped_column(default=0)
    #: Whether the citizen came; ``None`` until somebody says so.
    came: Mapped[bool | None]

    citizen: Mapped[Citizen | None] = relationship()
    service: Mapped[AppointmentService] = relationship()
    history: Mapped[list[BookingChange]] = relationship(
        order_by="BookingChange.id", cascade="all, delete-orphan"
    )

    @property
    def who(self) -> str | None:
        """The name of who comes; ``None`` where a caller has only said it (:attr:`recording`)."""
        citizen = self.citizen
        return f"{citizen.last_name} {citizen.first_name}" if citizen else self.applicant

    @property
    def recording(self) -> Path | None:
        """Where an unknown caller said who comes."""
        return Path(self.identity_recording) if self.identity_recording else None


class BookingChange(Base):
    """One step in the life of an appointment: when, by whom, and for which time it was made then."""

    __tablename__ = "booking_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("bookings.id", ondelete="CASCADE"), index=True)
    step: Mapped[BookingStep] = mapped_column(closed_set(BookingStep))
    starts_at: Mapped[datetime]
    at: Mapped[datetime]
    #: An operator's log-in, or the channel (``phone``).
    by: Mapped[str] = mapped_column(String(40))


class SlotPlace(Base):
    """One place of one slot, taken: by a booking, or by somebody who is deciding, until ``held_until``."""

    __tablename__ = "slot_places"
    __table_args__ = (
        UniqueConstraint("service_code", "starts_at", "place"),
        CheckConstraint("(booking_id IS NULL) <> (held_until IS NULL)", name="held_or_booked"),
        Index(None, "held_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_code: Mapped[str] = mapped_column(ForeignKey("appointment_services.code"))
    starts_at: Mapped[datetime]
    #: 0 to the capacity less one; the lowest ones are those kept for phone and counter.
    place: Mapped[int]
    #: Whose it is while deciding.
    holder: Mapped[str] = mapped_column(String(80), index=True)
    held_until: Mapped[datetime | None]
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id"), unique=True)
