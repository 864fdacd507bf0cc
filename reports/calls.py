"""Figures of calls: how many came, who answered, how long it took, how many were lost.

All of it is read from the sums of :mod:`reports.rollups`. A figure that there is nothing to count for is
``None``, shown as "–": no calls are neither 0 % nor 100 %.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Session

from desk.models import (
    CallSums,
    DirectLine,
    Phone,
    RepeatSums,
    RoutingRules,
    StayOutcome,
    SurveyAnswer,
    TalkSums,
    Tier,
    WaitSums,
)
from reports.periods import HALVES, Period, day_in_rome, month, slots_of, week

#: The office that has no line of its own: the desk.
DESK = ""


class By(StrEnum):
    """What figures are told apart by."""

    TOTAL = "total"
    #: The hour of the clock, 0 to 23.
    HOUR = "hour"
    HALF_HOUR = "half_hour"
    #: 0 is Monday.
    WEEKDAY = "weekday"
    #: Each hour that passed, in its order: a day has 23, 24 or 25.
    TIMELINE = "timeline"
    DAY = "day"
    #: By its Monday.
    WEEK = "week"
    #: By its first day.
    MONTH = "month"
    OFFICE = "office"
    OPERATOR = "operator"
    LINE = "line"
    LANGUAGE = "language"


class Level(StrEnum):
    """The published ways to reckon a service level; they differ in what becomes of those who gave up."""

    #: Answered in time ÷ (offered − short abandons).
    WITHOUT_SHORT = "without_short"
    #: Answered in time ÷ offered: every abandon counts against it.
    OF_OFFERED = "of_offered"
    #: Answered in time ÷ answered: abandons do not count at all.
    OF_ANSWERED = "of_answered"
    #: (Answered in time + abandoned in time) ÷ offered: who gave up in time counts as served.
    ABANDONED_SERVED = "abandoned_served"
    #: Answered in time ÷ (offered − abandoned in time): who gave up in time is left out.
    WITHOUT_ABANDONED_IN_TIME = "without_abandoned_in_time"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service level means, in seconds: answered ``within``; who gave up sooner than ``short``."""

    within: int = 20
    short: int = 5
    level: Level = Level.WITHOUT_SHORT


