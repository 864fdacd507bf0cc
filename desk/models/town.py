"""The town's own data: phones, opening hours, closures, certificates."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Numeric, String, false
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set


class Tier(StrEnum):
    """Who is rung first: the back office, then the counters. An office's own phone is none of the desk's."""

    BACK_OFFICE = "back_office"
    COUNTER = "counter"
    OFFICE = "office"


class Phone(Base):
    __tablename__ = "phones"

    extension: Mapped[str] = mapped_column(String(8), primary_key=True)
    tier: Mapped[Tier] = mapped_column(closed_set(Tier))
    label: Mapped[str] = mapped_column(String(80))
    #: Seconds it rings before the next tier is rung too.
    ring_seconds: Mapped[int]
    #: Whether the desk can be opened and closed by hand from here (``*21``).
    may_override: Mapped[bool] = mapped_column(default=False, server_default=false())


class OpeningHours(Base):
    """A span of one weekday (0 is Monday), wall clock Europe/Rome."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens < closes", name="order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class Closure(Base):
    """A day on which the desk is closed although it is a working day."""

    __tablename__ = "closures"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(unique=True)
    reason_it: Mapped[str] = mapped_column(String(200))
    reason_en: Mapped[str] = mapped_column(String(200))


class CertificateKind(Base):
    __tablename__ = "certificate_kinds"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: The order in which they are spoken.
    position: Mapped[int]
    #: Certificates of civil status are free of charge.
    civil_status: Mapped[bool]
    #: Per copy, in euro, unless the use is exempt.
    stamp_duty: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    secretary_fee: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    #: Working days until it is ready.
    working_days: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
