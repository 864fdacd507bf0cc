"""Days with hours of their own, and the desk opened or closed by hand."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base


class SpecialHours(Base):
    """A span of one day, wall clock Europe/Rome. The spans of a day replace those of its weekday.

    Holidays are opened this way, too. A closure of the day still closes it.
    """

    __tablename__ = "special_hours"
    __table_args__ = (CheckConstraint("opens < closes", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    opens: Mapped[time]
    closes: Mapped[time]
    reason_it: Mapped[str] = mapped_column(String(200), default="")
    reason_en: Mapped[str] = mapped_column(String(200), default="")


class Override(Base):
    """The desk opened or closed by hand, whatever the hours say, until an end. The latest one counts."""

    __tablename__ = "overrides"
    __table_args__ = (CheckConstraint("set_at < until", name="order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    open: Mapped[bool]
    set_at: Mapped[datetime]
    #: The extension of the phone, or the log-in of who did it on the pages.
    set_by: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime]
    #: When and by whom it was ended before its time, by another one or by the normal hours.
    cleared_at: Mapped[datetime | None] = mapped_column(index=True)
    cleared_by: Mapped[str | None] = mapped_column(String(40))


class WrongPin(Base):
    """A wrong PIN typed on a phone: too many of them lock it out for a while."""

    __tablename__ = "wrong_pins"
    __table_args__ = (Index(None, "extension", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    extension: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]
