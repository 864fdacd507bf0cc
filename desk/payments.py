"""What is owed for a request, and the number of its pagoPA notice by SMS."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from desk.models import CourseDetails, Payable, Request, RequestState
from desk.receipts import tell
from desk.sms.templates import in_euro

#: What is closed is paid, or never will be.
_CLOSED = {RequestState.DONE, RequestState.REJECTED}


def owed(request: Request) -> Decimal:
    """What the citizen still has to pay, in euro, as told when the request was made."""
    details = request.details
    waits = isinstance(details, CourseDetails) and details.waiting
    if request.state in _CLOSED or waits or not isinstance(details, Payable):
        return Decimal(0)
    return Decimal(details.fee)


def notice_number(request: Request) -> str | None:
    """The 18 digits of the pagoPA notice, where one was issued for what is owed."""
    details = request.details
    return details.pagopa_notice if owed(request) and isinstance(details, Payable) else None


def text_notice(session: Session, request: Request, *, language: str, now: datetime) -> bool:
    """Send the notice's number to the number on the request, if that consents; whether it was written."""
    notice = notice_number(request)
    if notice is None:
        return False
    amount = in_euro(owed(request), language)
    values = {"ref": request.reference, "amount": amount, "notice": notice}
    return tell(session, request, "payment_notice", values, language=language, now=now)
