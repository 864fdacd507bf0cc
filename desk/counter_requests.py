"""What is asked for at the counter, or by telephone of an operator: the twelve services of the town's desk.

Certificates and reports are filed as from everywhere else (:mod:`desk.certificates`,
:mod:`desk.complaints`); the other ten are told in a few words.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field
from sqlalchemy.orm import Session

from desk.counter import UnknownService, record_visit
from desk.models import (
    CounterDetails,
    IdentifiedBy,
    Request,
    RequestKind,
    RequestState,
)
from desk.models.details import CounterKind
from desk.receipts import note_agreement
from desk.requests import Order, begin_period, file_order


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the counter."""

    #: Working days within which it is done.
    working_days: int
    #: Whether who asks has to say who it is.
    identified: bool


#: How visits for them are counted (:mod:`desk.counter`), where the name differs.
_COUNTED_AS: Mapping[RequestKind, str] = {
    RequestKind.CERTIFICATE: "certificates",
    RequestKind.RESIDENCE_CHANGE: "residence",
    RequestKind.REPORT: "complaints",
}

#: The ten services that are told in a few words, in the order in which the town names them.
SERVICES: Mapping[RequestKind, Service] = {
    RequestKind.CALL_CENTER: Service(1, identified=False),
    RequestKind.DOCUMENTS: Service(30, identified=True),
    RequestKind.INFORMATION: Service(2, identified=False),
    RequestKind.IDENTITY_DOCUMENTS: Service(7, identified=True),
    # D.L. 5/2012 art. 5: the residence is registered within two working days of the declaration.
    RequestKind.RESIDENCE_CHANGE: Service(2, identified=True),
    RequestKind.DECLARATIONS: Service(1, identified=True),
    RequestKind.AUTHENTICATION: Service(1, identified=True),
    RequestKind.FORMS: Service(1, identified=False),
    RequestKind.APPOINTMENTS: Service(1, identified=False),
    RequestKind.PAYMENTS: Service(1, identified=False),
}

#: All twelve, in the order in which the town names them.
COUNTER_KINDS: tuple[RequestKind, ...] = (
    RequestKind.CALL_CENTER,
    RequestKind.DOCUMENTS,
    RequestKind.INFORMATION,
    RequestKind.IDENTITY_DOCUMENTS,
    RequestKind.CERTIFICATE,
    RequestKind.RESIDENCE_CHANGE,
    RequestKind.DECLARATIONS,
    RequestKind.AUTHENTICATION,
    RequestKind.FORMS,
    RequestKind.REPORT,
    RequestKind.APPOINTMENTS,
    RequestKind.PAYMENTS,
)


class CounterOrder(Order):
    """What somebody asked an operator for."""

    kind: CounterKind
    text: str = Field(min_length=1, max_length=4000)
    citizen_id: int | None = None
    identified_by: IdentifiedBy | None = None
    #: Whether it was done while the citizen was there.
    done: bool = False
    #: Version of the text by which the citizen agreed just now to be texted.
    consent_text: str | None = None


class Nobody(ValueError):
    """The service wants to know who asks."""


def file_at_counter(session: Session, order: CounterOrder, *, by: str, now: datetime) -> Request:
    """File what was asked for, in the caller's transaction; what is done already is closed at once.

    The same ``idempotency_key`` gives the same request.

    Raises:
        Nobody: see there.
    """
    service = SERVICES[order.kind]
    if service.identified and order.citizen_id is None and not order.applicant:
        raise Nobody(order.kind)
    request, new = file_order(
        session,
        order,
        CounterDetails(kind=order.kind, text=order.text, identified_by=order.identified_by),
        working_days=service.working_days,
        citizen_id=order.citizen_id,
        now=now,
    )
    if not new:
        return request
    finish_at_counter(session, request, done=order.done, by=by, now=now)
    note_agreement(session, order, by=by, now=now)
    return request


def finish_at_counter(session: Session, request: Request, *, done: bool, by: str, now: datetime) -> None:
    """Note which operator filed it; close what was done while the citizen was there.

    Who was there is not told by SMS.
    """
    for period in request.periods:
        period.by = by
    if done:
        request.assignee = by
        for state in (RequestState.IN_PROGRESS, RequestState.DONE):
            begin_period(session, request, state, by=by, now=now, tell=False)
    session.flush()


def note_visit(session: Session, request: Request, *, by: str, now: datetime) -> None:
    """Count the visit to the counter in which ``request`` was made, once.

    A town that does not count that service at its counter is none the worse for it.
    """
    service = _COUNTED_AS.get(request.kind, request.kind.value)
    with suppress(UnknownService):
        record_visit(session, service, by=by, idempotency_key=f"request-{request.reference}", now=now)
