"""Requests in the making: what a broken-off call is found again by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Insert, delete, select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import Draft


def keep_draft(
    session: Session, *, key: str, caller: str, kind: str, answers: Mapping[str, Any], now: datetime
) -> None:
    """Save the answers as they are now. ``answers`` holds JSON values and never who is asking."""
    session.execute(
        _keeping(session.get_bind().dialect.name),
        {
            "key": key,
            "caller_e164": caller,
            "kind": kind,
            "answers": dict(answers),
            "created_at": now,
            "updated_at": now,
        },
    )


@cache
def _keeping(dialect: str) -> Insert:
    """Made once: putting a statement together costs more than running it."""
    keep = insert(dialect, Draft.__table__)
    return keep.on_conflict_do_update(
        index_elements=["key"],
        set_={"answers": keep.excluded.answers, "updated_at": keep.excluded.updated_at},
        where=Draft.finished_at.is_(None),
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
