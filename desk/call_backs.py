"""Call-backs: asked for by a citizen, made by the worker, and always in the shared list of requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from desk.calendar import day_of
from desk.models import (
    CALL_BACK_CALL,
    LONGEST_CALL,
    CallBack,
    CallBackDetails,
    CallBackResult,
    CallBackState,
    Channel,
    Phone,
    QueueStay,
    RequestState,
    StayOutcome,
    Tier,
)
from desk.requests import change_state, file_request, request_by_key
from desk.settings import Settings

#: Working days within which a citizen is called back, by whatever means.
WORKING_DAYS = 1
#: Callers who withhold their number share one limit, this many times as large as one number's.
WITHHELD_POOL = 5
#: Who changed a request's state, where it was the worker after a call.
BY = Channel.PHONE.value

#: States in which a citizen waits for a call-back.
OPEN = (CallBackState.WAITING, CallBackState.QUEUED)
#: Results after which another try makes sense, because a telephone was called in vain.
NOT_REACHED = {
    CallBackResult.BUSY,
    CallBackResult.NO_ANSWER,
    CallBackResult.NO_KEY,
    CallBackResult.UNREACHABLE,
}


class CallBackOrder(BaseModel):
    """A call-back that a caller asked for. It can wait in the spool, so it is a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    number: str
    caller: str | None = None
    waiting_since: datetime
    language: str = "it"
    idempotency_key: str
    call_unique_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallBackLimits:
    """How many call-backs a day may be asked for to one number, and by one caller."""

    per_number: int = 3
    per_caller: int = 3


def call_back_limits_of(settings: Settings) -> CallBackLimits:
    """The limits that are set."""
    return CallBackLimits(settings.call_backs_per_number_and_day, settings.call_backs_per_caller_and_day)


class Asked(Enum):
    """What came of asking for a call-back."""

    FILED = auto()
    #: That number waits for one.
    ALREADY = auto()
    #: Today's limit is used up.
    REFUSED = auto()


def ask_call_back(session: Session, order: CallBackOrder, *, limits: CallBackLimits, now: datetime) -> Asked:
    """File a call-back, in the caller's transaction. The same ``idempotency_key`` is filed once."""
    if request_by_key(session, order.idempotency_key) is not None:
        return Asked.FILED
    if open_call_back(session, order.number) is not None:
        return Asked.ALREADY
    if not _number_left(session, order.number, limits, now) or not may_ask(
        session, order.caller, limits=limits, now=now
    ):
        return Asked.REFUSED
    try:
        with session.begin_nested():
            _file(session, order, now)
    except IntegrityError:
        # Somebody asked for the same number at the same moment.
        if open_call_back(session, order.number) is None:
            raise
        return Asked.ALREADY
    return Asked.FILED


def _file(session: Session, order: CallBackOrder, now: datetime) -> None:
    request, _ = file_request(
        session,
        details=CallBackDetails(number=order.number, waiting_since=order.waiting_since),
        channel=Channel.PHONE,
        citizen_id=None,
        contact_e164=order.number,
        working_days=WORKING_DAYS,
        idempotency_key=order.idempotency_key,
        call_unique_id=order.call_unique_id,
        language=order.language,
        now=now,
    )
    session.add(
        CallBack(
            request=request,
            e164=order.number,
            asked_by=order.caller,
            asked_at=now,
            waiting_since=order.waiting_since,
            state=CallBackState.WAITING,
            next_try_at=now,
        )
    )
    session.flush()


def may_ask(session: Session, caller: str | None, *, limits: CallBackLimits, now: datetime) -> bool:
    """Whether today's limit leaves ``caller`` (``None``: withheld) a call-back to ask for."""
    by = CallBack.asked_by.is_(None) if caller is None else CallBack.asked_by == caller
    return _asked_today(session, by, now) < limits.per_caller * (WITHHELD_POOL if caller is None else 1)


def _number_left(session: Session, e164: str, limits: CallBackLimits, now: datetime) -> bool:
    return _asked_today(session, CallBack.e164 == e164, now) < limits.per_number


