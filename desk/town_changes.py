"""Noting who changed what of the town's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from desk.models import Base, TownChange


def values_of(row: Base) -> dict[str, Any]:
    """The columns of ``row`` by name, for :func:`note_change`."""
    return {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}


def note_change(
    session: Session,
    *,
    by: str,
    what: str,
    which: object,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    now: datetime,
) -> bool:
    """Add a row about a change, in the transaction of the change; whether there was one.

    Args:
        session: a transaction.
        by: the log-in of who did it.
        what: the table, or what else it is about.
        which: the key in it.
        before: what was there, ``None`` for nothing. No personal data: these rows are kept.
        after: what is there now, ``None`` for nothing. Of two, only what differs is noted.
        now: the time.
    """
    if before is not None and after is not None:
        differ = [name for name in after if before.get(name) != after[name]]
        if not differ:
            return False
        before = {name: before.get(name) for name in differ}
        after = {name: after[name] for name in differ}
    session.add(
        TownChange(at=now, by=by, what=what, which=str(which), before=_plain(before), after=_plain(after))
    )
    session.flush()
    return True


def changes(session: Session, *, limit: int, before: int | None = None) -> Sequence[TownChange]:
    """The newest changes first; those with a lower id than ``before``."""
    query = select(TownChange).order_by(TownChange.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(TownChange.id < before)).all()


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case Mapping():
            return _plain(value)
        case list() | tuple() | set() | frozenset():
            return [_value(each) for each in value]
    return value
