"""What the worker does by the clock, and what it told the desk: one row per job, one per day's digest."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set
from desk.models.messages import Outgoing


class JobResult(StrEnum):
    """How a job's last run went."""

    #: It has not ended yet; where that was long ago, its worker died.
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"


class JobState(Base):
    """A job of the worker, when it is run, and how its last run went."""

    __tablename__ = "job_states"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: Seconds between two runs, or the time of day on Rome's clock: one of the two.
    every_seconds: Mapped[int | None]
    daily_at: Mapped[time | None]
    #: The day in Rome whose run is done; a later day's run that was missed is caught up.
    done_for: Mapped[date | None]
    started_at: Mapped[datetime | None]
    #: Of the last run that has ended.
    ended_at: Mapped[datetime | None]
    milliseconds: Mapped[int | None]
    result: Mapped[JobResult | None] = mapped_column(closed_set(JobResult))
    #: The kind of error, without personal data.
    failure: Mapped[str | None] = mapped_column(String(80))
    succeeded_at: Mapped[datetime | None]
    runs: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class Digest(Outgoing):
    """A mail to the desk about what is due; at most one a day."""

    __tablename__ = "digests"
    __table_args__ = (Index(None, "state", "not_before"),)

    day: Mapped[date] = mapped_column(unique=True)
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(120))
    #: References and dates; never who asked.
    body: Mapped[str] = mapped_column(Text())
