"""The one list of requests, whatever channel they came through."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from desk.calendar import add_working_days
from desk.events import note_event
from desk.models import (
    Call,
    CertificateDetails,
    Channel,
    Delivery,
    EventKind,
    Message,
    MessageDetails,
    Request,
    RequestDetails,
    RequestKind,
    RequestPeriod,
    RequestState,
)
from desk.models.details import CounterKind
from desk.references import add_with_reference
from desk.settings import ROME
from desk.sms.outbox import write_if_agreed

#: Working days within which a recorded message is answered.
MESSAGE_DAYS = 1

#: The kinds whose citizens wait for something of ours, and are told when it is done or late.
WAITED_FOR = frozenset({RequestKind.CERTIFICATE, RequestKind.REPORT, *get_args(CounterKind)})

_NEXT = {
    RequestState.RECEIVED: {RequestState.IN_PROGRESS, RequestState.REJECTED},
    RequestState.IN_PROGRESS: {
        RequestState.RECEIVED,
        RequestState.WAITING_CITIZEN,
        RequestState.DONE,
        RequestState.REJECTED,
    },
    RequestState.WAITING_CITIZEN: {RequestState.IN_PROGRESS, RequestState.DONE, RequestState.REJECTED},
    RequestState.DONE: {RequestState.IN_PROGRESS},
    RequestState.REJECTED: {RequestState.IN_PROGRESS},
}


class IllegalChange(ValueError):
    """A request cannot go from its state to the one wanted."""


class Order(BaseModel):
    """What every confirmed request has. It can wait in the spool, so it is a model.

    Filing the same ``idempotency_key`` twice files it once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    #: Who asks, where that is nobody of the register: the name, the last name first, and the tax code where
    #: somebody has verified it.
    applicant: str | None = Field(default=None, max_length=160)
    applicant_tax_code: str | None = None
    contact_e164: str | None = None
    language: str = "it"
    channel: Channel = Channel.PHONE
    idempotency_key: str
    call_unique_id: str | None = None


