"""What managers ask the figures: a period, what it is compared with, and only which calls.

A question is read from the arguments of an address and written to them again, so that every page of figures
can be kept and passed on. Nobody's name or number is ever part of one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from desk.models import Channel, RequestKind, Tier
from reports.calls import DESK, Level, Limits, Where
from reports.periods import Period, month, week, year

E = TypeVar("E", bound=StrEnum)

#: How the desk, which is no office, is called in an address.
DESK_IN_ADDRESS = "-"
#: The longest period that is reckoned for a page, days: five years.
LONGEST = 5 * 366
#: Rows of single hours are shown for so many days at most.
TIMELINE_DAYS = 62
#: Filters that leave something out.
NARROWING = (
    "line",
    "office",
    "language",
    "operator",
    "tier",
    "channel",
    "kind",
    "hour",
    "half",
    "weekday",
)
#: The longest threshold, seconds.
_HOUR = 3600
_DAY = timedelta(days=1)


class Span(StrEnum):
    """Periods that have a name; those of today end with it."""

    LAST_30 = "last_30"
    TODAY = "today"
    YESTERDAY = "yesterday"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_YEAR = "this_year"
    LAST_YEAR = "last_year"
    #: From a day to a day.
    CHOSEN = "chosen"


class Compare(StrEnum):
    """What a period is compared with."""

    PREVIOUS = "previous"
    #: The same days of the year before.
    YEAR = "year"
    NOTHING = "nothing"


class BadQuestion(ValueError):
    """An argument that makes no sense: its ``name``, and the ``reason`` as a word of ours."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; ``None`` is all. ``hour``, ``half`` and ``weekday`` as :mod:`reports.periods` counts."""

    period: Period
    span: Span = Span.LAST_30
    compare: Compare = Compare.PREVIOUS
    by: str = ""
    #: Which of a page's views.
    view: str = ""
    line: str | None = None
    office: str | None = None
    language: str | None = None
    #: An extension.
    operator: str | None = None
    tier: Tier | None = None
    channel: Channel | None = None
    kind: RequestKind | None = None
    limits: Limits = field(default_factory=Limits)
    hour: int | None = None
    half: int | None = None
    weekday: int | None = None

    @classmethod
    def read(
        cls, said: Mapping[str, str], *, today: date, by: Sequence[str] = (), views: Sequence[str] = ()
    ) -> Question:
        """Read the arguments of an address; what is empty or unknown by name counts as not said.

        Args:
            said: the arguments.
            today: of Rome.
            by: what the page can be told apart by, the first one without it.
            views: the page's views, the first one without it.

        Raises:
            BadQuestion: for the first argument that makes no sense.
        """
        read = _Reading(said)
        span = read.member("span", Span)
        if span is None:
            span = Span.CHOSEN if read.has("from") or read.has("to") else Span.LAST_30
        period = _chosen(read, today) if span is Span.CHOSEN else _named(span, today)
        asked_by = read.one_of("by", by) or (by[0] if by else "")
        if asked_by == "timeline" and len(period) > TIMELINE_DAYS:
            raise BadQuestion("by", "timeline_too_long")
        plain = Limits()
        within, short = read.whole("within", _HOUR), read.whole("short", _HOUR)
        # The town names its offices as it likes.
        office = read.text("office", r"[^\x00-\x1f<>]{1,40}")
        return cls(
            period,
            span,
            read.member("compare", Compare) or Compare.PREVIOUS,
            asked_by,
            read.one_of("view", views) or (views[0] if views else ""),
            line=read.text("line", r"\+?[A-Za-z0-9_.-]{1,40}"),
            office=DESK if office == DESK_IN_ADDRESS else office,
            language=read.text("language", r"[a-z]{2,5}"),
            operator=read.text("operator", r"[0-9]{1,8}"),
            tier=read.member("tier", Tier),
            channel=read.member("channel", Channel),
            kind=read.member("kind", RequestKind),
            limits=Limits(
                plain.within if within is None else within,
                plain.short if short is None else short,
                read.member("level", Level) or plain.level,
            ),
            hour=read.whole("hour", 23),
            half=read.whole("half", 47),
            weekday=read.whole("weekday", 6),
        )

    @property
    def where(self) -> Where:
        """Only which calls, as sums can tell them apart."""
        return Where(line=self.line, language=self.language, office=self.office)

    @property
    def compared(self) -> Period | None:
        """The period that it is compared with."""
        if self.compare is Compare.NOTHING:
            return None
        return year_before(self.period) if self.compare is Compare.YEAR else _previous(self.period, self.span)

    @property
    def said(self) -> frozenset[str]:
        """Names of the filters that leave something out."""
        return frozenset(name for name in NARROWING if getattr(self, name) is not None)

    def but(self, **changed: Any) -> Question:
        """The same question but for what changed; a new period is one from a day to a day."""
        if "period" in changed:
            changed.setdefault("span", Span.CHOSEN)
        return replace(self, **changed)

    def address(self) -> dict[str, str]:
        """The arguments of its address, without what goes without saying."""
        plain = Limits()
        chosen = self.span is Span.CHOSEN
        office = DESK_IN_ADDRESS if self.office == DESK else self.office
        said: dict[str, object] = {
            "span": self.span if self.span not in (Span.LAST_30, Span.CHOSEN) else None,
            "from": self.period.first if chosen else None,
            "to": self.period.last if chosen else None,
            "compare": self.compare if self.compare is not Compare.PREVIOUS else None,
            "by": self.by or None,
            "view": self.view or None,
            "line": self.line,
            "office": office,
            "language": self.language,
            "operator": self.operator,
            "tier": self.tier,
            "channel": self.channel,
            "kind": self.kind,
            "within": self.limits.within if self.limits.within != plain.within else None,
            "short": self.limits.short if self.limits.short != plain.short else None,
            "level": self.limits.level if self.limits.level is not plain.level else None,
            "hour": self.hour,
            "half": self.half,
            "weekday": self.weekday,
        }
        return {name: str(value) for name, value in said.items() if value is not None}


