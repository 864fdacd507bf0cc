"""Noting who looked at, took out or erased what is kept about a person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from desk.models import Audit, AuditAction

__all__ = ["AuditAction", "note_look"]

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
