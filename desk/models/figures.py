"""Sums that the managers' figures are made of, kept by the worker: all of it follows from the raw rows.

``day`` is a day of Rome's calendar, ``begins_at`` a half hour in UTC, and ``half`` its place on Rome's clock
(0 is midnight, 47 half past eleven at night): on the day the clocks are put back two half hours share one
place, on the day they are put forward two places have none. Nobody's number is in these tables.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base


def _by_day(*columns: str) -> tuple[Any, ...]:
    """A key that begins with the day: a period is one piece of the table, which lies in this order."""
    return (PrimaryKeyConstraint("day", *columns), {"sqlite_with_rowid": False})


class _Line(Base):
    """What is counted by half hour, line and language."""

    __abstract__ = True

    day: Mapped[date]
    begins_at: Mapped[datetime]
    half: Mapped[int]
    #: The number that was dialled; empty where it is not known.
    line: Mapped[str] = mapped_column(String(40))
    #: ``it``, ``en``; empty where the caller came to no dialog.
    language: Mapped[str] = mapped_column(String(5))


class CallSums(_Line):
    """Calls by the half hour they came in, and their stays in the queue by the half hour these began."""

    __tablename__ = "call_sums"
    __table_args__ = _by_day("begins_at", "line", "language")

    calls: Mapped[int]
    #: Came while the desk was closed.
    closed: Mapped[int]
    #: Came to the dialog; ended there with what they wanted; ended there by hanging up.
    dialogs: Mapped[int]
    self_served: Mapped[int]
    hung_up: Mapped[int]
    #: Entered the queue, and how it ended; ``waiting`` has not ended yet.
    offered: Mapped[int]
    by_back_office: Mapped[int]
    by_counter: Mapped[int]
    by_office: Mapped[int]
    abandoned: Mapped[int]
    unanswered: Mapped[int]
    waiting: Mapped[int]
    #: Of the offered ones: rang at the counters; left the queue for a call-back.
    overflowed: Mapped[int]
    call_backs: Mapped[int]
    #: Seconds in the queue.
    waited_answered: Mapped[int]
    waited_abandoned: Mapped[int]


class WaitSums(_Line):
    """Stays by their outcome and length: what a service level at any threshold is made of."""

    __tablename__ = "wait_sums"
    __table_args__ = _by_day("begins_at", "line", "language", "outcome", "seconds")

    outcome: Mapped[str] = mapped_column(String(24))
    #: Whole seconds, as the queue records them.
    seconds: Mapped[int]
    calls: Mapped[int]


class TalkSums(_Line):
    """Conversations of a phone, by the half hour in which the call entered the queue."""

    __tablename__ = "talk_sums"
    __table_args__ = _by_day("begins_at", "line", "language", "extension")

    extension: Mapped[str] = mapped_column(String(8))
    #: Calls whose first conversation was at this phone, and all conversations that are over.
    answered: Mapped[int]
    talks: Mapped[int]
    talk_seconds: Mapped[int]
    #: Seconds of them on hold; ``None`` where nobody noted holds yet.
    held_seconds: Mapped[int | None]
    blind: Mapped[int]
    attended: Mapped[int]
    #: How often it rang in vain.
    not_answered: Mapped[int]


class NodeSums(Base):
    """What happened at the nodes of the dialogs, in calls of a day."""

    __tablename__ = "node_sums"
    __table_args__ = _by_day("node", "language")

    day: Mapped[date]
    node: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(5))
    calls: Mapped[int]
    entered: Mapped[int]
    dropped: Mapped[int]
    silences: Mapped[int]
    wrong: Mapped[int]
    gave_up: Mapped[int]
    asked_for_person: Mapped[int]
    #: From entering the node to what came after it, for the visits whose end is known.
    milliseconds: Mapped[int] = mapped_column(BigInteger)
    timed: Mapped[int]


class EdgeSums(Base):
    """How often callers went from one node to another, in calls of a day; ends are in brackets."""

    __tablename__ = "edge_sums"
    __table_args__ = _by_day("origin", "target")

    day: Mapped[date]
    origin: Mapped[str] = mapped_column(String(80))
    target: Mapped[str] = mapped_column(String(80))
    passages: Mapped[int]


class RepeatSums(Base):
    """Answered calls of known numbers on a day, and how many of them were followed by another one."""

    __tablename__ = "repeat_sums"
    __table_args__ = _by_day("line")

    day: Mapped[date]
    line: Mapped[str] = mapped_column(String(40))
    answered: Mapped[int]
    repeated: Mapped[int]


class FiguresOfDay(Base):
    """Up to which day the sums are made, and how many calls of it were not over then."""

    __tablename__ = "figures_of_days"
    __table_args__ = (Index(None, "open_calls"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    open_calls: Mapped[int]


class FiguresReached(Base):
    """Up to which row a table was looked at for what is new."""

    __tablename__ = "figures_reached"

    source: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: At the last look, and at the one before.
    reached: Mapped[int] = mapped_column(BigInteger)
    before: Mapped[int] = mapped_column(BigInteger)
