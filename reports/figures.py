"""The entry to all figures: each table of figures by its name, as typed values.

The modules beside this one have the figures themselves: :mod:`reports.calls`, :mod:`reports.ivr_paths`,
:mod:`reports.lost`, :mod:`reports.request_figures`, :mod:`reports.counter_figures`,
:mod:`reports.citizen_figures`, :mod:`reports.occupancy` and :mod:`reports.quality`. What a figure means
stands in :mod:`reports.definitions` under the name of its column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

from desk.models import Channel, RequestKind
from reports import (
    calls,
    citizen_figures,
    counter_figures,
    ivr_paths,
    lost,
    occupancy,
    quality,
    request_figures,
)
from reports.calls import By, CallFigures, Level, Limits, Where
from reports.definitions import Unit, definitions
from reports.periods import Period
from reports.request_figures import AGES, OLDER, RequestsBy

#: ``None`` is shown as "–": there is nothing to count.
Value: TypeAlias = int | float | str | date | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; what it means is under its name in :func:`reports.definitions.definitions`."""

    name: str

    @property
    def unit(self) -> Unit:
        """How its values are shown."""
        return definitions()[self.name].unit

    def heading(self, language: str) -> str:
        """Its name in ``it`` or ``en``."""
        return definitions()[self.name].name(language)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures of a period."""

    name: str
    period: Period
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    #: How it is called in Italian and English, where it is none of :data:`TABLES`.
    names: tuple[str, str] | None = None

    def title(self, language: str) -> str:
        """Its name in ``it`` or ``en``."""
        if self.names is None:
            return TABLES[self.name].title(language)
        return self.names[language == "en"]


#: What is no office's own, in Italian and English.
DESK_NAMES = ("Sportello", "Desk")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a table is asked for."""

    period: Period
    #: One of the table's own :attr:`TableKind.by`; empty is the table's first choice.
    by: str = ""
    where: Where = field(default_factory=Where)
    limits: Limits = field(default_factory=Limits)
    language: str = "it"
    #: Only requests of these.
    kind: RequestKind | None = None
    channel: Channel | None = None

    @property
    def total(self) -> str:
        """The word for all of it."""
        return "Total" if self.language == "en" else "Totale"

    @property
    def desk(self) -> str:
        """The word for what is no office's own."""
        return DESK_NAMES[self.language == "en"]


@dataclass(frozen=True, slots=True)
class TableKind:
    """A table that can be asked for: its name in both languages, and what it can be told apart by."""

    name_it: str
    name_en: str
    make: Callable[[Session, Asked, datetime], tuple[Sequence[str], Iterable[Sequence[Value]]]]
    by: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """The name in ``it`` or ``en``."""
        return self.name_en if language == "en" else self.name_it


class NoSuchTable(ValueError):
    """There is no table of that name, or it is not told apart by that."""


def table(session: Session, name: str, asked: Asked, *, now: datetime) -> Table:
    """The table ``name`` of :data:`TABLES`. Raises :class:`NoSuchTable`."""
    kind = TABLES.get(name)
    if kind is None:
        raise NoSuchTable(f"there is no table {name!r}: {', '.join(TABLES)}")
    if asked.by and asked.by not in kind.by:
        raise NoSuchTable(f"{name} is not told apart by {asked.by!r}: {', '.join(kind.by) or 'nothing'}")
    columns, rows = kind.make(session, asked, now)
    return Table(
        name, asked.period, tuple(Column(column) for column in columns), tuple(tuple(row) for row in rows)
    )


CALL_COLUMNS = (
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
    "service_level",
    "answered_share",
    "abandoned_share",
    "asa",
    "longest_wait",
    "mean_patience",
    "talks",
    "mean_talk",
    "mean_hold",
    "mean_wrap_up",
    "aht",
    "transfers",
    "transfer_share",
    "repeat_share",
    "resolved_first",
    "resolved_survey",
    "dialogs",
    "self_service_share",
    "contained_share",
)
OPERATOR_COLUMNS = (
    "answered",
    "talks",
    "talk_seconds",
    "mean_talk",
    "mean_hold",
    "aht",
    "transfers",
    "transfer_share",
    "not_answered",
    "survey_answers",
    "resolved_survey",
)
_LEVELS: Mapping[str, Level] = {f"level_{level.value}": level for level in Level}

_Made: TypeAlias = tuple[Sequence[str], Iterable[Sequence[Value]]]


def _fields(figures: object, names: Iterable[str]) -> list[Any]:
    return [getattr(figures, name) for name in names]


