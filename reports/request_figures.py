"""Figures of requests: what was asked for, by which channel, and whether it was done in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from statistics import fmean
from types import MappingProxyType
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from desk.models import Channel, Request, RequestKind, RequestPeriod, RequestState
from reports.periods import Period, day_in_rome, month

CLOSED = (RequestState.DONE, RequestState.REJECTED)
#: Open requests by their age in days: up to so many. What is older has an age of its own.
AGES = (1, 5, 10, 30)
OLDER = 31


class RequestsBy(StrEnum):
    """What requests are told apart by."""

    TOTAL = "total"
    KIND = "kind"
    CHANNEL = "channel"
    STATE = "state"
    DAY = "day"
    MONTH = "month"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class RequestFigures:
    """Requests filed in a period, as they stand now; ``None``: there is nothing to count."""

    filed: int = 0
    done: int = 0
    rejected: int = 0
    #: Closed on the day they were due at the latest, and later.
    in_time: int = 0
    late: int = 0
    #: Still open although the day they were due is over.
    overdue: int = 0
    #: From filing to the present closing, in days.
    mean_days: float | None = None

    @property
    def open(self) -> int:
        """Neither done nor rejected."""
        return self.filed - self.done - self.rejected

    @property
    def in_time_share(self) -> float | None:
        """In time ÷ (in time + late + overdue): what is not due yet counts neither way."""
        due = self.in_time + self.late + self.overdue
        return self.in_time / due if due else None


_KEYS: Mapping[RequestsBy, Callable[[Any], object]] = MappingProxyType(
    {
        RequestsBy.TOTAL: lambda row: "total",
        RequestsBy.KIND: lambda row: row.kind.value,
        RequestsBy.CHANNEL: lambda row: row.channel.value,
        RequestsBy.STATE: lambda row: row.state.value,
        RequestsBy.DAY: lambda row: day_in_rome(row.filed_at),
        RequestsBy.MONTH: lambda row: month(day_in_rome(row.filed_at)).first,
        RequestsBy.LANGUAGE: lambda row: row.language,
    }
)


def request_figures(
    session: Session,
    period: Period,
    *,
    now: datetime,
    by: RequestsBy = RequestsBy.TOTAL,
    lost_calls: bool = False,
    kind: RequestKind | None = None,
    channel: Channel | None = None,
) -> tuple[tuple[object, RequestFigures], ...]:
    """Requests filed in ``period``, of one ``kind`` or ``channel`` only if told.

    Lost calls are items of the list, but nobody asked for them: they count only where they are asked for.
    """
    closed_at = func.max(
        case((RequestPeriod.state.in_(CLOSED), RequestPeriod.started_at)),
        type_=RequestPeriod.started_at.type,
    ).label("closed_at")
    columns = (
        Request.kind,
        Request.channel,
        Request.state,
        Request.language,
        Request.filed_at,
        Request.due_on,
    )
    query = (
        select(Request.id, *columns, closed_at)
        .outerjoin(RequestPeriod)
        .where(Request.filed_at >= period.begins_at, Request.filed_at < period.ends_at)
        .group_by(Request.id, *columns)
    )
    if kind is not None:
        query = query.where(Request.kind == kind)
    elif not lost_calls:
        query = query.where(Request.kind != RequestKind.LOST_CALL)
    if channel is not None:
        query = query.where(Request.channel == channel)
    groups: defaultdict[object, list[Any]] = defaultdict(list)
    if by is RequestsBy.TOTAL:
        groups["total"] = []
    elif by in (RequestsBy.DAY, RequestsBy.MONTH):
        for day in period:
            groups[month(day).first if by is RequestsBy.MONTH else day] = []
    key = _KEYS[by]
    for row in session.execute(query):
        groups[key(row)].append(row)
    today = day_in_rome(now)
    return tuple((group, _figures(rows, today)) for group, rows in sorted(groups.items(), key=_order))


def _order(group: tuple[object, object]) -> str:
    return str(group[0])


def _figures(rows: Iterable[Any], today: date) -> RequestFigures:
    filed = done = rejected = in_time = late = overdue = 0
    days: list[float] = []
    for row in rows:
        filed += 1
        done += row.state is RequestState.DONE
        rejected += row.state is RequestState.REJECTED
        if row.state in CLOSED and row.closed_at is not None:
            early = day_in_rome(row.closed_at) <= row.due_on
            in_time += early
            late += not early
            days.append((row.closed_at - row.filed_at).total_seconds() / 86400)
        elif row.due_on < today:
            overdue += 1
    return RequestFigures(filed, done, rejected, in_time, late, overdue, fmean(days) if days else None)


def open_by_age(session: Session, *, now: datetime) -> Mapping[tuple[str, int], int]:
    """Open requests by kind and age: the bound of :data:`AGES` they lie below, or :data:`OLDER`."""
    found: defaultdict[tuple[str, int], int] = defaultdict(int)
    today = day_in_rome(now)
    for kind, filed_at in session.execute(
        select(Request.kind, Request.filed_at).where(Request.state.not_in(CLOSED))
    ):
        age = (today - day_in_rome(filed_at)).days
        found[kind.value, next((bound for bound in AGES if age <= bound), OLDER)] += 1
    return dict(found)
