"""What the pages of figures show: for each page the tables, with their charts and what lies behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from flask import url_for

from console.statistics_parts import Asking, Link, Piece, Row, column_of, only
from desk.settings import ROME
from reports.call_list import What
from reports.calls import DESK, By, busiest_days
from reports.charts import columns, lines, lying, shares
from reports.citizen_figures import texts_received
from reports.counter_figures import counter_heat_map, visits_by_day
from reports.definitions import Unit, definitions
from reports.figures import DESK_NAMES, Column, Table
from reports.ivr_paths import edges
from reports.path_picture import path_picture
from reports.periods import Period, month, week
from reports.questions import Question
from reports.request_figures import RequestsBy
from reports.staffing_plan import Plan

#: What the page of calls can be told apart by, and its views: the columns of each, beside the key.
CALLS_BY = (
    By.DAY,
    By.WEEK,
    By.MONTH,
    By.WEEKDAY,
    By.HOUR,
    By.HALF_HOUR,
    By.TIMELINE,
    By.TOTAL,
    By.OFFICE,
    By.OPERATOR,
    By.LINE,
    By.LANGUAGE,
)
CALL_VIEWS: Mapping[str, Sequence[str]] = {
    "volumes": (
        "calls",
        "closed",
        "offered",
        "answered",
        "by_back_office",
        "by_counter",
        "by_office",
        "long_abandons",
        "short_abandons",
        "unanswered",
        "call_backs",
        "overflowed",
    ),
    "service": (
        "offered",
        "service_level",
        "answered_share",
        "abandoned_share",
        "asa",
        "longest_wait",
        "mean_patience",
    ),
    "talks": (
        "answered",
        "talks",
        "mean_talk",
        "mean_wrap_up",
        "aht",
        "transfers",
        "transfer_share",
        "repeat_share",
        "resolved_first",
        "resolved_survey",
    ),
    "dialogs": ("calls", "dialogs", "self_service_share", "contained_share", "closed"),
    "levels": (),
}
#: What is drawn of each view: figures, and what they are divided by to be drawn.
_DRAWN: Mapping[str, tuple[Sequence[str], float, str]] = {
    "volumes": (("offered", "answered", "long_abandons"), 1, ""),
    "service": (("service_level", "abandoned_share"), 0.01, " %"),
    "talks": (("mean_talk", "aht"), 60, " min"),
    "dialogs": (("dialogs", "calls"), 1, ""),
    "levels": (("level_of_offered", "level_without_short", "level_of_answered"), 0.01, " %"),
}
#: Keys that follow each other in time are drawn as lines where there are many of them.
_IN_TIME = frozenset({By.DAY, By.WEEK, By.MONTH, By.TIMELINE, By.HOUR, By.HALF_HOUR})
#: From 7:00 to 21:00: what the heat maps show, and more where there is something.
SHOWN_HALVES = range(14, 42)
#: A chart has room for so many lying bars.
_BARS = 14


def calls(asking: Asking) -> list[Piece]:
    """Calls by what was chosen, in one of the views."""
    question, by = asking.question, By(asking.question.by)
    if question.view == "levels":
        # Waits are not known by phone.
        if by is By.OPERATOR:
            by, question = By.TOTAL, question.but(by=By.TOTAL.value)
            asking = replace(asking, question=question)
        made = asking.table("levels", by)
    else:
        made = asking.table("calls", by)
        if by is not By.OPERATOR:
            key = () if by is By.TOTAL else (by.value,)
            made = only(made, (*key, *CALL_VIEWS[question.view]))
        elif question.operator is not None:
            made = _of_operator(made, question.operator)
    # Nobody calls at night: hours without anything are left out at both ends.
    if by in (By.HOUR, By.HALF_HOUR):
        made = _busy_part(made)
    return [Piece(made, _calls_chart(asking, made, by), behind(asking), as_facts=by is By.TOTAL)]


def _of_operator(made: Table, extension: str) -> Table:
    return replace(made, rows=tuple(row for row in made.rows if row[0] == extension))


def _busy_part(made: Table) -> Table:
    busy = [place for place, row in enumerate(made.rows) if any(row[1:])]
    return replace(made, rows=made.rows[busy[0] : busy[-1] + 1] if busy else ())


def _calls_chart(asking: Asking, made: Table, by: By) -> str:
    if by is By.TOTAL or not made.rows:
        return ""
    drawn, divided, unit = _DRAWN[asking.question.view]
    if by is By.OPERATOR:
        drawn, divided, unit = ("answered",), 1, ""
    known = {column.name for column in made.columns}
    series = {
        asking.name(name): [None if value is None else value / divided for value in column_of(made, name)]
        for name in drawn
        if name in known
    }
    labels = [
        asking.words(made.columns[0].unit, asking.names.of(made.columns[0].name, row[0])) for row in made.rows
    ]
    draw = lines if by in _IN_TIME and len(labels) > 16 else columns
    title = f"{made.title(asking.language.value)}: {', '.join(series)}"
    places = {By.DAY: 5, By.TIMELINE: 16}.get(by)
    short = [label[:places] for label in labels] if places else labels
    decimals = 1 if unit == " min" else 0
    return draw(
        title, short, series, unit=unit, decimals=decimals, height=300, language=asking.language.value
    )


def behind(asking: Asking) -> Link:
    """The list of the calls that a number of a table of calls counts."""
    question = asking.question
    by = question.by
    known = {what.value for what in What}

    def link(row: Row, column: str) -> str | None:
        made = columns_of.get(column)
        if column not in known or made is None or not row[made]:
            return None
        narrowed = _narrowed(question, by, row[0])
        return None if narrowed is None else list_address(narrowed, column)

    columns_of = _places(question)
    return link


def _places(question: Question) -> Mapping[str, int]:
    """Where the columns of the table are that links are for."""
    key = () if question.by == By.TOTAL else (question.by,)
    if question.by == By.OPERATOR:
        return {"answered": 1}
    if question.view == "levels":
        return {"offered": len(key), "answered": len(key) + 1, "answered_in_time": len(key) + 2}
    return {name: place for place, name in enumerate((*key, *CALL_VIEWS[question.view]))}


def _narrowed(question: Question, by: str, key: object) -> Question | None:
    """The question about one row."""
    if by == By.TOTAL:
        return question
    if isinstance(key, datetime):
        slot = key.astimezone(ROME)
        return question.but(period=Period(slot.date(), slot.date()), hour=slot.hour)
    if isinstance(key, date):
        whole = {By.WEEK: week, By.MONTH: month}.get(By(by))
        span = whole(key) if whole else Period(key, key)
        return question.but(
            period=Period(max(span.first, question.period.first), min(span.last, question.period.last))
        )
    if isinstance(key, int):
        names = {By.HOUR: "hour", By.HALF_HOUR: "half", By.WEEKDAY: "weekday"}
        return question.but(**{names[By(by)]: key})
    if by == By.OFFICE and key in DESK_NAMES:
        return question.but(office=DESK)
    return question.but(**{by: key}) if isinstance(key, str) else None


def list_address(question: Question, what: str, **more: Any) -> str:
    """Where the list of those calls is."""
    address: dict[str, Any] = {"what": what, **question.but(by="", view="").address(), **more}
    return url_for("console.statistics_list", **address)


def lost(asking: Asking) -> list[Piece]:
    """Lost calls and what became of them, call-backs, and who called again."""
    question = asking.question

    def link(row: Row, column: str) -> str | None:
        return list_address(question, "lost") if column == "lost" and row[0] else None

    repeats = ("talks", "repeat_share", "resolved_first", "resolved_survey")
    names = ("Chi richiama, e risoluzione al primo contatto", "Who calls again, and first-contact resolution")
    by_month = asking.table("calls", By.MONTH)
    return [
        Piece(asking.table("lost"), link=link, as_facts=True, note=asking.say("statistics.whole_desk")),
        Piece(asking.table("call-backs"), as_facts=True),
        Piece(only(by_month, ("month", *repeats), names), _shares_chart(asking, by_month, repeats[1:])),
    ]


def _shares_chart(asking: Asking, made: Table, names: Sequence[str]) -> str:
    labels = [asking.words(made.columns[0].unit, row[0])[:3] for row in made.rows]
    series = {
        asking.name(name): [None if value is None else value * 100 for value in column_of(made, name)]
        for name in names
    }
    return columns(", ".join(series), labels, series, unit=" %", language=asking.language.value)


def ivr(asking: Asking) -> list[Piece]:
    """The dialogs: how many they served, where callers hang up, and the ways through them."""
    question, language = asking.question, asking.language.value
    dialogs = ("dialogs", "self_service_share", "contained_share", "closed")
    names = ("Risponditore automatico", "Automatic dialog")
    nodes = asking.table("nodes")
    place = [column.name for column in nodes.columns].index("dropped")
    left = sorted(nodes.rows, key=lambda row: -_whole(row[place]))[:12]
    title = asking.say("statistics.dropped_chart")
    dropped = {
        str(asking.names.of("node", row[0])): float(_whole(row[place])) for row in left if _whole(row[place])
    }
    found = edges(asking.session, question.period)
    picture = path_picture(
        asking.say("statistics.paths_chart"),
        found,
        lambda node: str(asking.names.of("node", node)),
        language=language,
    )
    only_dialogs = only(asking.table("calls"), dialogs, names)
    return [
        Piece(
            only_dialogs,
            link=lambda row, column: (
                list_address(question, column)
                if column in ("dialogs", "closed") and row[dialogs.index(column)]
                else None
            ),
            as_facts=True,
        ),
        Piece(nodes, lying(title, dropped, language=language) if dropped else "", note=title),
        Piece(asking.table("paths"), picture, note=asking.say("statistics.paths_note"), folded=True),
    ]


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _largest(values: Mapping[str, float], most: int | None = None) -> dict[str, float]:
    return dict(sorted(values.items(), key=lambda pair: -pair[1])[:most])


def requests(asking: Asking) -> list[Piece]:
    """Requests by what was chosen, and how old the open ones are."""
    by = RequestsBy(asking.question.by)
    made = asking.table("requests", by)
    filed = [] if by is RequestsBy.TOTAL else column_of(made, "filed")
    labels = [
        asking.words(made.columns[0].unit, asking.names.of(made.columns[0].name, row[0])) for row in made.rows
    ]
    title = f"{made.title(asking.language.value)}: {asking.name('filed')}"
    chart, language = "", asking.language.value
    if filed and by in (RequestsBy.DAY, RequestsBy.MONTH):
        draw = lines if len(labels) > 31 else columns
        chart = draw(title, [label[:5] for label in labels], {asking.name("filed"): filed}, language=language)
    elif filed:
        chart = lying(title, _largest(dict(zip(labels, filed, strict=True)), _BARS), language=language)
    return [
        Piece(made, chart, as_facts=by is RequestsBy.TOTAL),
        Piece(asking.table("ages"), note=asking.say("statistics.ages_note")),
    ]


def counter(asking: Asking) -> list[Piece]:
    """What citizens come to the counter for, and when."""
    language, period = asking.language.value, asking.question.period
    flow = asking.table("flow", asking.question.by)
    named = {str(row[0]): float(row[2]) for row in flow.rows if isinstance(row[2], int | float)}
    ordered = _largest(named)
    by_day = visits_by_day(asking.session, period)
    names = ("Utenti allo sportello per giorno", "Visits at the counter by day")
    days = Table(
        "visits",
        period,
        (Column("day"), Column("visits")),
        tuple(by_day.items()),
        names,
    )
    when = counter_heat_map(asking.session, period)
    halves = {
        half: sum(count for (_, there), count in when.offered.items() if there == half)
        for half in SHOWN_HALVES
    }
    open_days = sum(1 for visits in by_day.values() if visits)
    mean = Table(
        "visits-when",
        period,
        (Column("half_hour"), Column("visits")),
        tuple(halves.items()),
        ("Utenti allo sportello per mezz'ora", "Visits at the counter by half hour"),
    )
    pieces = [Piece(flow, shares(flow.title(language), ordered, language=language) if ordered else "")]
    if open_days:
        pieces += [
            Piece(
                mean,
                columns(
                    mean.title(language),
                    [asking.words(Unit.HALF, half) for half in halves],
                    {"": list(halves.values())},
                    language=language,
                ),
            ),
            Piece(
                days,
                lines(
                    days.title(language),
                    [f"{day:%d/%m}" for day in by_day],
                    {"": list(by_day.values())},
                    language=language,
                ),
            ),
        ]
    return pieces


def appointments(asking: Asking) -> list[Piece]:
    """Appointments by office."""
    made = asking.table("appointments")
    offices = [str(asking.names.of("office", row[0])) for row in made.rows]
    series = {asking.name(name): column_of(made, name) for name in ("kept", "missed", "not_noted", "moved")}
    chart = columns(made.title(asking.language.value), offices, series, language=asking.language.value)
    return [Piece(made, chart if len(made.rows) > 1 else "", note=asking.say("statistics.appointments_note"))]


def messages(asking: Asking) -> list[Piece]:
    """Text messages by template, texts received, and consents."""
    made = asking.table("messages")
    written = {
        str(asking.names.of("template", row[0])): float(_whole(row[1])) for row in made.rows[1:] if row[1]
    }
    ordered = _largest(written, _BARS)
    received = texts_received(asking.session, asking.question.period)
    names = ("SMS ricevuti dai cittadini", "Texts received from citizens")
    language = asking.language.value
    came = Table(
        "received",
        asking.question.period,
        (Column("text_kind"), Column("texts")),
        tuple(received.items()),
        names,
    )
    return [
        Piece(made, lying(made.title(language), ordered, language=language) if ordered else ""),
        Piece(asking.table("consents")),
        Piece(came),
    ]


def citizens(asking: Asking) -> list[Piece]:
    """Registered citizens by month."""
    made = asking.table("registered")
    new = {asking.words(Unit.MONTH, row[0]): _whole(row[1]) for row in made.rows}
    labels = [f"{name[:3]} {name[-2:]}" for name in new]
    language = asking.language.value
    chart = columns(asking.name("new"), labels, {"": list(new.values())}, language=language)
    return [Piece(made, chart if made.rows else "")]


def quality(asking: Asking) -> list[Piece]:
    """Whether the figures can be trusted."""
    made = asking.table("quality")
    known = {one.name(asking.language.value): one for one in definitions().values()}
    rows = tuple(
        (name, known[str(name)].definition(asking.language.value), found) for name, found in made.rows
    )
    columns_told = (Column("finding"), Column("meaning"), Column("found"))
    return [Piece(Table(made.name, made.period, columns_told, rows))]


def occupancy(asking: Asking) -> list[Piece]:
    """How much of their time the phones of the desk were busy, and who handled what."""
    made, language = asking.table("occupancy"), asking.language.value
    if asking.question.operator is not None:
        made = _of_operator(made, asking.question.operator)
    busy = {
        str(asking.names.of("operator", row[0])): float(row[4])
        for row in made.rows
        if isinstance(row[4], int | float)
    }
    by_operator = calls(replace(asking, question=asking.question.but(by=By.OPERATOR.value, view="volumes")))
    return [Piece(made, shares(made.title(language), busy, language=language) if busy else ""), *by_operator]


def busiest(asking: Asking) -> Table:
    """The days with the most calls."""
    found = busiest_days(asking.session, asking.question.period, 10)
    names = ("I giorni più pieni", "The busiest days")
    return Table("busiest", asking.question.period, (Column("day"), Column("offered")), found, names)


def staffing_chart(asking: Asking, made: Plan) -> str:
    """The level that is reached now and with one more, by half hour of the weekday that is advised."""
    busiest_day = made.advice.weekday if made.advice else None
    if busiest_day is None:
        calls_of = Counter[int]()
        for one in made.levels:
            calls_of[one.slot.weekday] += round(one.slot.calls * 100)
        if not calls_of:
            return ""
        busiest_day = calls_of.most_common(1)[0][0]
    shown = [one for one in made.levels if one.slot.weekday == busiest_day]
    series = {
        asking.name("level_now"): [one.now * 100 for one in shown],
        asking.name("level_one_more"): [one.one_more * 100 for one in shown],
    }
    title = f"{asking.words(Unit.WEEKDAY, busiest_day)}: {', '.join(series)}"
    labels = [asking.words(Unit.HALF, one.slot.half) for one in shown]
    return columns(title, labels, series, unit=" %", height=300, language=asking.language.value)
