"""Lost calls: who reached nobody and left nothing becomes an item of the request list, one for each number.

A call is lost when its caller gave up in the queue, found nobody there and left neither a message nor a
request, or hung up while being put through. Who gave up sooner than ``short_abandon_seconds`` is not counted.
Whose number waits for a call-back is not lost.
A withheld number cannot be called back: its call is counted (``lost_calls``), but is no item, as nobody can
do anything about it.

An item stays until somebody handles it, or closes itself: when the number called again and was answered, or
was called back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Exists, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from desk.call_backs import OPEN
from desk.db import one_at_a_time
from desk.hand_over import summaries
from desk.models import (
    CALL_BACK_CALL,
    LONGEST_CALL,
    Call,
    CallBack,
    CallOutcome,
    Channel,
    LostCall,
    LostCallDetails,
    OpenLostCall,
    QueueStay,
    Request,
    RequestKind,
    RequestPeriod,
    RequestState,
    RoutingRules,
    StayOutcome,
    unindexed,
)
from desk.models.details import Closed
from desk.requests import close_by_itself, file_request

#: Working days within which a lost call is called back.
DAYS = 1
#: The node at which the caller is being put through.
PERSON = "person"
#: How far back calls are looked for: a worker that was away for longer has other troubles.
REACH = timedelta(days=14)
#: Who closes an item that needs nobody.
SYSTEM = "system"
#: Topics kept of one item.
_TOPICS = 5

_CLOSED_STATES = (RequestState.DONE, RequestState.REJECTED)


@dataclass(frozen=True, slots=True)
class Lost:
    """A call that was lost, ``wait`` seconds in the queue."""

    call_unique_id: str
    caller: str | None
    at: datetime
    wait: int


def note_lost_calls(session: Session, *, now: datetime) -> int:
    """Look at the calls that ended since the last time; returns how many were lost."""
    # Two workers by mistake come one after the other; the keys of the tables would refuse the second one.
    one_at_a_time(session, "lost calls")
    lost = sorted((*_from_queue(session, now), *_put_through(session, now)), key=lambda call: call.at)
    about = summaries(session, [call.call_unique_id for call in lost])
    for call in lost:
        request = None
        if call.caller is not None and _served_since(session, call.caller, call.at) is None:
            request = _item(session, call.caller, call, about.get(call.call_unique_id), now)
        session.add(
            LostCall(
                call_unique_id=call.call_unique_id,
                request_id=request.id if request else None,
                lost_at=call.at,
            )
        )
        session.flush()
    return len(lost)


def close_served(session: Session, *, now: datetime) -> int:
    """Close the items of numbers that were served meanwhile; returns how many."""
    one_at_a_time(session, "lost calls")
    closed = 0
    for item in session.scalars(select(OpenLostCall)).all():
        request = session.get_one(Request, item.request_id)
        if request.state in _CLOSED_STATES:
            # An operator has handled it: the next lost call is a new item.
            session.delete(item)
            continue
        why = _served_since(session, item.e164, item.last_at)
        if why is None:
            continue
        assert isinstance(request.details, LostCallDetails)
        request.details = request.details.model_copy(update={"closed": why})
        close_by_itself(session, request, by=SYSTEM, now=now)
        session.delete(item)
        closed += 1
    session.flush()
    return closed


def _item(session: Session, caller: str, call: Lost, about: str | None, now: datetime) -> Request:
    """The open item of ``caller``, with this call counted in."""
    item = session.get(OpenLostCall, caller)
    request = session.get_one(Request, item.request_id) if item else None
    if item and request and request.state not in _CLOSED_STATES:
        assert isinstance(request.details, LostCallDetails)
        request.details = _merged(request.details, call, about)
        item.last_at = max(item.last_at, call.at)
        session.flush()
        return request
    request, _ = file_request(
        session,
        details=LostCallDetails(
            calls=1,
            first_at=call.at,
            last_at=call.at,
            longest_wait=call.wait,
            about=(about,) if about else (),
        ),
        channel=Channel.PHONE,
        citizen_id=None,
        contact_e164=caller,
        working_days=DAYS,
        idempotency_key=f"lost-{call.call_unique_id}",
        call_unique_id=call.call_unique_id,
        language=_language(session, call.call_unique_id),
        now=now,
    )
    if item:
        item.request_id, item.last_at = request.id, call.at
    else:
        session.add(OpenLostCall(e164=caller, request_id=request.id, last_at=call.at))
    session.flush()
    return request


def _merged(details: LostCallDetails, call: Lost, about: str | None) -> LostCallDetails:
    topics = dict.fromkeys((*details.about, *((about,) if about else ())))
    return details.model_copy(
        update={
            "calls": details.calls + 1,
            "first_at": min(details.first_at, call.at),
            "last_at": max(details.last_at, call.at),
            "longest_wait": max(details.longest_wait, call.wait),
            "about": tuple(topics)[-_TOPICS:],
        }
    )


def _from_queue(session: Session, now: datetime) -> Iterator[Lost]:
    """Those who gave up in the queue, and those for whom nobody was there and who left nothing."""
    rules = session.get(RoutingRules, 1)
    short = rules.short_abandon_seconds if rules else 0
    stays = session.scalars(
        select(QueueStay).where(
            QueueStay.outcome.in_((StayOutcome.ABANDONED, StayOutcome.UNANSWERED)),
            QueueStay.entered_at > now - REACH,
            ~QueueStay.call_unique_id.startswith(CALL_BACK_CALL),
            ~exists().where(LostCall.call_unique_id == QueueStay.call_unique_id),
            ~_left_something(QueueStay.call_unique_id),
            ~_is_called_back(QueueStay.caller_e164),
        )
    )
    for stay in stays.all():
        ended = stay.ended_at or stay.entered_at
        wait = max(0, int((ended - stay.entered_at).total_seconds()))
        if stay.outcome is StayOutcome.UNANSWERED or wait >= short:
            yield Lost(stay.call_unique_id, stay.caller_e164, ended, wait)


def _put_through(session: Session, now: datetime) -> Iterator[Lost]:
    """Those who hung up while they were being put through: the queue never saw them."""
    calls: Sequence[Call] = session.scalars(
        select(Call).where(
            Call.outcome == CallOutcome.HUNG_UP,
            Call.last_node == PERSON,
            Call.ended_at > now - REACH,
            # By the index of the begin, and not through all calls there ever were.
            Call.started_at > now - REACH - LONGEST_CALL,
            ~exists().where(LostCall.call_unique_id == Call.unique_id),
            ~exists().where(QueueStay.call_unique_id == Call.unique_id),
            ~_left_something(Call.unique_id),
            ~_is_called_back(Call.caller_e164),
        )
    ).all()
    for call in calls:
        assert call.ended_at is not None
        yield Lost(call.unique_id, call.caller_e164, call.ended_at, 0)


def _left_something(unique_id: InstrumentedAttribute[str]) -> Exists:
    """Whether a request of any kind was filed in that call."""
    call = aliased(Call)
    return exists().where(
        Request.call_id == call.id, call.unique_id == unique_id, Request.kind != RequestKind.LOST_CALL
    )


def _is_called_back(number: InstrumentedAttribute[str | None]) -> Exists:
    """Whether that number waits for a call-back."""
    return exists().where(CallBack.e164 == number, CallBack.state.in_(OPEN))


def _served_since(session: Session, caller: str, at: datetime) -> Closed | None:
    """How that number was served after ``at``."""
    answered = select(QueueStay.id).where(
        QueueStay.caller_e164 == caller,
        ~QueueStay.call_unique_id.startswith(CALL_BACK_CALL),
        QueueStay.outcome == StayOutcome.ANSWERED,
        QueueStay.answered_at > at,
        QueueStay.entered_at > at - LONGEST_CALL,
    )
    if session.scalar(answered.limit(1)) is not None:
        return Closed.CALLED_AGAIN
    called_back = (
        select(RequestPeriod.id)
        .join(Request, Request.id == RequestPeriod.request_id)
        .where(
            unindexed(Request.kind) == RequestKind.CALL_BACK,
            Request.contact_e164 == caller,
            RequestPeriod.state == RequestState.DONE,
            RequestPeriod.started_at > at,
        )
    )
    return Closed.CALLED_BACK if session.scalar(called_back.limit(1)) is not None else None


def _language(session: Session, call_unique_id: str) -> str:
    return session.scalar(select(Call.language).where(Call.unique_id == call_unique_id)) or "it"