@dataclass(frozen=True, slots=True)
class Where:
    """Only calls of these; ``None`` is all. ``office`` is a line's; :data:`DESK` has all other lines."""

    line: str | None = None
    language: str | None = None
    office: str | None = None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if whole and part is not None else None


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Figures of some calls. Times are seconds, shares 0 to 1; ``None``: there is nothing to count."""

    limits: Limits = Limits()
    #: Seconds that a phone of the desk is left alone after a conversation, by the rules of today.
    wrap_up_seconds: int = 0

    calls: int = 0
    closed: int = 0
    dialogs: int = 0
    self_served: int = 0
    hung_up: int = 0

    offered: int = 0
    by_back_office: int = 0
    by_counter: int = 0
    by_office: int = 0
    abandoned: int = 0
    unanswered: int = 0
    waiting: int = 0
    overflowed: int = 0
    call_backs: int = 0
    waited_answered: int = 0
    waited_abandoned: int = 0

    answered_in_time: int = 0
    short_abandons: int = 0
    abandoned_in_time: int = 0
    longest_wait: int | None = None

    talks: int = 0
    desk_talks: int = 0
    talk_seconds: int = 0
    #: Seconds on hold, and the conversations of which that is known.
    held_seconds: int = 0
    held_talks: int = 0
    #: Conversations that ended by handing the call on, without and after asking.
    blind: int = 0
    attended: int = 0
    #: How often a phone rang in vain.
    not_answered: int = 0
    #: ``None`` where calls are told apart by something that repeated calls are not.
    known_answered: int | None = 0
    repeated: int | None = 0
    survey_answers: int | None = 0
    survey_solved: int | None = 0

    @property
    def answered(self) -> int:
        """Calls that a person answered."""
        return self.by_back_office + self.by_counter + self.by_office

    @property
    def over(self) -> int:
        """Offered calls whose end is known."""
        return self.offered - self.waiting

    @property
    def long_abandons(self) -> int:
        """Abandons that are not short."""
        return self.abandoned - self.short_abandons

    @property
    def service_level(self) -> float | None:
        """The share of calls answered in time, as ``limits`` say."""
        return self.level(self.limits.level)

    def level(self, level: Level) -> float | None:
        """The service level in one of its variants."""
        in_time, over = self.answered_in_time, self.over
        if level is Level.WITHOUT_SHORT:
            return _ratio(in_time, over - self.short_abandons)
        if level is Level.OF_OFFERED:
            return _ratio(in_time, over)
        if level is Level.OF_ANSWERED:
            return _ratio(in_time, self.answered)
        if level is Level.ABANDONED_SERVED:
            return _ratio(in_time + self.abandoned_in_time, over)
        return _ratio(in_time, over - self.abandoned_in_time)

    @property
    def answered_share(self) -> float | None:
        """Answered ÷ (offered − short abandons)."""
        return _ratio(self.answered, self.over - self.short_abandons)

    @property
    def abandoned_share(self) -> float | None:
        """Abandons that are not short ÷ (offered − short abandons)."""
        return _ratio(self.long_abandons, self.over - self.short_abandons)

    @property
    def overflow_share(self) -> float | None:
        """Rang at the counters ÷ offered."""
        return _ratio(self.overflowed, self.offered)

    @property
    def asa(self) -> float | None:
        """Mean wait of answered calls."""
        return _ratio(self.waited_answered, self.answered)

    @property
    def mean_patience(self) -> float | None:
        """Mean wait of those who gave up."""
        return _ratio(self.waited_abandoned, self.abandoned)

    @property
    def mean_talk(self) -> float | None:
        """Mean length of a conversation, time on hold included."""
        return _ratio(self.talk_seconds, self.talks)

    @property
    def mean_hold(self) -> float | None:
        """Mean time on hold in a conversation."""
        return _ratio(self.held_seconds, self.held_talks)

    @property
    def wrap_up(self) -> int:
        """Seconds in which phones were left alone after conversations."""
        return self.desk_talks * self.wrap_up_seconds

    @property
    def mean_wrap_up(self) -> float | None:
        """The same per conversation."""
        return _ratio(self.wrap_up, self.talks)

    @property
    def aht(self) -> float | None:
        """Mean handling time of a conversation: talk, hold and wrap-up."""
        return _ratio(self.talk_seconds + self.wrap_up, self.talks)

    @property
    def transfers(self) -> int:
        """Conversations that ended by handing the call on."""
        return self.blind + self.attended

    @property
    def transfer_share(self) -> float | None:
        """Handed on ÷ conversations."""
        return _ratio(self.transfers, self.talks)

    @property
    def repeat_share(self) -> float | None:
        """Answered calls of known numbers that were answered again within days."""
        return _ratio(self.repeated, self.known_answered)

    @property
    def resolved_first(self) -> float | None:
        """First-contact resolution by calls that did not come again."""
        share = self.repeat_share
        return None if share is None else 1 - share

    @property
    def resolved_survey(self) -> float | None:
        """First-contact resolution by the question after the talk."""
        return _ratio(self.survey_solved, self.survey_answers)

    @property
    def self_service_share(self) -> float | None:
        """Ended in the dialog with what was wanted ÷ calls that came to a dialog."""
        return _ratio(self.self_served, self.dialogs)

    @property
    def contained_share(self) -> float | None:
        """Ended in the dialog, hang-ups included ÷ calls that came to a dialog."""
        return _ratio(self.self_served + self.hung_up, self.dialogs)


Key: TypeAlias = int | str | date | datetime


@dataclass(frozen=True, slots=True)
class Group:
    """One line of figures: a key as :class:`By` says, or ``"total"``."""

    key: Key
    figures: CallFigures


def call_figures(
    session: Session,
    period: Period,
    *,
    by: By = By.TOTAL,
    where: Where = Where(),
    limits: Limits = Limits(),
) -> tuple[Group, ...]:
    """Figures of the calls of ``period``, told apart ``by``; times and days without calls are there, too."""
    rules = session.get(RoutingRules, 1)
    wrap_up = rules.wrap_up_seconds if rules else 0
    offices = _offices(session)
    grouping = _Grouping(by, offices)
    counts: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    longest: dict[Key, int] = {}
    if by is not By.OPERATOR:
        _add(counts, grouping, _call_counts(session, period, grouping, where, offices))
        for key, waited, row in _wait_counts(session, period, grouping, where, offices, limits):
            counts[key].update(row)
            if waited is not None:
                longest[key] = max(waited, longest.get(key, 0))
    _add(counts, grouping, _talk_counts(session, period, grouping, where, offices))
    _add(counts, grouping, _repeat_counts(session, period, grouping, where, offices))
    _add(counts, grouping, _survey_counts(session, period, grouping, where))
    keys = grouping.keys(period, counts)
    return tuple(
        Group(
            key,
            _figures(counts.get(key, Counter()), grouping, where, limits, wrap_up, longest.get(key)),
        )
        for key in keys
    )


def merged(groups: Iterable[CallFigures]) -> CallFigures:
    """The figures of all calls of ``groups``: at least one, with the same limits and no call in common."""
    every = list(groups)
    sums: dict[str, Any] = {}
    for name in _COUNTS:
        values = [getattr(figures, name) for figures in every]
        sums[name] = None if None in values else sum(values)
    longest = max((one.longest_wait for one in every if one.longest_wait is not None), default=None)
    return replace(every[0], longest_wait=longest, **sums)


def total(
    session: Session, period: Period, *, where: Where = Where(), limits: Limits = Limits()
) -> CallFigures:
    """Figures of all calls of ``period``."""
    return call_figures(session, period, where=where, limits=limits)[0].figures


_COUNTS = frozenset(one.name for one in fields(CallFigures)) - {"limits", "wrap_up_seconds", "longest_wait"}
_REPEATS, _SURVEY = ("known_answered", "repeated"), ("survey_answers", "survey_solved")


def _figures(
    counts: Counter[str], grouping: _Grouping, where: Where, limits: Limits, wrap_up: int, longest: int | None
) -> CallFigures:
    values: dict[str, Any] = {name: counts[name] for name in _COUNTS}
    if not grouping.has_repeats or where.language is not None:
        values |= dict.fromkeys(_REPEATS)
    if not grouping.has_survey or where != Where():
        values |= dict.fromkeys(_SURVEY)
    return CallFigures(limits=limits, wrap_up_seconds=wrap_up, longest_wait=longest, **values)


#: Row of sums: the group's key in the database, and the sums by name.
_Row: TypeAlias = tuple[Hashable, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Grouping:
    """How rows are told apart: by which column in the database, and what that is here."""

    by: By
    offices: Mapping[str, str]
    has_repeats: bool = field(init=False)
    has_survey: bool = field(init=False)

    def __post_init__(self) -> None:
        days = {By.TOTAL, By.DAY, By.WEEK, By.MONTH, By.WEEKDAY}
        object.__setattr__(self, "has_repeats", self.by in days | {By.LINE, By.OFFICE})
        object.__setattr__(self, "has_survey", self.by in days | {By.OPERATOR})

    def column(self, table: Any) -> ColumnElement[Any]:
        """What rows of ``table`` are grouped by."""
        name = _COLUMN[self.by]
        return literal("total") if name is None else getattr(table, name)

    def by_column(self, table: Any) -> Sequence[ColumnElement[Any]]:
        """The same for ``GROUP BY``: nothing for a total, since SQLite would sort all rows by the word."""
        return () if self.by is By.TOTAL else (self.column(table),)

    def key(self, value: Any) -> Key:
        """The group of what the database calls ``value``."""
        return _KEY[self.by](value) if self.by is not By.OFFICE else self.offices.get(value, DESK)

    def keys(self, period: Period, found: Iterable[Key]) -> Sequence[Key]:
        """All groups in order, those without a call included where they are known."""
        if self.by is By.TOTAL:
            return ["total"]
        if self.by is By.HOUR:
            return range(24)
        if self.by is By.HALF_HOUR:
            return range(HALVES)
        if self.by is By.WEEKDAY:
            return range(7)
        if self.by is By.TIMELINE:
            return [slot.begins_at for day in period for slot in slots_of(day)[::2]]
        if self.by in (By.DAY, By.WEEK, By.MONTH):
            return list(dict.fromkeys(_KEY[self.by](day) for day in period))
        if self.by is By.OFFICE:
            return sorted({*found, DESK, *self.offices.values()}, key=str)
        return sorted(found, key=str)


_COLUMN: Mapping[By, str | None] = {
    By.TOTAL: None,
    By.HOUR: "half",
    By.HALF_HOUR: "half",
    By.WEEKDAY: "day",
    By.TIMELINE: "begins_at",
    By.DAY: "day",
    By.WEEK: "day",
    By.MONTH: "day",
    By.OFFICE: "line",
    By.OPERATOR: "extension",
    By.LINE: "line",
    By.LANGUAGE: "language",
}
_KEY: Mapping[By, Callable[[Any], Key]] = {
    By.TOTAL: str,
    By.HOUR: lambda half: int(half) // 2,
    By.HALF_HOUR: int,
    By.WEEKDAY: lambda day: int(day.weekday()),
    # Rome's offset is whole hours: its hours begin with those of UTC.
    By.TIMELINE: lambda at: at.astimezone(UTC).replace(minute=0),
    By.DAY: lambda day: day,
    By.WEEK: lambda day: week(day).first,
    By.MONTH: lambda day: month(day).first,
    By.OPERATOR: str,
    By.LINE: str,
    By.LANGUAGE: str,
}


def _offices(session: Session) -> dict[str, str]:
    """Line to office; all other lines are the desk's."""
    return {line.e164: line.office for line in session.scalars(select(DirectLine))}