def _calls(session: Session, asked: Asked, _now: datetime) -> _Made:
    by = By(asked.by or By.TOTAL)
    columns = OPERATOR_COLUMNS if by is By.OPERATOR else CALL_COLUMNS
    groups = calls.call_figures(session, asked.period, by=by, where=asked.where, limits=asked.limits)
    if by is By.TOTAL:
        return columns, [_fields(groups[0].figures, columns)]
    return (by.value, *columns), [
        [_shown(asked, by, group.key), *_fields(group.figures, columns)] for group in groups
    ]


def _shown(asked: Asked, by: By, key: calls.Key) -> Value:
    """A key as a value: what has no name gets one, or is nothing."""
    if key != "":
        return key
    return asked.desk if by is By.OFFICE else None


def _levels(session: Session, asked: Asked, _now: datetime) -> _Made:
    by = By(asked.by or By.TOTAL)
    counts = ("offered", "answered", "answered_in_time", "abandoned", "short_abandons", "abandoned_in_time")

    def row(figures: CallFigures) -> list[Value]:
        return [*_fields(figures, counts), *(figures.level(level) for level in _LEVELS.values())]

    groups = calls.call_figures(session, asked.period, by=by, where=asked.where, limits=asked.limits)
    columns = (*counts, *_LEVELS)
    if by is By.TOTAL:
        return columns, [row(groups[0].figures)]
    return (by.value, *columns), [[_shown(asked, by, group.key), *row(group.figures)] for group in groups]


def _heat(session: Session, asked: Asked, _now: datetime) -> _Made:
    heat = calls.heat_map(session, asked.period, where=asked.where)
    return ("weekday", "half_hour", "offered", "mean_offered"), [
        (weekday, half, count, heat.mean(weekday, half))
        for (weekday, half), count in sorted(heat.offered.items())
        if count
    ]


def _peaks(session: Session, asked: Asked, _now: datetime) -> _Made:
    heat = calls.heat_map(session, asked.period, where=asked.where)
    return ("weekday", "half_hour", "mean_offered"), [
        (peak.weekday, peak.half, peak.calls) for peak in heat.peaks(10)
    ]


def _nodes(session: Session, asked: Asked, _now: datetime) -> _Made:
    columns = (
        "node",
        "calls",
        "entered",
        "dropped",
        "dropped_share",
        "silences",
        "wrong",
        "failed_per_entry",
        "gave_up",
        "asked_for_person",
        "mean_seconds",
    )
    found = ivr_paths.node_figures(session, asked.period, language=asked.where.language)
    return columns, [_fields(figures, columns) for figures in found]


def _paths(session: Session, asked: Asked, _now: datetime) -> _Made:
    columns = ("origin", "target", "passages")
    return columns, [_fields(edge, columns) for edge in ivr_paths.edges(session, asked.period)]


def _lost(session: Session, asked: Asked, _now: datetime) -> _Made:
    columns = (
        "lost",
        "withheld",
        "recovered",
        "by_itself",
        "by_operator",
        "recovered_share",
        "mean_recovery",
        "median_recovery",
    )
    return columns, [_fields(lost.lost_figures(session, asked.period), columns)]


def _call_backs(session: Session, asked: Asked, _now: datetime) -> _Made:
    columns = ("asked", "served", "served_meanwhile", "failed", "cancelled", "open", "served_share")
    return columns, [_fields(lost.call_back_figures(session, asked.period), columns)]


def _requests(session: Session, asked: Asked, now: datetime) -> _Made:
    by = RequestsBy(asked.by or RequestsBy.KIND)
    columns = (
        "filed",
        "done",
        "rejected",
        "open",
        "in_time",
        "late",
        "overdue",
        "in_time_share",
        "mean_days",
    )
    found = request_figures.request_figures(
        session, asked.period, now=now, by=by, kind=asked.kind, channel=asked.channel
    )
    if by is RequestsBy.TOTAL:
        return columns, [_fields(found[0][1], columns)]
    return (by.value, *columns), [[key, *_fields(figures, columns)] for key, figures in found]


def _ages(session: Session, _asked: Asked, now: datetime) -> _Made:
    found = request_figures.open_by_age(session, now=now)
    return ("kind", "age", "open"), [
        (kind, age_label(bound), count) for (kind, bound), count in sorted(found.items())
    ]


def age_label(bound: int) -> str:
    """An age of :func:`reports.request_figures.open_by_age` in words of numbers: ``2–5``, ``> 30``."""
    if bound == OLDER:
        return f"> {AGES[-1]}"
    place = AGES.index(bound)
    return f"{AGES[place - 1] + 1 if place else 0}–{bound}"


