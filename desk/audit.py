"""Noting who looked at, took out or erased what is kept about a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from desk.models import Audit, AuditAction, Request
from desk.settings import ROME

__all__ = ["AuditAction", "Looks", "looks", "note_look"]

#: What fits into the column.
_DETAIL = 200


def note_look(
    session: Session,
    *,
    by: str,
    action: AuditAction,
    now: datetime,
    citizen_id: int | None = None,
    outsider: str | None = None,
    request_id: int | None = None,
    detail: str = "",
) -> None:
    """Add a row to the audit, in the transaction of what it tells of.

    Args:
        session: a transaction.
        by: the log-in of who did it.
        action: what was done.
        now: the time.
        citizen_id: whose record it was, where that is known.
        outsider: the same of somebody outside the register, as a pseudonym of the tax code.
        request_id: the request that was looked at.
        detail: no personal data: the audit is kept when a person is erased.
    """
    session.add(
        Audit(
            at=now,
            by=by,
            action=action,
            citizen_id=citizen_id,
            outsider=outsider,
            request_id=request_id,
            detail=detail[:_DETAIL],
        )
    )


@dataclass(frozen=True, slots=True)
class Looks:
    """Which rows of the audit are wanted; ``None`` is any. Days are Rome's, both included."""

    by: str | None = None
    action: AuditAction | None = None
    since: date | None = None
    until: date | None = None
    citizen_id: int | None = None
    request_id: int | None = None


def looks(
    session: Session, wanted: Looks, *, limit: int, before: int | None = None
) -> Sequence[tuple[Audit, str | None]]:
    """Rows of the audit with the references of their requests, the newest first.

    Args:
        session: any.
        wanted: which.
        limit: how many at most.
        before: the id of a row: only what is older. One that is not there gives nothing.
    """
    query = (
        select(Audit, Request.reference)
        .outerjoin(Request, Request.id == Audit.request_id)
        .order_by(Audit.at.desc(), Audit.id.desc())
        .limit(limit)
    )
    for column in (Audit.by, Audit.action, Audit.citizen_id, Audit.request_id):
        value = getattr(wanted, column.key)
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(Audit.at >= _midnight(wanted.since))
    if wanted.until is not None:
        query = query.where(Audit.at < _midnight(wanted.until + timedelta(days=1)))
    if before is not None:
        last = session.get(Audit, before)
        if last is None:
            return ()
        query = query.where(tuple_(Audit.at, Audit.id) < (last.at, last.id))
    return [(row, reference) for row, reference in session.execute(query)]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ROME)
