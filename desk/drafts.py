"""Requests in the making: what a broken-off call is found again by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import Draft


def keep_draft(
    session: Session, *, key: str, caller: str, kind: str, answers: Mapping[str, Any], now: datetime
) -> None:
    """Save the answers as they are now. ``answers`` holds JSON values and never who is asking."""
    changed = {"answers": dict(answers), "updated_at": now}
    session.execute(
        insert(session, Draft.__table__)
        .values(key=key, caller_e164=caller, kind=kind, created_at=now, **changed)
        .on_conflict_do_update(index_elements=["key"], set_=changed, where=Draft.finished_at.is_(None))
    )


def unfinished_draft(session: Session, caller: str, *, kind: str, now: datetime, hours: int) -> Draft | None:
    """The latest draft of that number that was neither finished nor dropped within the last ``hours``."""
    return session.scalar(
        select(Draft)
        .where(
            Draft.caller_e164 == caller,
            Draft.kind == kind,
            Draft.finished_at.is_(None),
            Draft.updated_at >= now - timedelta(hours=hours),
        )
        .order_by(Draft.updated_at.desc())
        .limit(1)
    )


def drop_draft(session: Session, key: str) -> None:
    """Forget a draft that nobody wants to go on with."""
    session.execute(delete(Draft).where(Draft.key == key, Draft.finished_at.is_(None)))
