"""Working on requests: take, hand over, wait for the citizen, complete, reject, reopen.

Whose a request is decides the database: each step is one conditional ``UPDATE``, so of two operators who take
the same request one has it and the other is told who.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, exists, func, or_, select, true, update
from sqlalchemy.orm import Session

from desk.courses import NotEnrolled, withdraw
from desk.models import (
    OPEN_STATES,
    Course,
    Enrolment,
    Operator,
    Request,
    RequestKind,
    RequestNote,
    RequestPeriod,
    RequestState,
    RoomBooking,
    RoomDecision,
)
from desk.operators import operator_by_login
from desk.permissions import Permission, may, roles_that_may
from desk.requests import IllegalChange, begin_period, check_change
from desk.rooms import RoomTaken, approve, refuse

#: How long after it was closed a request can be opened again: later, what it was about may be hidden already.
REOPEN_WITHIN = timedelta(days=30)
#: The longest text that goes with a step, or note.
LONGEST_NOTE = 2000

CLOSED_STATES = (RequestState.DONE, RequestState.REJECTED)


class Act(StrEnum):
    """What an operator can do with a request."""

    TAKE = "take"
    PUT_BACK = "put_back"
    HAND_OVER = "hand_over"
    WAIT = "wait"
    RESUME = "resume"
    COMPLETE = "complete"
    REJECT = "reject"
    REOPEN = "reopen"


class Outcome(StrEnum):
    """What became of it."""

    CHANGED = "changed"
    UNKNOWN = "unknown"
    #: Who asked has it already.
    ALREADY_MINE = "already_mine"
    #: Somebody else has it.
    TAKEN = "taken"
    #: Its state does not allow that (any more).
    NOT_POSSIBLE = "not_possible"
    #: It was not given to who asked, and only some may give away what is another's.
    NOT_ALLOWED = "not_allowed"
    #: There is nobody of that name who works on requests.
    NO_COLLEAGUE = "no_colleague"
    #: It was closed too long ago.
    TOO_LATE = "too_late"
    #: The room has been given to somebody else.
    ROOM_TAKEN = "room_taken"
    #: A reason has to be given.
    NO_REASON = "no_reason"


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome, and how the request stands now."""

    outcome: Outcome
    state: RequestState | None = None
    #: Log-in of who has it.
    assignee: str | None = None

    @property
    def changed(self) -> bool:
        """Whether it was done."""
        return self.outcome is Outcome.CHANGED


@dataclass(frozen=True, slots=True)
class Worker:
    """Who does it; ``assigns`` says whether others' requests, too."""

    login: str
    assigns: bool = False


#: In which states what can be done.
_FROM: dict[Act, Collection[RequestState]] = {
    Act.TAKE: OPEN_STATES,
    Act.PUT_BACK: (RequestState.IN_PROGRESS,),
    Act.HAND_OVER: OPEN_STATES,
    Act.WAIT: (RequestState.RECEIVED, RequestState.IN_PROGRESS),
    Act.RESUME: (RequestState.WAITING_CITIZEN,),
    Act.COMPLETE: OPEN_STATES,
    Act.REJECT: OPEN_STATES,
    Act.REOPEN: CLOSED_STATES,
}


def acts_for(
    state: RequestState, assignee: str | None, worker: Worker, *, closed_at: datetime | None, now: datetime
) -> frozenset[Act]:
    """What ``worker`` can do with a request that stands so; ``closed_at`` is since when it is closed."""
    possible = {act for act, states in _FROM.items() if state in states}
    if closed_at is not None and closed_at < now - REOPEN_WITHIN:
        possible.discard(Act.REOPEN)
    if assignee is not None:
        possible.discard(Act.TAKE)
    if assignee is None:
        possible.discard(Act.PUT_BACK)
        if not worker.assigns:
            possible.discard(Act.HAND_OVER)
    elif assignee != worker.login and not worker.assigns:
        possible &= {Act.REOPEN}
    return frozenset(possible)


def colleagues(session: Session) -> Sequence[Operator]:
    """Who works on requests, by name."""
    return session.scalars(
        select(Operator)
        .where(Operator.active, Operator.role.in_(roles_that_may(Permission.WORK_REQUESTS)))
        .order_by(Operator.name, Operator.id)
    ).all()


