"""What is owed for a request, and the number of its pagoPA notice by SMS."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from desk.consents import has_consent
from desk.models import CertificateDetails, Purpose, Request, RequestState
from desk.sms.outbox import write_message

#: What is closed is paid, or never will be.
_CLOSED = {RequestState.DONE, RequestState.REJECTED}


def owed(request: Request) -> Decimal:
    """What the citizen still has to pay, in euro, as told when the request was made."""
    if request.state in _CLOSED or not isinstance(request.details, CertificateDetails):
        return Decimal(0)
    return Decimal(request.details.fee)


def notice_number(request: Request) -> str | None:
    """The 18 digits of the pagoPA notice, where one was issued for what is owed."""
    if not owed(request) or not isinstance(request.details, CertificateDetails):
        return None
    return request.details.pagopa_notice


def text_notice(session: Session, request: Request, *, language: str, now: datetime) -> bool:
    """Send the notice's number to the number on the request, if that consents; whether it was written."""
    to, notice = request.contact_e164, notice_number(request)
    if to is None or notice is None or not has_consent(session, to, Purpose.RECEIPTS):
        return False
    amount = f"{owed(request):.2f}".replace(".", "," if language == "it" else ".")
    write_message(
        session,
        to=to,
        template="payment_notice",
        values={"ref": request.reference, "amount": amount, "notice": notice},
        language=language,
        request_id=request.id,
        now=now,
    )
    return True
