"""Finding requests: by reference and number for somebody who is not identified, all for a known citizen."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.applicants import Whose, belongs_to
from desk.models import Request


def request_made_from(session: Session, reference: str, e164: str) -> Request | None:
    """The request with that reference, if ``e164`` is the number on it."""
    return session.scalar(select(Request).where(Request.reference == reference, Request.contact_e164 == e164))


def request_with_last_digits(session: Session, reference: str, last_digits: str) -> Request | None:
    """The request with that reference, if the number on it ends in ``last_digits``."""
    request = session.scalar(select(Request).where(Request.reference == reference))
    if request is None or request.contact_e164 is None or not last_digits:
        return None
    return request if request.contact_e164.endswith(last_digits) else None


def requests_of(session: Session, whose: Whose, *, limit: int) -> Sequence[Request]:
    """A person's requests of all channels, the newest first."""
    return session.scalars(
        select(Request).where(belongs_to(Request, whose)).order_by(Request.id.desc()).limit(limit)
    ).all()
