"""Lost calls, and how soon whoever was lost was served all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

from sqlalchemy import ColumnElement, Float, case, cast, extract, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from desk.lost_calls import SYSTEM
from desk.models import (
    Call,
    CallBack,
    CallBackResult,
    CallBackState,
    LostCall,
    QueueStay,
    RequestPeriod,
    RequestState,
    StayOutcome,
)
from reports.periods import Period


@dataclass(frozen=True, slots=True)
class LostFigures:
    """Calls that ended without a person and left nothing; times are seconds."""

    lost: int
    #: Nobody can call them back.
    withheld: int
    #: The number called again and was answered, or was called back.
    by_itself: int
    #: An operator has handled it.
    by_operator: int
    mean_recovery: float | None
    median_recovery: float | None

    @property
    def recovered(self) -> int:
        """Served after all."""
        return self.by_itself + self.by_operator

    @property
    def recovered_share(self) -> float | None:
        """Served after all ÷ lost, withheld numbers left out."""
        known = self.lost - self.withheld
        return self.recovered / known if known else None


@dataclass(frozen=True, slots=True)
class CallBackFigures:
    """Call-backs that were asked for."""

    asked: int
    served: int
    #: The citizen called again before it was made.
    served_meanwhile: int
    failed: int
    cancelled: int
    open: int

    @property
    def served_share(self) -> float | None:
        """Served either way ÷ those that are over and were not cancelled."""
        over = self.asked - self.open - self.cancelled
        return (self.served + self.served_meanwhile) / over if over else None


def lost_figures(session: Session, period: Period) -> LostFigures:
    """The calls lost in ``period``, and what became of them until now."""
    lost_then = (LostCall.lost_at >= period.begins_at) & (LostCall.lost_at < period.ends_at)
    took = _seconds(session, LostCall.lost_at, RequestPeriod.started_at)
    handled = session.execute(
        select(func.min(took), func.max(case((RequestPeriod.by != SYSTEM, 1), else_=0)))
        .select_from(LostCall)
        .join(RequestPeriod, RequestPeriod.request_id == LostCall.request_id)
        .where(
            lost_then,
            RequestPeriod.state == RequestState.DONE,
            RequestPeriod.started_at >= LostCall.lost_at,
        )
        .group_by(LostCall.call_unique_id)
    ).all()
    lost = session.scalar(select(func.count()).select_from(LostCall).where(lost_then)) or 0
    withheld = session.scalar(
        select(func.count())
        .select_from(LostCall)
        .outerjoin(QueueStay, QueueStay.call_unique_id == LostCall.call_unique_id)
        .outerjoin(Call, Call.unique_id == LostCall.call_unique_id)
        .where(
            lost_then,
            LostCall.request_id.is_(None),
            QueueStay.caller_e164.is_(None),
            Call.caller_e164.is_(None),
        )
    )
    # No item was made for a call whose number was answered before anybody looked.
    at_once = _served_at_once(session, lost_then)
    by_operator = sum(by_hand for _, by_hand in handled)
    times = [*(round(seconds, 3) for seconds, _ in handled), *at_once]
    return LostFigures(
        lost,
        withheld or 0,
        len(times) - by_operator,
        by_operator,
        fmean(times) if times else None,
        median(times) if times else None,
    )


def _served_at_once(session: Session, lost_then: ColumnElement[bool]) -> list[float]:
    """After how many seconds the numbers of lost calls without an item were answered."""
    stay = aliased(QueueStay)
    answered = (
        select(stay.answered_at)
        .where(
            stay.caller_e164 == QueueStay.caller_e164,
            stay.entered_at > QueueStay.entered_at,
            stay.outcome == StayOutcome.ANSWERED,
            stay.answered_at > LostCall.lost_at,
        )
        .order_by(stay.entered_at)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(LostCall.lost_at, answered)
        .join(QueueStay, QueueStay.call_unique_id == LostCall.call_unique_id)
        .where(lost_then, LostCall.request_id.is_(None))
    )
    return [(at - lost_at).total_seconds() for lost_at, at in rows if at is not None]


def _seconds(
    session: Session, begin: InstrumentedAttribute[datetime], end: InstrumentedAttribute[datetime]
) -> ColumnElement[float]:
    """Seconds between two moments, reckoned by the database: reading many moments takes longer than that."""
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday(end) - func.julianday(begin)) * literal(86400.0)
    return cast(extract("epoch", end) - extract("epoch", begin), Float)


def call_back_figures(session: Session, period: Period) -> CallBackFigures:
    """The call-backs asked for in ``period``, and what became of them until now."""
    rows = session.execute(
        select(CallBack.state, CallBack.last_result, func.count())
        .where(CallBack.asked_at >= period.begins_at, CallBack.asked_at < period.ends_at)
        .group_by(CallBack.state, CallBack.last_result)
    ).all()

    def count(*states: CallBackState) -> int:
        return sum(number for state, _, number in rows if not states or state in states)

    meanwhile = sum(
        number
        for state, result, number in rows
        if state is CallBackState.DONE and result is CallBackResult.SERVED_MEANWHILE
    )
    return CallBackFigures(
        asked=count(),
        served=count(CallBackState.DONE) - meanwhile,
        served_meanwhile=meanwhile,
        failed=count(CallBackState.FAILED),
        cancelled=count(CallBackState.CANCELLED),
        open=count(CallBackState.WAITING, CallBackState.QUEUED),
    )
