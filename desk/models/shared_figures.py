"""Figures that leave the console: screens on a wall, and reports that are sent by mail."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set
from desk.models.messages import Outgoing


class WallScreen(Base):
    """A screen that shows the wall without a log-in, until it is ended."""

    __tablename__ = "wall_screens"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Where it hangs, as the town calls it.
    name: Mapped[str] = mapped_column(String(80))
    #: SHA-256 of the code that is typed at the screen once, then of what the screen's cookie holds.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    #: Until when the code can be typed; ``None`` once it was.
    code_until: Mapped[datetime | None]
    made_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime]
    #: When it last asked for the wall, give or take some minutes.
    seen_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Every(StrEnum):
    """How often a report is sent: for the day, the week or the month that has ended."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class ReportForm(StrEnum):
    """As what the tables are attached."""

    PDF = "pdf"
    XLSX = "xlsx"


class ScheduledReport(Base):
    """Figures that somebody gets by mail again and again, until ``ended_at``."""

    __tablename__ = "scheduled_reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id"), index=True)
    to_address: Mapped[str] = mapped_column(String(254))
    every: Mapped[Every] = mapped_column(closed_set(Every))
    #: Names of tables of :data:`reports.figures.TABLES`.
    tables: Mapped[list[str]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    language: Mapped[str] = mapped_column(String(2))
    form: Mapped[ReportForm] = mapped_column(closed_set(ReportForm))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(40))
    ended_at: Mapped[datetime | None]


class ReportMail(Outgoing):
    """One of those mails: of a period from day to day. What is in it is reckoned when it is sent."""

    __tablename__ = "report_mails"
    __table_args__ = (
        UniqueConstraint("scheduled_report_id", "first", "last"),
        Index(None, "state", "not_before"),
    )

    scheduled_report_id: Mapped[int] = mapped_column(ForeignKey("scheduled_reports.id"))
    first: Mapped[date]
    last: Mapped[date]
