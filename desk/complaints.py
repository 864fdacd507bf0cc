"""Reports and complaints: filed like every request, and forwarded at once to the office that is competent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from desk.mail.outbox import write_mail
from desk.models import CompetentOffice, ReportCategory, ReportDetails, Request
from desk.requests import Order, file_order


class UnknownCategory(ValueError):
    """Nothing can be reported under that code (any more)."""


class ReportOrder(Order):
    """A report that was sent off: recordings, or what was written."""

    category: str
    place_recording: Path | None = None
    message_recording: Path | None = None
    seconds: float | None = None
    place: str | None = None
    message: str | None = None
    call_back: bool
    citizen_id: int | None = None


def file_report(session: Session, order: ReportOrder, *, now: datetime) -> Request:
    """File the report and write the e-mail to its office, in the caller's transaction.

    The same ``idempotency_key`` gives the same request, and one e-mail, however often it is filed.

    Raises:
        UnknownCategory: see there.
    """
    category = session.get(ReportCategory, order.category)
    if category is None:
        raise UnknownCategory(order.category)
    request, new = file_order(
        session,
        order,
        ReportDetails(
            category=category.code,
            office=category.office_code,
            place_recording=order.place_recording,
            message_recording=order.message_recording,
            seconds=order.seconds,
            place=order.place,
            message=order.message,
            call_back=order.call_back,
        ),
        working_days=category.working_days,
        citizen_id=order.citizen_id,
        now=now,
    )
    if new:
        office = session.get_one(CompetentOffice, category.office_code)
        write_mail(session, request, to=office.email, subject=category.name_it, now=now)
    return request