def _add(counts: defaultdict[Key, Counter[str]], grouping: _Grouping, rows: Iterable[_Row]) -> None:
    for value, row in rows:
        counts[grouping.key(value)].update(row)


def _only(table: Any, period: Period, where: Where, offices: Mapping[str, str]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [table.day.between(period.first, period.last)]
    if where.line is not None:
        wanted.append(table.line == where.line)
    if where.office is not None:
        own = [line for line, office in offices.items() if where.office in (office, DESK)]
        wanted.append(table.line.not_in(own) if where.office == DESK else table.line.in_(own))
    if where.language is not None and hasattr(table, "language"):
        wanted.append(table.language == where.language)
    return wanted


_CALL_COLUMNS = tuple(
    column.key
    for column in CallSums.__table__.columns
    if column.key in {one.name for one in fields(CallFigures)}
)


def _sum(column: Any) -> ColumnElement[int]:
    """The sum, 0 of nothing."""
    return func.coalesce(func.sum(column), 0)


def _call_counts(
    session: Session, period: Period, grouping: _Grouping, where: Where, offices: Mapping[str, str]
) -> Iterable[_Row]:
    group = grouping.column(CallSums)
    rows = session.execute(
        select(group, *(_sum(getattr(CallSums, name)) for name in _CALL_COLUMNS))
        .where(*_only(CallSums, period, where, offices))
        .group_by(*grouping.by_column(CallSums))
    )
    for value, *sums in rows:
        yield value, {name: int(count) for name, count in zip(_CALL_COLUMNS, sums, strict=True)}


def _wait_counts(
    session: Session,
    period: Period,
    grouping: _Grouping,
    where: Where,
    offices: Mapping[str, str],
    limits: Limits,
) -> Iterable[tuple[Key, int | None, Mapping[str, int]]]:
    group = grouping.column(WaitSums)
    answered = WaitSums.outcome == StayOutcome.ANSWERED.value
    abandoned = WaitSums.outcome == StayOutcome.ABANDONED.value

    def calls(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return _sum(case((condition, WaitSums.calls), else_=0))

    rows = session.execute(
        select(
            group,
            func.max(WaitSums.seconds),
            calls(answered & (WaitSums.seconds <= limits.within)),
            calls(abandoned & (WaitSums.seconds < limits.short)),
            calls(abandoned & (WaitSums.seconds <= limits.within)),
        )
        .where(*_only(WaitSums, period, where, offices))
        .group_by(*grouping.by_column(WaitSums))
    )
    for value, longest, in_time, short, given_up in rows:
        yield (
            grouping.key(value),
            longest,
            {
                "answered_in_time": int(in_time),
                "short_abandons": int(short),
                "abandoned_in_time": int(given_up),
            },
        )


def _talk_counts(
    session: Session, period: Period, grouping: _Grouping, where: Where, offices: Mapping[str, str]
) -> Iterable[_Row]:
    group = grouping.column(TalkSums)
    tiers = {phone.extension: phone.tier for phone in session.scalars(select(Phone))}
    of_desk = TalkSums.extension.in_([one for one, tier in tiers.items() if tier is not Tier.OFFICE])
    rows = session.execute(
        select(
            group,
            _sum(TalkSums.talks),
            _sum(case((of_desk, TalkSums.talks), else_=0)),
            _sum(TalkSums.talk_seconds),
            _sum(TalkSums.held_seconds),
            _sum(case((TalkSums.held_seconds.is_not(None), TalkSums.talks), else_=0)),
            _sum(TalkSums.not_answered),
            _sum(TalkSums.answered),
            _sum(TalkSums.blind),
            _sum(TalkSums.attended),
        )
        .where(*_only(TalkSums, period, where, offices))
        .group_by(*grouping.by_column(TalkSums))
    )
    for value, talks, of_the_desk, seconds, held, known, in_vain, answered, blind, attended in rows:
        counts = {
            "talks": int(talks),
            "desk_talks": int(of_the_desk),
            "talk_seconds": int(seconds),
            "held_seconds": int(held),
            "held_talks": int(known),
            "not_answered": int(in_vain),
            "blind": int(blind),
            "attended": int(attended),
        }
        if grouping.by is By.OPERATOR:
            counts[_BY_TIER[tiers.get(value)]] = int(answered)
        yield value, counts


_BY_TIER: Mapping[str | None, str] = {
    Tier.BACK_OFFICE: "by_back_office",
    Tier.COUNTER: "by_counter",
    Tier.OFFICE: "by_office",
    None: "by_office",
}


def _repeat_counts(
    session: Session, period: Period, grouping: _Grouping, where: Where, offices: Mapping[str, str]
) -> Iterable[_Row]:
    if not grouping.has_repeats or where.language is not None:
        return
    group = grouping.column(RepeatSums)
    rows = session.execute(
        select(group, _sum(RepeatSums.answered), _sum(RepeatSums.repeated))
        .where(*_only(RepeatSums, period, where, offices))
        .group_by(*grouping.by_column(RepeatSums))
    )
    for value, answered, repeated in rows:
        yield value, {"known_answered": int(answered), "repeated": int(repeated)}


def _survey_counts(session: Session, period: Period, grouping: _Grouping, where: Where) -> Iterable[_Row]:
    # Answers know the phone and the day only.
    if not grouping.has_survey or where != Where():
        return
    asked = (SurveyAnswer.at >= period.begins_at) & (SurveyAnswer.at < period.ends_at)
    solved = func.sum(case((SurveyAnswer.solved, 1), else_=0))
    if grouping.by is By.TOTAL:
        group: Any = literal("total")
    elif grouping.by is By.OPERATOR:
        group = func.coalesce(SurveyAnswer.extension, "")
    else:
        for at, good in session.execute(select(SurveyAnswer.at, SurveyAnswer.solved).where(asked)):
            yield day_in_rome(at), {"survey_answers": 1, "survey_solved": int(good)}
        return
    rows = session.execute(select(group, func.count(), solved).where(asked).group_by(group))
    for value, answers, good in rows:
        yield value, {"survey_answers": answers, "survey_solved": int(good)}


@dataclass(frozen=True, slots=True)
class Peak:
    """A half hour of the week and the mean of calls offered in it."""

    weekday: int
    half: int
    calls: float


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Calls offered by weekday (0 is Monday) and half hour of the clock (0 to 47)."""

    #: How many of each weekday the period has.
    days: Mapping[int, int]
    offered: Mapping[tuple[int, int], int]

    def mean(self, weekday: int, half: int) -> float | None:
        """Calls on such a day; ``None`` if the period has none."""
        days = self.days.get(weekday, 0)
        return self.offered.get((weekday, half), 0) / days if days else None

    def peaks(self, most: int = 5) -> tuple[Peak, ...]:
        """The busiest half hours of the week, the busiest first."""
        found = (
            Peak(weekday, half, count / self.days[weekday])
            for (weekday, half), count in self.offered.items()
            if count
        )
        return tuple(sorted(found, key=lambda peak: (-peak.calls, peak.weekday, peak.half))[:most])


def heat_map(session: Session, period: Period, *, where: Where = Where()) -> HeatMap:
    """When in the week calls are offered."""
    offered: Counter[tuple[int, int]] = Counter()
    for day, half, count in session.execute(
        select(CallSums.day, CallSums.half, func.sum(CallSums.offered))
        .where(*_only(CallSums, period, where, _offices(session)))
        .group_by(CallSums.day, CallSums.half)
    ):
        offered[day.weekday(), half] += int(count)
    return HeatMap(Counter(day.weekday() for day in period), offered)


def busiest_days(session: Session, period: Period, most: int = 5) -> tuple[tuple[date, int], ...]:
    """The days with the most offered calls, the busiest first."""
    count = func.sum(CallSums.offered)
    rows = session.execute(
        select(CallSums.day, count)
        .where(CallSums.day.between(period.first, period.last))
        .group_by(CallSums.day)
        .having(count > 0)
        .order_by(count.desc(), CallSums.day)
        .limit(most)
    )
    return tuple((day, int(calls)) for day, calls in rows)


def half_hours(
    session: Session, period: Period, *, where: Where = Where()
) -> Mapping[datetime, tuple[int, int]]:
    """Offered and abandoned calls by the half hour (UTC) they entered the queue in: what forecasts need."""
    rows = session.execute(
        select(CallSums.begins_at, func.sum(CallSums.offered), func.sum(CallSums.abandoned))
        .where(*_only(CallSums, period, where, _offices(session)))
        .group_by(CallSums.begins_at)
        .having(func.sum(CallSums.offered) > 0)
    )
    return {at: (int(offered), int(abandoned)) for at, offered, abandoned in rows}
