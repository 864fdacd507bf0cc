"""Certificates: what is on offer, what it costs, and filing a request for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from pydantic import Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.models import (
    CertificateDetails,
    CertificateKind,
    Delivery,
    Draft,
    Request,
    Stamp,
    Subject,
)
from desk.receipts import CitizenOrder, send_receipt
from desk.requests import file_order

RECEIPT = "certificate_receipt"


class UnknownKind(ValueError):
    """There is no certificate of that kind."""


class NotInRegister(ValueError):
    """The register has nothing to certify about who is not in it."""


class Priced(Protocol):
    """A kind of certificate, as far as its price goes."""

    @property
    def stamp_duty(self) -> Decimal: ...

    @property
    def secretary_fee(self) -> Decimal: ...


class CertificateOrder(CitizenOrder):
    """A confirmed request for a certificate."""

    kind: str
    subject: Subject
    subject_recording: Path | None = None
    subject_name: str | None = None
    copies: int = Field(ge=1, le=3)
    delivery: Delivery
    stamp: Stamp


def active_kinds(session: Session) -> Sequence[CertificateKind]:
    """The certificates on offer, in the order they are spoken."""
    return session.scalars(
        select(CertificateKind).where(CertificateKind.active).order_by(CertificateKind.position)
    ).all()


def fees(kind: Priced, copies: int, *, exempt: bool) -> Decimal:
    """What ``copies`` cost in euro."""
    return Decimal(0) if exempt else (kind.stamp_duty + kind.secretary_fee) * copies


def file_certificate(session: Session, order: CertificateOrder, *, now: datetime) -> Request:
    """File the request, its consent and SMS receipt, and finish its draft, all in the caller's transaction.

    The receipt is written if the citizen expects one and the number has consented. The same
    ``idempotency_key`` gives the same request, and one receipt, however often it is filed.

    Raises:
        UnknownKind: the kind does not exist (any more).
        NotInRegister: see there. Of others anybody may ask what the register says, and of births, marriages
            and deaths a certificate is given where they happened, wherever one lives.
    """
    kind = session.get(CertificateKind, order.kind)
    if kind is None:
        raise UnknownKind(order.kind)
    if order.applicant and order.subject is Subject.SELF and not kind.civil_status:
        raise NotInRegister(order.kind)
    request, new = file_order(
        session,
        order,
        CertificateDetails(
            certificate=kind.code,
            subject=order.subject,
            subject_recording=order.subject_recording,
            subject_name=order.subject_name,
            copies=order.copies,
            delivery=order.delivery,
            stamp=order.stamp,
            fee=str(fees(kind, order.copies, exempt=order.stamp is not Stamp.PAID)),
            identified_by=order.identified_by,
            identity_recording=order.identity_recording,
        ),
        working_days=kind.working_days,
        citizen_id=order.citizen_id,
        now=now,
    )
    if not new:
        return request
    receipt = {"ref": request.reference, "day": f"{request.due_on:%d/%m/%Y}"}
    send_receipt(session, order, request, RECEIPT, receipt, now=now)
    session.execute(
        update(Draft)
        .where(Draft.key == order.idempotency_key)
        .values(finished_at=now)
        .execution_options(synchronize_session=False)
    )
    return request