class _Reading:
    """Arguments read one by one."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said

    def has(self, name: str) -> bool:
        return bool(self._said.get(name, "").strip())

    def member(self, name: str, members: type[E]) -> E | None:
        said = self._said.get(name, "").strip()
        if not said:
            return None
        for member in members:
            if member.value == said:
                return member
        raise BadQuestion(name, "unknown")

    def one_of(self, name: str, values: Sequence[str]) -> str | None:
        said = self._said.get(name, "").strip()
        if said and values and said not in values:
            raise BadQuestion(name, "unknown")
        return said if values else None

    def text(self, name: str, pattern: str) -> str | None:
        said = self._said.get(name, "").strip()
        if said and not re.fullmatch(pattern, said):
            raise BadQuestion(name, "unknown")
        return said or None

    def whole(self, name: str, most: int) -> int | None:
        said = self._said.get(name, "").strip()
        if not said:
            return None
        if not re.fullmatch(r"\d{1,6}", said, re.ASCII) or int(said) > most:
            raise BadQuestion(name, "not_a_number")
        return int(said)

    def day(self, name: str) -> date | None:
        said = self._said.get(name, "").strip()
        if not said:
            return None
        try:
            day = date.fromisoformat(said)
        except ValueError:
            raise BadQuestion(name, "not_a_day") from None
        # Far away, arithmetic with time zones breaks.
        if not 2000 <= day.year < 2100:
            raise BadQuestion(name, "not_a_day")
        return day


def year_before(period: Period) -> Period:
    """The same days of the year before; the 29th of February is the 28th there."""
    return Period(_earlier(period.first), _earlier(period.last))


def _earlier(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _chosen(read: _Reading, today: date) -> Period:
    first, last = read.day("from"), read.day("to")
    if first is None and last is None:
        raise BadQuestion("from", "missing")
    last = last or max(today, first or today)
    first = first or last
    if last < first:
        raise BadQuestion("to", "backwards")
    if (last - first).days >= LONGEST:
        raise BadQuestion("from", "too_long")
    return Period(first, last)


def _named(span: Span, today: date) -> Period:
    yesterday = today - _DAY
    named = {
        Span.TODAY: Period(today, today),
        Span.YESTERDAY: Period(yesterday, yesterday),
        Span.THIS_WEEK: Period(week(today).first, today),
        Span.LAST_WEEK: week(week(today).first - _DAY),
        Span.THIS_MONTH: Period(month(today).first, today),
        Span.LAST_MONTH: month(month(today).first - _DAY),
        Span.THIS_YEAR: Period(year(today.year).first, today),
        Span.LAST_YEAR: year(today.year - 1),
    }
    return named.get(span) or Period(today - 29 * _DAY, today)


def _previous(period: Period, span: Span) -> Period:
    """What came before: of a week, a month or a year that is not over, as much of the one before."""
    if span is Span.THIS_WEEK:
        return Period(period.first - 7 * _DAY, period.last - 7 * _DAY)
    if span is Span.THIS_MONTH:
        before = month(period.first - _DAY)
        if period == month(period.first):
            return before
        return Period(before.first, min(before.last, before.first + (len(period) - 1) * _DAY))
    if span is Span.THIS_YEAR:
        return year_before(period)
    return period.before()
