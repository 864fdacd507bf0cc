"""Whether the figures can be trusted: what is missing, contradicts itself, or is told twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from call_routing.hours import OpeningHours
from desk.call_backs import CHANNEL as OURS
from desk.call_records import TRUNK
from desk.models import (
    Call,
    CallEvent,
    CallLeg,
    CallOutcome,
    CallSums,
    FiguresOfDay,
    QueueEvent,
    QueueStay,
    StayOutcome,
)
from desk.queue_history import NONE
from desk.town import read_town
from reports.periods import Period, day_in_rome

#: What is not over after so long lacks its end.
LONG_AGO = timedelta(hours=12)
#: Seconds that the queue's log and the call's records may differ by: the log has whole seconds.
INEXACT = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Quality:
    """Numbers of rows of a period that are not as they should be; all zero is perfect."""

    #: Calls, and stays in the queue, whose end was never written.
    calls_without_end: int
    stays_without_end: int
    #: Days on which the desk is open, without a single call.
    silent_days: tuple[date, ...]
    #: Answered before entering the queue, ended before answered, or called after the end.
    negative_times: int
    #: The queue has the call, the call's records do not; and the other way round, for calls put through.
    queue_without_record: int
    put_through_without_queue: int
    #: Answered in the queue although the records say that nobody picked up.
    contradictions: int
    #: Lines of the queue's log that were read more than once.
    double_lines: int
    #: Calls without a single event of a dialog: the AGI server was down, or the caller hung up first.
    calls_without_dialog: int
    #: Days of which no sums were made yet.
    days_not_counted: int

    @property
    def perfect(self) -> bool:
        """Whether there is nothing to tell."""
        return not any(getattr(self, name) for name in self.__slots__)


def quality(session: Session, period: Period, *, now: datetime) -> Quality:
    """What is not as it should be in ``period``, up to a while before ``now``."""
    ends = min(period.ends_at, now - LONG_AGO)
    came = (Call.started_at >= period.begins_at) & (Call.started_at < ends)
    stayed = (
        (QueueStay.entered_at >= period.begins_at)
        & (QueueStay.entered_at < ends)
        & ~QueueStay.call_unique_id.startswith(OURS)
    )
    recorded = exists().where(CallLeg.unique_id == QueueStay.call_unique_id)
    return Quality(
        calls_without_end=_count(session, Call.id, came & Call.ended_at.is_(None)),
        stays_without_end=_count(
            session,
            QueueStay.id,
            stayed
            & QueueStay.ended_at.is_(None)
            & QueueStay.outcome.in_((StayOutcome.WAITING, StayOutcome.ANSWERED)),
        ),
        silent_days=_silent_days(session, period, now),
        negative_times=_count(
            session,
            QueueStay.id,
            stayed
            & or_(
                QueueStay.answered_at < QueueStay.entered_at,
                QueueStay.ended_at < QueueStay.answered_at,
                QueueStay.ended_at < QueueStay.entered_at,
            ),
        )
        + _count(session, Call.id, came & (Call.ended_at < Call.started_at)),
        queue_without_record=_count(session, QueueStay.id, stayed & ~recorded),
        put_through_without_queue=_count(
            session,
            Call.id,
            came
            & (Call.outcome == CallOutcome.OPERATOR)
            & ~exists().where(QueueStay.call_unique_id == Call.unique_id),
        ),
        contradictions=_count(
            session,
            QueueStay.id,
            stayed
            & (QueueStay.outcome == StayOutcome.ANSWERED)
            & recorded
            & ~exists().where(
                CallLeg.unique_id == QueueStay.call_unique_id,
                CallLeg.channel.startswith(TRUNK),
                CallLeg.answered_at.is_not(None),
            ),
        ),
        double_lines=session.scalar(_double_lines(period, ends)) or 0,
        calls_without_dialog=_count(session, Call.id, came & ~exists().where(CallEvent.call_id == Call.id)),
        days_not_counted=_not_counted(session, period, ends),
    )


def _count(session: Session, column: object, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(column)).where(condition)) or 0  # type: ignore[arg-type]


def _double_lines(period: Period, ends: datetime) -> Select[int]:
    same = (
        QueueEvent.at,
        QueueEvent.call_unique_id,
        QueueEvent.queue,
        QueueEvent.agent,
        QueueEvent.event,
        cast(QueueEvent.data, String),
    )
    doubles = (
        select((func.count() - 1).label("more"))
        .where(QueueEvent.at >= period.begins_at, QueueEvent.at < ends, QueueEvent.call_unique_id != NONE)
        .group_by(*same)
        .having(func.count() > 1)
        .subquery()
    )
    return select(func.coalesce(func.sum(doubles.c.more), 0))


def _silent_days(session: Session, period: Period, now: datetime) -> tuple[date, ...]:
    hours = OpeningHours.of(read_town(session)).regular()
    busy = set(
        session.scalars(
            select(CallSums.day)
            .where(CallSums.day.between(period.first, period.last), CallSums.calls + CallSums.offered > 0)
            .distinct()
        )
    )
    today = day_in_rome(now)
    return tuple(day for day in period if day < today and hours.day(day) and day not in busy)


def _not_counted(session: Session, period: Period, ends: datetime) -> int:
    """Days with calls that have no sums."""
    made = set(
        session.scalars(select(FiguresOfDay.day).where(FiguresOfDay.day.between(period.first, period.last)))
    )
    return sum(
        1
        for day in period
        if day not in made
        and _count(
            session,
            Call.id,
            (Call.started_at >= Period(day, day).begins_at)
            & (Call.started_at < min(Period(day, day).ends_at, ends)),
        )
    )