def _asked_today(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    begin, end = day_of(now)
    count = select(func.count()).select_from(CallBack)
    return session.scalar(count.where(which, CallBack.asked_at >= begin, CallBack.asked_at < end)) or 0


def open_call_back(session: Session, e164: str, *, lock: bool = False) -> CallBack | None:
    """The call-back that ``e164`` waits for; with ``lock`` it stays so until the transaction ends."""
    found = select(CallBack).where(CallBack.e164 == e164, CallBack.state.in_(OPEN))
    return session.scalar(found.with_for_update() if lock else found)


def open_call_backs(session: Session, *, lock: bool = False) -> Sequence[CallBack]:
    """All that wait, with their requests, the longest wait first; with ``lock`` they stay so."""
    found = (
        select(CallBack)
        .where(CallBack.state.in_(OPEN))
        .options(selectinload(CallBack.request))
        .order_by(CallBack.waiting_since, CallBack.id)
    )
    return session.scalars(found.with_for_update() if lock else found).all()


def cancel_call_back(session: Session, e164: str, *, by: str, now: datetime) -> bool:
    """Do not call ``e164`` back; whether it waited for that. A call in the queue is hung up by the worker."""
    call_back = open_call_back(session, e164, lock=True)
    if call_back is None:
        return False
    _close(session, call_back, CallBackState.CANCELLED, RequestState.REJECTED, by=by, now=now)
    return True


def begin_attempt(session: Session, call_back: CallBack, *, known_by: datetime) -> str:
    """A call is about to be made: its name. By ``known_by`` Asterisk must know it, or it is lost."""
    call_back.state = CallBackState.QUEUED
    call_back.attempts += 1
    call_back.channel_id = f"{CALL_BACK_CALL}{call_back.request_id}-{call_back.attempts}"
    call_back.next_try_at = known_by
    return call_back.channel_id


def attempt(session: Session, channel_id: str) -> CallBack | None:
    """The call-back whose last attempt has that name, locked."""
    return session.scalar(select(CallBack).where(CallBack.channel_id == channel_id).with_for_update())


def note_served(session: Session, call_back: CallBack, result: CallBackResult, *, now: datetime) -> None:
    """The citizen talked to an operator: the call-back and its request are done."""
    call_back.last_result = result
    _close(session, call_back, CallBackState.DONE, RequestState.DONE, by=BY, now=now)


def note_failed_try(call_back: CallBack, result: CallBackResult, *, next_try_at: datetime | None) -> None:
    """Nobody talked to anybody. Try again at ``next_try_at``, or (``None``) leave it to the operators."""
    call_back.last_result = result
    call_back.not_reached += result in NOT_REACHED
    if next_try_at is not None:
        call_back.state, call_back.next_try_at = CallBackState.WAITING, next_try_at
        return
    call_back.state = CallBackState.FAILED
    request = call_back.request
    assert isinstance(request.details, CallBackDetails)
    request.details = request.details.model_copy(update={"tries": call_back.not_reached, "result": result})


def close_settled(session: Session, *, now: datetime) -> None:
    """Close what is settled otherwise: an operator took or closed the request, or the citizen was served."""
    for call_back in open_call_backs(session, lock=True):
        if call_back.request.state is not RequestState.RECEIVED:
            call_back.state = CallBackState.CANCELLED
        elif _served_since(session, call_back):
            note_served(session, call_back, CallBackResult.SERVED_MEANWHILE, now=now)


def is_on_the_line() -> ColumnElement[bool]:
    """Whether the citizen of a call-back waits in the queue now, having called again.

    The citizen has the place of the call-back meanwhile, which would only find the line engaged.
    """
    return exists().where(
        QueueStay.caller_e164 == CallBack.e164,
        QueueStay.outcome == StayOutcome.WAITING,
        QueueStay.entered_at > CallBack.asked_at,
        ~QueueStay.call_unique_id.startswith(CALL_BACK_CALL),
    )


def on_the_line(session: Session) -> Sequence[int]:
    """The ids of the call-backs whose citizens wait in the queue now."""
    return session.scalars(select(CallBack.id).where(CallBack.state.in_(OPEN), is_on_the_line())).all()


def unwanted_attempts(session: Session, channel_ids: Sequence[str]) -> Sequence[str]:
    """Those of the calls named that nobody wants any more, or not now."""
    return session.scalars(
        select(CallBack.channel_id).where(
            CallBack.channel_id.in_(channel_ids),
            (CallBack.state == CallBackState.CANCELLED)
            | (CallBack.last_result == CallBackResult.SERVED_MEANWHILE)
            | (CallBack.state == CallBackState.QUEUED) & is_on_the_line(),
        )
    ).all()  # type: ignore[return-value]


def _served_since(session: Session, call_back: CallBack) -> bool:
    # An office on its own number is not whom the citizen waits for.
    offices = select(Phone.extension).where(Phone.tier == Tier.OFFICE)
    served = select(QueueStay.id).where(
        QueueStay.caller_e164 == call_back.e164,
        QueueStay.extension.not_in(offices),
        QueueStay.outcome == StayOutcome.ANSWERED,
        QueueStay.answered_at > call_back.asked_at,
        QueueStay.entered_at > call_back.asked_at - LONGEST_CALL,
        # The call-back itself is answered by the operator before the citizen is there.
        ~QueueStay.call_unique_id.startswith(CALL_BACK_CALL),
    )
    return session.scalar(served.limit(1)) is not None


def _close(
    session: Session,
    call_back: CallBack,
    state: CallBackState,
    request_state: RequestState,
    *,
    by: str,
    now: datetime,
) -> None:
    call_back.state = state
    request = call_back.request
    if request.state is RequestState.RECEIVED and request_state is RequestState.DONE:
        change_state(session, request, RequestState.IN_PROGRESS, by=by, now=now)
    if request.state in {RequestState.RECEIVED, RequestState.IN_PROGRESS}:
        change_state(session, request, request_state, by=by, now=now)