def _flow(session: Session, asked: Asked, _now: datetime) -> _Made:
    by = counter_figures.FlowBy(asked.by or counter_figures.FlowBy.CATEGORY)
    return (by.value, "visits", "share"), [
        (flow.name_en if asked.language == "en" else flow.name_it, flow.visits, flow.share)
        for flow in counter_figures.counter_flow(session, asked.period, by=by)
    ]


def _appointments(session: Session, asked: Asked, now: datetime) -> _Made:
    columns = (
        "due",
        "kept",
        "missed",
        "not_noted",
        "to_come",
        "moved",
        "cancelled",
        "kept_share",
        "missed_share",
    )
    found = counter_figures.appointment_figures(session, asked.period, now=now)
    return ("office", *columns), [
        (office or asked.total, *_fields(figures, columns)) for office, figures in found.items()
    ]


def _messages(session: Session, asked: Asked, _now: datetime) -> _Made:
    columns = ("written", "delivered", "failed", "sent", "not_sent", "delivered_share")
    found = citizen_figures.message_figures(session, asked.period)
    return ("template", *columns), [
        (name or asked.total, *_fields(figures, columns)) for name, figures in found.items()
    ]


def _consents(session: Session, asked: Asked, _now: datetime) -> _Made:
    columns = ("given", "withdrawn", "in_force")
    found = citizen_figures.consent_figures(session, asked.period)
    return ("purpose", *columns), [(name, *_fields(figures, columns)) for name, figures in found.items()]


def _registered(session: Session, asked: Asked, now: datetime) -> _Made:
    found = citizen_figures.registered(session, asked.period, now=now)
    return ("month", "new", "total", "registered_share"), [
        (one.month, one.new, one.total, one.share) for one in found
    ]


def _occupancy(session: Session, asked: Asked, now: datetime) -> _Made:
    columns = ("open_seconds", "paused_seconds", "busy_seconds")
    found = occupancy.occupancy(session, asked.period, now=now)
    if asked.by == By.TOTAL:
        return (*columns, "occupancy"), [[*_fields(found[""], columns), found[""].share]]
    return ("operator", *columns, "occupancy"), [
        (extension or asked.total, *_fields(one, columns), one.share) for extension, one in found.items()
    ]


QUALITY = (
    "calls_without_end",
    "stays_without_end",
    "silent_days",
    "negative_times",
    "queue_without_record",
    "put_through_without_queue",
    "contradictions",
    "double_lines",
    "calls_without_dialog",
    "days_not_counted",
)


def _quality(session: Session, asked: Asked, now: datetime) -> _Made:
    found = quality.quality(session, asked.period, now=now)
    rows = []
    for name in QUALITY:
        value = getattr(found, name)
        rows.append(
            (definitions()[name].name(asked.language), len(value) if isinstance(value, tuple) else value)
        )
    return ("finding", "found"), rows


_CALLS_BY = tuple(by.value for by in By)

#: What can be asked for, by name.
TABLES: Mapping[str, TableKind] = {
    "calls": TableKind("Chiamate", "Calls", _calls, _CALLS_BY),
    "levels": TableKind(
        "Livello di servizio, tutte le varianti",
        "Service level, all variants",
        _levels,
        tuple(by for by in _CALLS_BY if by != By.OPERATOR),
    ),
    "heat": TableKind("Chiamate per giorno e mezz'ora", "Calls by weekday and half hour", _heat),
    "peaks": TableKind("Le mezz'ore più piene", "The busiest half hours", _peaks),
    "nodes": TableKind("Nodi del risponditore", "Nodes of the dialog", _nodes),
    "paths": TableKind("Percorsi nel risponditore", "Paths through the dialog", _paths),
    "lost": TableKind("Chiamate perse e recuperate", "Lost and recovered calls", _lost),
    "call-backs": TableKind("Richiamate", "Call-backs", _call_backs),
    "occupancy": TableKind(
        "Occupazione dei telefoni",
        "Occupancy of the phones",
        _occupancy,
        (By.OPERATOR.value, By.TOTAL.value),
    ),
    "requests": TableKind("Richieste", "Requests", _requests, tuple(by.value for by in RequestsBy)),
    "ages": TableKind("Età delle richieste aperte", "Age of open requests", _ages),
    "flow": TableKind(
        "Flusso di utenza allo sportello",
        "Flow of users at the counter",
        _flow,
        tuple(by.value for by in counter_figures.FlowBy),
    ),
    "appointments": TableKind("Appuntamenti", "Appointments", _appointments),
    "messages": TableKind("Messaggi SMS", "Text messages", _messages),
    "consents": TableKind("Consensi", "Consents", _consents),
    "registered": TableKind("Cittadini registrati", "Registered citizens", _registered),
    "quality": TableKind("Qualità dei dati", "Data quality", _quality),
}
