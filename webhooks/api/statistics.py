"""The managers' figures for other systems of the town: the same tables and definitions as everywhere.

Figures only. The work of a single phone, and so of whoever sits there, is not told apart here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from desk.models import Scope
from reports import exports
from reports.calls import By, Level, Limits, Where
from reports.definitions import definitions
from reports.figures import TABLES, Asked, TableKind, table
from reports.periods import Period, day_in_rome
from reports.rollups import made_until
from webhooks.api import operations
from webhooks.api.operations import Operation
from webhooks.problems import UNKNOWN, Refused, wrong
from webhooks.schemas import (
    DefinitionQuery,
    FigureColumn,
    FigureDefinition,
    FigureDefinitions,
    Statistics,
    StatisticsQuery,
    StatisticsTable,
    StatisticsTables,
)

#: Days without a period, and the most that are reckoned at once; hour by hour it is a row for each hour.
DAYS, LONGEST, LONGEST_BY_THE_HOUR = 30, 3 * 366, 62


def _choices(kind: TableKind) -> Sequence[str]:
    """What others may have the table told apart by."""
    return [by for by in kind.by if by != By.OPERATOR]


def _tables(_: Session, _query: None, _asked: operations.Asked) -> StatisticsTables:
    return StatisticsTables(
        items=[
            StatisticsTable(name=name, title_it=kind.name_it, title_en=kind.name_en, by=list(_choices(kind)))
            for name, kind in TABLES.items()
        ]
    )


def _definitions(_: Session, query: DefinitionQuery, _asked: operations.Asked) -> FigureDefinitions:
    return FigureDefinitions(
        items=[
            FigureDefinition(
                name=name,
                unit=one.unit.value,
                title=one.name(query.language),
                meaning=one.definition(query.language),
                formula=one.formula,
                source=one.source,
            )
            for name, one in definitions().items()
        ]
    )


def _statistics(session: Session, query: StatisticsQuery, asked: operations.Asked) -> Statistics:
    name = asked.path["table"]
    kind = TABLES.get(name)
    if kind is None:
        raise Refused(UNKNOWN)
    choices = _choices(kind)
    by = query.by or (choices[0] if choices else "")
    if by and by not in choices:
        raise wrong("by", f"the table is told apart by: {', '.join(choices) or 'nothing'}")
    last = query.last or day_in_rome(asked.now)
    first = query.first or last - timedelta(days=DAYS - 1)
    if last < first:
        raise wrong("last", "the period ends before it begins")
    period = Period(first, last)
    most = LONGEST_BY_THE_HOUR if by == By.TIMELINE else LONGEST
    if len(period) > most:
        raise wrong("first", f"a period has at most {most} days")
    made = table(
        session,
        name,
        Asked(
            period,
            by=by,
            where=Where(line=query.line, language=query.calls_in, office=query.office),
            limits=Limits(query.within, query.short, Level(query.level)),
            language=query.language,
        ),
        now=asked.now,
    )
    return Statistics(
        table=name,
        by=by,
        first=first,
        last=last,
        made_at=made_until(session),
        columns=[FigureColumn(name=column.name, unit=column.unit.value) for column in made.columns],
        rows=exports.as_data(made)["rows"],
    )


OPERATIONS = (
    Operation(
        name="list_statistics",
        method="GET",
        path="/statistics",
        summary="The tables of figures, and what they can be told apart by",
        scope=Scope.STATISTICS_READ,
        answer=StatisticsTables,
        handler=_tables,
    ),
    Operation(
        name="define_figures",
        method="GET",
        path="/statistics/definitions",
        summary="What each figure means, how it is reckoned, and where it comes from",
        scope=Scope.STATISTICS_READ,
        query=DefinitionQuery,
        answer=FigureDefinitions,
        handler=_definitions,
    ),
    Operation(
        name="read_statistics",
        method="GET",
        path="/statistics/{table}",
        summary="A table of figures of a period; thresholds are chosen here, not when calls are counted",
        scope=Scope.STATISTICS_READ,
        query=StatisticsQuery,
        answer=Statistics,
        handler=_statistics,
        problems=(UNKNOWN,),
    ),
)