def take(session: Session, reference: str, worker: Worker, *, now: datetime) -> Done:
    """Begin to work on a request that nobody has."""
    request, done = _claim(
        session, reference, Act.TAKE, worker, Request.assignee.is_(None), assignee=worker.login
    )
    return done or _begin(session, request, RequestState.IN_PROGRESS, worker, now)


def put_back(session: Session, reference: str, worker: Worker, *, note: str = "", now: datetime) -> Done:
    """Leave a request to whoever takes it next."""
    request, done = _claim(session, reference, Act.PUT_BACK, worker, _ours(worker))
    if done:
        return done
    request.assignee = None
    return _begin(session, request, RequestState.RECEIVED, worker, now, note)


def hand_over(
    session: Session, reference: str, worker: Worker, *, to: str, note: str = "", now: datetime
) -> Done:
    """Give a request to the colleague with the log-in ``to``; who assigns also what others have."""
    colleague = operator_by_login(session, to)
    if colleague is None or not colleague.active or not may(colleague.role, Permission.WORK_REQUESTS):
        return Done(Outcome.NO_COLLEAGUE)
    whose = true() if worker.assigns else Request.assignee == worker.login
    request, done = _claim(session, reference, Act.HAND_OVER, worker, whose, assignee=to)
    if done:
        return done
    waits = request.state is RequestState.WAITING_CITIZEN
    state = RequestState.WAITING_CITIZEN if waits else RequestState.IN_PROGRESS
    return _begin(session, request, state, worker, now, note)


def wait_for_citizen(session: Session, reference: str, worker: Worker, *, note: str, now: datetime) -> Done:
    """Nothing can be done before the citizen brings or says what ``note`` says."""
    if not note.strip():
        return Done(Outcome.NO_REASON)
    request, done = _claim(session, reference, Act.WAIT, worker, _ours(worker))
    return done or _begin(session, request, RequestState.WAITING_CITIZEN, worker, now, note)


def resume(session: Session, reference: str, worker: Worker, *, note: str = "", now: datetime) -> Done:
    """Go on: the citizen has brought what was missing."""
    request, done = _claim(session, reference, Act.RESUME, worker, _ours(worker))
    return done or _begin(session, request, RequestState.IN_PROGRESS, worker, now, note)


def complete(session: Session, reference: str, worker: Worker, *, note: str = "", now: datetime) -> Done:
    """Close a request as done, and tell the citizen who agreed to be told. A room is given by this."""
    request, done = _claim(session, reference, Act.COMPLETE, worker, _ours(worker))
    if done:
        return done
    booking = _undecided_room(session, request)
    if booking is not None:
        try:
            approve(session, booking.id, by=worker.login, now=now)
        except RoomTaken:
            # Whoever found that out goes on with it.
            if request.state is RequestState.RECEIVED:
                begin_period(session, request, RequestState.IN_PROGRESS, by=worker.login, now=now)
            return Done(Outcome.ROOM_TAKEN, request.state, request.assignee)
        return _noted(session, request, note)
    return _begin(session, request, RequestState.DONE, worker, now, note)


def reject(session: Session, reference: str, worker: Worker, *, note: str, now: datetime) -> Done:
    """Close a request as rejected for the reason ``note``, and tell the citizen who agreed to be told.

    A room is refused by this; a place in a course goes to the next one.
    """
    if not note.strip():
        return Done(Outcome.NO_REASON)
    enrolment = session.scalar(
        select(Enrolment).join(Enrolment.request).where(Request.reference == reference)
    )
    if enrolment is not None:
        # The course first, as everybody does: two must not wait for each other in a circle.
        session.get_one(Course, enrolment.course_code, with_for_update=True, populate_existing=True)
    request, done = _claim(session, reference, Act.REJECT, worker, _ours(worker))
    if done:
        return done
    booking = _undecided_room(session, request)
    if booking is not None:
        refuse(session, booking.id, by=worker.login, now=now)
        return _noted(session, request, note)
    done = _begin(session, request, RequestState.REJECTED, worker, now, note)
    if enrolment is not None:
        # The citizen may have withdrawn already.
        with suppress(NotEnrolled):
            withdraw(session, enrolment.id, by=worker.login, now=now)
    return done


