"""The first page of figures: the main ones beside those of the period they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from console.statistics_parts import Asking, Heading, heading_of
from console.statistics_views import list_address
from reports.call_list import What
from reports.calls import By, Where
from reports.changes import Change, change_of
from reports.charts import columns, lines, spark
from reports.counter_figures import appointment_figures, visits_in
from reports.definitions import Unit, definitions
from reports.exports import from_to
from reports.figures import Column, Table
from reports.lost import lost_figures
from reports.occupancy import occupancy
from reports.overview import Overview, overview
from reports.periods import Period
from reports.request_figures import RequestsBy, request_figures

#: Figures of calls, in their order; then those of the whole desk, which filters of calls do not touch.
CALLS = (
    "calls",
    "offered",
    "answered",
    "answered_share",
    "service_level",
    "asa",
    "longest_wait",
    "long_abandons",
    "aht",
    "transfer_share",
    "closed",
    "self_service_share",
    "resolved_first",
    "resolved_survey",
)
DESK = (
    "lost",
    "recovered_share",
    "occupancy",
    "filed",
    "in_time_share",
    "overdue",
    "visits",
    "kept_share",
    "missed",
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure, what it was before, and how it changed."""

    heading: Heading
    value: str
    before: str | None
    change: Change | None
    spark: Markup
    link: str | None


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """What the page shows."""

    calls: Sequence[Tile]
    desk: Sequence[Tile]
    course_chart: str
    hours_chart: str
    table: Table
    #: Whether the period has days that are not over.
    unfinished: bool


def overview_page(asking: Asking) -> OverviewPage:
    """The page of a question."""
    question = asking.question
    compared = question.compared
    made = overview(
        asking.session,
        question.period,
        now=asking.now,
        compared=compared or question.period.before(),
        where=question.where,
        limits=question.limits,
    )
    now = _figures(made.calls, CALLS) | _desk(asking, question.period)
    before = (_figures(made.calls_before, CALLS) | _desk(asking, compared)) if compared else {}
    course = {name: [getattr(group.figures, name) for group in made.course] for name in CALLS}

    def tile(name: str) -> Tile:
        unit, language = definitions()[name].unit, asking.language.value
        link = None
        if name in {what.value for what in What} and now[name]:
            link = list_address(question, name)
        return Tile(
            heading_of(name, asking.language),
            asking.words(unit, now[name]),
            asking.words(unit, before[name]) if compared else None,
            change_of(unit, now[name], before[name], language) if compared else None,
            spark(course[name]) if name in course else Markup(""),
            link,
        )

    rows: list[tuple[Any, ...]] = [(from_to(question.period), *now.values())]
    if compared:
        rows.append((from_to(compared), *before.values()))
    table = Table(
        "overview",
        question.period,
        tuple(Column(name) for name in ("period", *now)),
        tuple(rows),
        ("Panoramica", "Overview"),
    )
    return OverviewPage(
        [tile(name) for name in CALLS],
        [tile(name) for name in DESK],
        _course_chart(asking, made),
        _hours_chart(asking, made),
        table,
        unfinished=question.period.ends_at > asking.now,
    )


def _figures(figures: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in names}


def _desk(asking: Asking, period: Period) -> dict[str, Any]:
    """Figures that know no filters."""
    session, now = asking.session, asking.now
    ((_, filed),) = request_figures(session, period, now=now, by=RequestsBy.TOTAL)
    found: dict[str, Any] = _figures(lost_figures(session, period), ("lost", "recovered_share"))
    found["occupancy"] = occupancy(session, period, now=now)[""].share
    found |= _figures(filed, ("filed", "in_time_share", "overdue"))
    found["visits"] = visits_in(session, period)
    kept = appointment_figures(session, period, now=now)[""]
    return found | _figures(kept, ("kept_share", "missed"))


def _course_chart(asking: Asking, made: Overview) -> str:
    if len(made.course) < 2:
        return ""
    by, language = made.course_by, asking.language.value
    labels = [
        f"{group.key:%d/%m}" if by is By.DAY else str(asking.words(Unit.MONTH, group.key))[:3]
        for group in made.course
    ]
    names = ("offered", "answered", "long_abandons")
    series = {asking.name(name): [getattr(group.figures, name) for group in made.course] for name in names}
    title = asking.say("statistics.course_chart")
    draw = lines if len(labels) > 14 else columns
    return draw(title, labels, series, height=300, language=language)


def _hours_chart(asking: Asking, made: Overview) -> str:
    busy = [group for group in made.hours if group.figures.calls]
    if not busy:
        return ""
    first, last = int(str(busy[0].key)), int(str(busy[-1].key))
    hours = [group for group in made.hours if first <= int(str(group.key)) <= last]
    series = {
        asking.name(name): [getattr(group.figures, name) for group in hours] for name in ("calls", "offered")
    }
    labels = [f"{group.key}:00" for group in hours]
    return columns(
        asking.say("statistics.hours_chart"), labels, series, height=300, language=asking.language.value
    )


def is_filtered(asking: Asking) -> bool:
    """Whether only some calls are meant, which the figures of the whole desk do not know of."""
    return asking.question.where != Where()
