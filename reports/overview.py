"""How the desk does in a period, at a glance: what the first page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from reports.calls import (
    By,
    CallFigures,
    Group,
    HeatMap,
    Limits,
    Where,
    call_figures,
    heat_map,
    merged,
    total,
)
from reports.ivr_paths import NodeFigures, node_figures
from reports.lost import LostFigures, lost_figures
from reports.periods import Period
from reports.request_figures import RequestFigures, RequestsBy, request_figures

#: Periods of at most so many days are told day by day, longer ones month by month.
DAYS = 62


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of a period, those of the one before, and how they came about."""

    period: Period
    compared: Period
    calls: CallFigures
    calls_before: CallFigures
    #: By day or by month.
    course: tuple[Group, ...]
    course_by: By
    hours: tuple[Group, ...]
    operators: tuple[Group, ...]
    heat: HeatMap
    nodes: tuple[NodeFigures, ...]
    lost: LostFigures
    requests: RequestFigures


def overview(
    session: Session,
    period: Period,
    *,
    now: datetime,
    compared: Period | None = None,
    where: Where = Where(),  # noqa: B008  frozen
    limits: Limits = Limits(),  # noqa: B008  frozen
) -> Overview:
    """Everything about ``period`` that fits on one page; ``compared`` with the one before unless told."""
    compared = compared or period.before()
    by = By.DAY if len(period) <= DAYS else By.MONTH
    course = call_figures(session, period, by=by, where=where, limits=limits)
    ((_, requests),) = request_figures(session, period, now=now, by=RequestsBy.TOTAL)
    return Overview(
        period,
        compared,
        # What is read once need not be read again.
        merged(group.figures for group in course),
        total(session, compared, where=where, limits=limits),
        course,
        by,
        call_figures(session, period, by=By.HOUR, where=where, limits=limits),
        call_figures(session, period, by=By.OPERATOR, where=where, limits=limits),
        heat_map(session, period, where=where),
        node_figures(session, period, language=where.language),
        lost_figures(session, period),
        requests,
    )