def reopen(session: Session, reference: str, worker: Worker, *, note: str, now: datetime) -> Done:
    """Work again on a request that was closed lately. What was decided about a room or a place stays so."""
    if not note.strip():
        return Done(Outcome.NO_REASON)
    lately = exists().where(
        RequestPeriod.request_id == Request.id,
        RequestPeriod.ended_at.is_(None),
        RequestPeriod.started_at >= now - REOPEN_WITHIN,
    )
    request, done = _claim(session, reference, Act.REOPEN, worker, lately, assignee=worker.login)
    return done or _begin(session, request, RequestState.IN_PROGRESS, worker, now, note)


def add_note(session: Session, reference: str, text: str, *, by: str, now: datetime) -> Done:
    """Note something for the colleagues."""
    text = text.strip()
    if not text:
        return Done(Outcome.NO_REASON)
    number = session.scalar(select(Request.id).where(Request.reference == reference))
    if number is None:
        return Done(Outcome.UNKNOWN)
    session.add(RequestNote(request_id=number, at=now, by=by, text=text))
    session.flush()
    return Done(Outcome.CHANGED)


def _ours(worker: Worker) -> ColumnElement[bool]:
    """What ``worker`` may go on with: the own requests and nobody's; who assigns also others'."""
    if worker.assigns:
        return true()
    return or_(Request.assignee.is_(None), Request.assignee == worker.login)


def _claim(
    session: Session,
    reference: str,
    act: Act,
    worker: Worker,
    whose: ColumnElement[bool],
    *,
    assignee: str | None = None,
) -> tuple[Request, Done | None]:
    """Lock the request for this transaction; make it ``assignee``'s, or else ``worker``'s if it is nobody's.

    Gives the request and ``None``, or why not.
    """
    claimed = session.execute(
        update(Request)
        .where(Request.reference == reference, Request.state.in_(_FROM[act]), whose)
        .values(assignee=assignee or func.coalesce(Request.assignee, worker.login))
        .returning(Request.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    request = session.scalar(
        select(Request).where(Request.reference == reference).execution_options(populate_existing=True)
    )
    if request is None:
        return Request(), Done(Outcome.UNKNOWN)
    session.refresh(request)
    if claimed is None:
        return request, Done(_why_not(request, act, worker), request.state, request.assignee)
    return request, None


def _why_not(request: Request, act: Act, worker: Worker) -> Outcome:
    if request.state not in _FROM[act]:
        return Outcome.NOT_POSSIBLE
    if act is Act.REOPEN:
        return Outcome.TOO_LATE
    if act is Act.TAKE and request.assignee == worker.login:
        return Outcome.ALREADY_MINE
    return Outcome.TAKEN if request.assignee is not None else Outcome.NOT_ALLOWED


def _begin(
    session: Session, request: Request, to: RequestState, worker: Worker, now: datetime, note: str = ""
) -> Done:
    if request.state is RequestState.RECEIVED and to not in (RequestState.IN_PROGRESS, RequestState.RECEIVED):
        # Whoever concludes a request at once has worked on it.
        begin_period(session, request, RequestState.IN_PROGRESS, by=worker.login, now=now)
    if request.state is not to:
        try:
            check_change(request, to)
        except IllegalChange:
            return Done(Outcome.NOT_POSSIBLE, request.state, request.assignee)
    begin_period(session, request, to, by=worker.login, now=now, note=note.strip() or None)
    return Done(Outcome.CHANGED, request.state, request.assignee)


def _noted(session: Session, request: Request, note: str) -> Done:
    """The text goes to the span that the decision about a room has begun."""
    request.periods[-1].note = note.strip() or None
    session.flush()
    return Done(Outcome.CHANGED, request.state, request.assignee)


def _undecided_room(session: Session, request: Request) -> RoomBooking | None:
    if request.kind is not RequestKind.ROOM:
        return None
    return session.scalar(
        select(RoomBooking).where(
            RoomBooking.request_id == request.id, RoomBooking.decision == RoomDecision.REQUESTED
        )
    )
