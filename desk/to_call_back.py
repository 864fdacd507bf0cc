"""Who is to be called back by an operator: lost calls, and call-backs that wait or were made in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import CallBackDetails, LostCallDetails, Request, RequestKind, RequestState, unindexed

#: No more are shown at once; those that wait longest come first.
MOST = 30


@dataclass(frozen=True, slots=True)
class ToCallBack:
    """One number, E.164. ``calls`` is how often it called in vain, ``about`` what displays showed."""

    reference: str
    number: str
    since: datetime
    calls: int
    about: tuple[str, ...]
    #: Whether the citizen asked for it.
    asked: bool
    #: Whether an operator has it in hand already.
    taken: bool


def waiting_for_call(session: Session) -> Sequence[ToCallBack]:
    """Everybody who waits for a call of ours, the longest wait first."""
    found = session.scalars(
        select(Request)
        .where(
            unindexed(Request.kind).in_((RequestKind.LOST_CALL, RequestKind.CALL_BACK)),
            Request.state.in_((RequestState.RECEIVED, RequestState.IN_PROGRESS)),
            Request.contact_e164.is_not(None),
        )
        .order_by(Request.id)
        .limit(MOST)
    )
    return [_item(request) for request in found]


def _item(request: Request) -> ToCallBack:
    details, number = request.details, request.contact_e164 or ""
    taken = request.state is RequestState.IN_PROGRESS
    if isinstance(details, LostCallDetails):
        return ToCallBack(
            request.reference, number, details.last_at, details.calls, details.about, asked=False, taken=taken
        )
    since = details.waiting_since if isinstance(details, CallBackDetails) else request.filed_at
    return ToCallBack(request.reference, number, since, 0, (), asked=True, taken=taken)
