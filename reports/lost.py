"""Lost calls, and how soon whoever was lost was served all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

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
    done = (RequestPeriod.state == RequestState.DONE) & (RequestPeriod.started_at >= LostCall.lost_at)
    first_done = func.min(case((done, RequestPeriod.started_at)), type_=RequestPeriod.started_at.type)
    worked_on = func.max(case((done & (RequestPeriod.by != SYSTEM), 1), else_=0))
    caller = func.coalesce(QueueStay.caller_e164, Call.caller_e164)
    rows = session.execute(
        select(LostCall.call_unique_id, LostCall.lost_at, LostCall.request_id, caller, first_done, worked_on)
        .outerjoin(QueueStay, QueueStay.call_unique_id == LostCall.call_unique_id)
        .outerjoin(Call, Call.unique_id == LostCall.call_unique_id)
        .outerjoin(RequestPeriod, RequestPeriod.request_id == LostCall.request_id)
        .where(LostCall.lost_at >= period.begins_at, LostCall.lost_at < period.ends_at)
        .group_by(LostCall.call_unique_id, LostCall.lost_at, LostCall.request_id, caller)
    ).all()
    served = _served_since(session, period)
    lost = withheld = by_itself = by_operator = 0
    times: list[float] = []
    for call, lost_at, request, number, done_at, by_hand in rows:
        lost += 1
        if number is None and request is None:
            withheld += 1
            continue
        # No item was made for a call whose number was answered before anybody looked.
        recovered = done_at if request is not None else served.get(call)
        if recovered is None:
            continue
        times.append((recovered - lost_at).total_seconds())
        if by_hand:
            by_operator += 1
        else:
            by_itself += 1
    return LostFigures(
        lost,
        withheld,
        by_itself,
        by_operator,
        fmean(times) if times else None,
        median(times) if times else None,
    )


def _served_since(session: Session, period: Period) -> dict[str, datetime]:
    """When the numbers of lost calls without an item were answered."""
    stay = aliased(QueueStay)
    answered = func.min(stay.answered_at, type_=QueueStay.answered_at.type)
    rows = session.execute(
        select(LostCall.call_unique_id, answered)
        .join(QueueStay, QueueStay.call_unique_id == LostCall.call_unique_id)
        .join(stay, stay.caller_e164 == QueueStay.caller_e164)
        .where(
            LostCall.request_id.is_(None),
            LostCall.lost_at >= period.begins_at,
            LostCall.lost_at < period.ends_at,
            stay.outcome == StayOutcome.ANSWERED,
            stay.answered_at > LostCall.lost_at,
        )
        .group_by(LostCall.call_unique_id)
    )
    return {call: at for call, at in rows if at is not None}


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
