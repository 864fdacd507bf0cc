"""What an operator is shown of a call: little while it rings, all that helps once it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from desk.appointments import appointments_of
from desk.audit import AuditAction, note_look
from desk.citizens import citizens_with_number
from desk.hand_over import Answer, handed_over
from desk.models import (
    Call,
    CallOutcome,
    Citizen,
    QueueStay,
    Request,
    RequestKind,
    RequestState,
)
from desk.settings import ROME

#: So many of each are shown; the rest is on other pages.
REQUESTS, PAST_CALLS = 8, 5
_OPEN = (RequestState.RECEIVED, RequestState.IN_PROGRESS, RequestState.WAITING_CITIZEN)


@dataclass(frozen=True, slots=True)
class Ringing:
    """What every display shows: nothing that says who it is. ``number`` is ``None`` where it is withheld."""

    call_unique_id: str
    number: str | None
    summary: str
    language: str
    #: Since when the caller waits for a person; ``None`` where nothing is known of a wait.
    waiting_since: datetime | None
    #: Seconds it waited until somebody answered; ``None`` until then.
    waited: int | None
    #: The office whose own number was dialled.
    office: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """A citizen who may be calling; ``sure`` if the caller was identified in this call."""

    citizen_id: int
    name: str
    sure: bool


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that is not closed."""

    reference: str
    #: The code of a certificate, or of another kind of request.
    kind: str
    state: RequestState
    due_on: date
    overdue: bool


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment to come, of that citizen."""

    reference: str
    service_it: str
    service_en: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class PastCall:
    """An earlier call of this number."""

    at: datetime
    outcome: CallOutcome | None
    summary: str
    #: The phone that answered.
    extension: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """All of it: for the one who talks with the caller."""

    ringing: Ringing
    citizens: Sequence[Known]
    answers: Sequence[Answer]
    #: What was recorded of the caller in this call; the files may be gone.
    said: Sequence[Path]
    requests: Sequence[OpenRequest]
    appointments: Sequence[Appointment]
    past_calls: Sequence[PastCall]


def ringing_card(session: Session, call_unique_id: str, *, now: datetime) -> Ringing | None:
    """What may be shown before anybody has answered; ``None`` for a call that is no citizen's."""
    call = session.scalar(select(Call).where(Call.unique_id == call_unique_id))
    stay = session.scalar(select(QueueStay).where(QueueStay.call_unique_id == call_unique_id))
    given = handed_over(session, call_unique_id, now=now)
    if call is None and stay is None and given is None:
        return None
    number = call.caller_e164 if call else stay.caller_e164 if stay else None
    answered = stay.answered_at if stay else None
    return Ringing(
        call_unique_id,
        number,
        given.summary if given else "",
        call.language if call and call.language else "it",
        stay.entered_at if stay else given.at if given else None,
        int((answered - stay.entered_at).total_seconds()) if stay and answered else None,
        given.office if given else None,
    )


def caller_card(session: Session, call_unique_id: str, *, by: str, now: datetime) -> Card | None:
    """Everything, for the operator (log-in ``by``) who talks with the caller. It is audited."""
    ringing = ringing_card(session, call_unique_id, now=now)
    if ringing is None:
        return None
    given = handed_over(session, call_unique_id, now=now)
    citizens = _citizens(session, ringing.number, given.citizen_id if given else None)
    # Of a family that shares a number nobody's requests are shown until it is known who calls.
    citizen = citizens[0] if len(citizens) == 1 else None
    note_look(
        session,
        by=by,
        action=AuditAction.VIEWED,
        now=now,
        citizen_id=citizen.citizen_id if citizen else None,
        detail="caller card",
    )
    return Card(
        ringing,
        citizens,
        given.answers if given else (),
        given.recordings if given else (),
        _requests(session, ringing.number, citizen, now.astimezone(ROME).date()),
        _appointments(session, citizen, now),
        _past_calls(session, ringing, now),
    )


def _citizens(session: Session, number: str | None, identified: int | None) -> Sequence[Known]:
    if identified is not None:
        citizen = session.get(Citizen, identified)
        return (_known(citizen, sure=True),) if citizen else ()
    if number is None:
        return ()
    return [_known(citizen, sure=False) for citizen in citizens_with_number(session, number)]


def _known(citizen: Citizen, *, sure: bool) -> Known:
    return Known(citizen.id, f"{citizen.first_name} {citizen.last_name}", sure)


def _requests(
    session: Session, number: str | None, citizen: Known | None, today: date
) -> Sequence[OpenRequest]:
    theirs = [Request.contact_e164 == number] if number else []
    if citizen:
        theirs.append(Request.citizen_id == citizen.citizen_id)
    if not theirs:
        return ()
    found = session.scalars(
        select(Request)
        .where(or_(*theirs), Request.state.in_(_OPEN), Request.kind != RequestKind.LOST_CALL)
        .order_by(Request.due_on, Request.id)
        .limit(REQUESTS)
    )
    return [
        OpenRequest(
            request.reference,
            getattr(request.details, "certificate", None) or request.kind.value,
            request.state,
            request.due_on,
            request.due_on < today,
        )
        for request in found
    ]


def _appointments(session: Session, citizen: Known | None, now: datetime) -> Sequence[Appointment]:
    if citizen is None:
        return ()
    return [
        Appointment(booking.reference, booking.service.name_it, booking.service.name_en, booking.starts_at)
        for booking in appointments_of(session, citizen.citizen_id, now=now)
    ]


def _past_calls(session: Session, ringing: Ringing, now: datetime) -> Sequence[PastCall]:
    if ringing.number is None:
        return ()
    calls = session.scalars(
        select(Call)
        .where(Call.caller_e164 == ringing.number, Call.unique_id != ringing.call_unique_id)
        .order_by(Call.id.desc())
        .limit(PAST_CALLS)
    ).all()
    names = [call.unique_id for call in calls]
    answered = dict(
        iter(
            session.execute(
                # Only who was answered has one. Asked for the outcome, too, SQLite looks through all such.
                select(QueueStay.call_unique_id, QueueStay.extension).where(
                    QueueStay.call_unique_id.in_(names)
                )
            )
        )
    )
    about = {
        name: given.summary for name in names if (given := handed_over(session, name, now=now)) is not None
    }
    return [
        PastCall(call.started_at, call.outcome, about.get(call.unique_id, ""), answered.get(call.unique_id))
        for call in calls
    ]
