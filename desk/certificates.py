"""Certificates: what is on offer, what it costs, and filing a request for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.consents import give_consent, has_consent
from desk.models import (
    CertificateDetails,
    CertificateKind,
    Channel,
    Delivery,
    Draft,
    IdentifiedBy,
    Purpose,
    Request,
    Stamp,
    Subject,
)
from desk.requests import file_request
from desk.sms.outbox import write_message

RECEIPT = "certificate_receipt"


class UnknownKind(ValueError):
    """There is no certificate of that kind."""


class CertificateOrder(BaseModel):
    """A confirmed request for a certificate. It can wait in the spool, so it is a model.

    Paths are recordings; ``sms`` says that a receipt is expected at ``contact_e164``, ``consent_text`` is
    the version of the text by which the citizen agreed to it just now.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str
    subject: Subject
    subject_recording: Path | None = None
    subject_name: str | None = None
    copies: int = Field(ge=1, le=3)
    delivery: Delivery
    stamp: Stamp
    identified_by: IdentifiedBy
    identity_recording: Path | None = None
    citizen_id: int | None = None
    contact_e164: str | None = None
    language: str = "it"
    channel: Channel = Channel.PHONE
    idempotency_key: str
    call_unique_id: str | None = None
    sms: bool = False
    consent_text: str | None = None


def active_kinds(session: Session) -> Sequence[CertificateKind]:
    """The certificates on offer, in the order they are spoken."""
    return session.scalars(
        select(CertificateKind).where(CertificateKind.active).order_by(CertificateKind.position)
    ).all()


def fees(kind: CertificateKind, copies: int, *, exempt: bool) -> Decimal:
    """What ``copies`` cost in euro."""
    return Decimal(0) if exempt else (kind.stamp_duty + kind.secretary_fee) * copies


def file_certificate(session: Session, order: CertificateOrder, *, now: datetime) -> Request:
    """File the request, its consent and SMS receipt, and finish its draft, all in the caller's transaction.

    The receipt is written if the citizen expects one and the number has consented. The same
    ``idempotency_key`` gives the same request, and one receipt, however often it is filed.

    Raises:
        UnknownKind: the kind does not exist (any more).
    """
    kind = session.get(CertificateKind, order.kind)
    if kind is None:
        raise UnknownKind(order.kind)
    request, new = file_request(
        session,
        details=CertificateDetails(
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
        channel=order.channel,
        citizen_id=order.citizen_id,
        contact_e164=order.contact_e164,
        working_days=kind.working_days,
        idempotency_key=order.idempotency_key,
        call_unique_id=order.call_unique_id,
        language=order.language,
        now=now,
    )
    if not new:
        return request
    if order.consent_text and order.contact_e164:
        give_consent(
            session,
            e164=order.contact_e164,
            citizen_id=order.citizen_id,
            purpose=Purpose.RECEIPTS,
            text_version=order.consent_text,
            how=order.channel.value,
            by=order.call_unique_id or order.idempotency_key,
            now=now,
        )
    if order.sms and order.contact_e164 and has_consent(session, order.contact_e164, Purpose.RECEIPTS):
        write_message(
            session,
            to=order.contact_e164,
            template=RECEIPT,
            values={"ref": request.reference, "day": f"{request.due_on:%d/%m/%Y}"},
            language=order.language,
            request_id=request.id,
            now=now,
        )
    session.execute(
        update(Draft)
        .where(Draft.key == order.idempotency_key)
        .values(finished_at=now)
        .execution_options(synchronize_session=False)
    )
    return request