class MessageOrder(BaseModel):
    """A message that a caller recorded. It can wait in the spool, so it is a model."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    recording: Path
    seconds: float | None = None
    caller: str | None = None
    language: str = "it"
    idempotency_key: str
    call_unique_id: str | None = None


def file_request(
    session: Session,
    *,
    details: RequestDetails,
    channel: Channel,
    citizen_id: int | None,
    contact_e164: str | None,
    working_days: int,
    idempotency_key: str,
    call_unique_id: str | None,
    language: str,
    now: datetime,
    applicant: str | None = None,
    applicant_tax_code: str | None = None,
) -> tuple[Request, bool]:
    """File a request, received at ``now``, due after ``working_days``; and whether it is a new one.

    The same ``idempotency_key`` gives the request that was filed with it first. Belongs into the caller's
    transaction, together with all that follows from the request.
    """
    known = request_by_key(session, idempotency_key)
    if known is not None:
        return known, False
    call_id = None
    if call_unique_id is not None:
        call_id = session.scalar(select(Call.id).where(Call.unique_id == call_unique_id))

    def new(reference: str) -> Request:
        return Request(
            reference=reference,
            channel=channel,
            kind=details.kind,
            details=details,
            citizen_id=citizen_id,
            applicant=applicant,
            applicant_tax_code=applicant_tax_code,
            contact_e164=contact_e164,
            state=RequestState.RECEIVED,
            due_on=add_working_days(now.astimezone(ROME).date(), working_days),
            filed_at=now,
            idempotency_key=idempotency_key,
            call_id=call_id,
            language=language,
            periods=[
                RequestPeriod(state=RequestState.RECEIVED, started_at=now, ended_at=None, by=channel.value)
            ],
        )

    try:
        request = add_with_reference(session, new)
    except IntegrityError:
        # Somebody filed the same key at the same moment; or the citizen has left the register.
        known = request_by_key(session, idempotency_key)
        if known is None:
            raise
        return known, False
    _tell(session, EventKind.REQUEST_FILED, request, now)
    return request, True


def file_order(
    session: Session,
    order: Order,
    details: RequestDetails,
    *,
    working_days: int,
    now: datetime,
    citizen_id: int | None = None,
) -> tuple[Request, bool]:
    """File what was ordered; see :func:`file_request`."""
    return file_request(
        session,
        details=details,
        channel=order.channel,
        citizen_id=citizen_id,
        contact_e164=order.contact_e164,
        working_days=working_days,
        idempotency_key=order.idempotency_key,
        call_unique_id=order.call_unique_id,
        language=order.language,
        now=now,
        applicant=order.applicant,
        applicant_tax_code=order.applicant_tax_code,
    )


def file_message(session: Session, order: MessageOrder, *, now: datetime) -> Request:
    """File a recorded message for the operators; the same order is filed once."""
    request, _ = file_request(
        session,
        details=MessageDetails(recording=order.recording, seconds=order.seconds),
        channel=Channel.PHONE,
        citizen_id=None,
        contact_e164=order.caller,
        working_days=MESSAGE_DAYS,
        idempotency_key=order.idempotency_key,
        call_unique_id=order.call_unique_id,
        language=order.language,
        now=now,
    )
    return request


def request_by_key(session: Session, idempotency_key: str) -> Request | None:
    """The request that was filed with that key."""
    return session.scalar(select(Request).where(Request.idempotency_key == idempotency_key))


def request_by_reference(session: Session, reference: str) -> Request | None:
    """The request with that reference, with its periods and its citizen."""
    return session.scalar(
        select(Request)
        .where(Request.reference == reference)
        .options(selectinload(Request.periods), selectinload(Request.citizen))
    )


def conclude(session: Session, request: Request, *, by: str, now: datetime) -> None:
    """Make the request done, whatever it is now. What is closed already stays as it is."""
    if request.state is RequestState.RECEIVED:
        change_state(session, request, RequestState.IN_PROGRESS, by=by, now=now)
    if RequestState.DONE in _NEXT[request.state]:
        change_state(session, request, RequestState.DONE, by=by, now=now)


def change_state(session: Session, request: Request, to: RequestState, *, by: str, now: datetime) -> None:
    """End the period of the present state and begin one of ``to``. Raises :class:`IllegalChange`.

    What is done is told by SMS, once, where the number consents.
    """
    # Locked and read again: two operators may press at the same moment.
    session.refresh(request, with_for_update=True)
    check_change(request, to)
    begin_period(session, request, to, by=by, now=now)


def check_change(request: Request, to: RequestState) -> None:
    """Raises :class:`IllegalChange` where the request cannot become ``to``."""
    if to not in _NEXT[request.state]:
        raise IllegalChange(f"a request that is {request.state} cannot become {to}")


def close_by_itself(session: Session, request: Request, *, by: str, now: datetime) -> None:
    """A request is done without anybody having worked on it: what it was about has come right by itself."""
    session.flush()
    session.refresh(request, with_for_update=True)
    if request.state not in (RequestState.DONE, RequestState.REJECTED):
        begin_period(session, request, RequestState.DONE, by=by, now=now)


def begin_period(
    session: Session,
    request: Request,
    to: RequestState,
    *,
    by: str,
    now: datetime,
    note: str | None = None,
    tell: bool = True,
) -> None:
    """End the present period of a locked request and begin one of ``to``, with who has the request now.

    Args:
        session: a transaction.
        request: locked, so that nobody else does the same.
        to: the state; the same as before where only somebody else has the request now.
        by: who did it.
        now: the time.
        note: what was said with it.
        tell: whether the citizen hears of it by SMS, if the number consents.
    """
    before = request.state
    for period in request.periods:
        if period.ended_at is None:
            period.ended_at = now
    if to is RequestState.RECEIVED:
        request.assignee = None
    request.periods.append(
        RequestPeriod(state=to, started_at=now, ended_at=None, by=by, assignee=request.assignee, note=note)
    )
    request.state = to
    session.flush()
    if before is to:
        return
    _tell(session, EventKind.REQUEST_STATE_CHANGED, request, now)
    if not tell or request.kind not in WAITED_FOR:
        return
    if to is RequestState.REJECTED:
        write_news(session, request, "request_rejected", occasion="rejected", now=now)
    if to is RequestState.DONE:
        details = request.details
        at_counter = isinstance(details, CertificateDetails) and details.delivery is Delivery.COUNTER
        template = "certificate_ready" if at_counter else "request_done"
        write_news(session, request, template, occasion="done", now=now)


def write_news(
    session: Session, request: Request, template: str, *, occasion: str, now: datetime
) -> Message | None:
    """Text how a request stands to who made it, if that was agreed to; once for each ``occasion``."""
    return write_if_agreed(
        session,
        to=request.contact_e164,
        template=template,
        values={"ref": request.reference},
        language=request.language,
        request_id=request.id,
        now=now,
        key=f"{occasion} {request.id}",
    )


def _tell(session: Session, kind: EventKind, request: Request, now: datetime) -> None:
    """Write the event for the town's other systems."""
    data = {
        "reference": request.reference,
        "kind": request.kind.value,
        "channel": request.channel.value,
        "state": request.state.value,
        "due_on": request.due_on.isoformat(),
    }
    note_event(session, kind, data, now=now)
