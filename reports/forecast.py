"""How many calls will come: from past weeks, last year's seasons, and deadlines that are known beforehand.

The method is plain on purpose. A desk with thirty calls a day has little but chance in its single half hours,
and a model with many parameters would learn the chance: a mean of the same weekdays, recent weeks counting
more, spread over the day as the weekday's calls were, times what deadlines bring. :func:`back_test` tells how
far it is off, beside the guess that next week will be as last week.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path

_FILE = Path(__file__).with_name("deadlines.toml")
_WEEK = timedelta(days=7)
#: Weeks that a forecast rests on, and what a week counts beside the one after it.
WEEKS, FADING = 10, 0.85
#: Days of a year's season are compared over so many weeks.
_SEASON_WEEKS = 4
#: Days of evidence that an assumption is worth.
_TRUST = 10.0


@dataclass(frozen=True, slots=True)
class History:
    """Calls offered on past open days, by half hour of Rome's clock (0 to 47); a day may have none."""

    days: Mapping[date, Mapping[int, int]]

    def volume(self, day: date) -> int:
        """All calls of ``day``."""
        return sum(self.days[day].values())

    def before(self, day: date) -> History:
        """What was known when ``day`` began."""
        return History({past: calls for past, calls in self.days.items() if past < day})


@dataclass(frozen=True, slots=True)
class Deadline:
    """Spans of days (both ends included) that bring more calls: ``assumed`` times as many, until learnt."""

    code: str
    name_it: str
    name_en: str
    assumed: float
    #: Of every year: month and day. A year that has dates goes by these.
    begins: tuple[int, int] | None = None
    ends: tuple[int, int] | None = None
    dates: tuple[tuple[date, date], ...] = ()

    def covers(self, day: date) -> bool:
        """Whether ``day`` is one of its days."""
        if any(day.year in (begins.year, ends.year) for begins, ends in self.dates):
            return any(begins <= day <= ends for begins, ends in self.dates)
        if self.begins is None or self.ends is None:
            return False
        return self.begins <= (day.month, day.day) <= self.ends


@cache
def deadlines() -> tuple[Deadline, ...]:
    """Those of ``deadlines.toml``."""
    return tuple(
        Deadline(
            code=entry["code"],
            name_it=entry["name_it"],
            name_en=entry["name_en"],
            assumed=entry["assumed"],
            begins=tuple(entry["begins"]) if "begins" in entry else None,
            ends=tuple(entry["ends"]) if "ends" in entry else None,
            dates=tuple((span["begins"], span["ends"]) for span in entry.get("dates", ())),
        )
        for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))["deadline"]
    )


def learn_uplifts(history: History, known: Sequence[Deadline]) -> Mapping[str, float]:
    """How many times as many calls each deadline brings: as in the past, or as it is assumed.

    A day of a deadline is held against the same weekdays of the eight weeks before and after that no deadline
    covers; an assumption weighs as much as ten such days.
    """
    ordinary = {day for day in history.days if not any(deadline.covers(day) for deadline in known)}
    found = {}
    for deadline in known:
        seen = expected = 0.0
        number = 0
        for day in history.days:
            if not deadline.covers(day):
                continue
            near = [
                history.volume(other)
                for weeks in (*range(-8, 0), *range(1, 9))
                if (other := day + weeks * _WEEK) in ordinary
            ]
            if near:
                seen += history.volume(day)
                expected += sum(near) / len(near)
                number += 1
        learnt = seen / expected if expected else deadline.assumed
        found[deadline.code] = (number * learnt + _TRUST * deadline.assumed) / (number + _TRUST)
    return found


def forecast(
    history: History, days: Iterable[date], known: Sequence[Deadline] | None = None
) -> Mapping[date, Mapping[int, float]]:
    """Calls to expect on each of ``days`` (open ones), by half hour.

    A weekday that was never open has nothing to expect. Raises ``ValueError`` without any history.
    """
    known = deadlines() if known is None else known
    if not history.days:
        raise ValueError("no calls were recorded yet")
    uplifts = learn_uplifts(history, known)

    def times(day: date) -> float:
        lift = 1.0
        for deadline in known:
            if deadline.covers(day):
                lift *= uplifts[deadline.code]
        return lift

    last = max(history.days)
    plain = {day: history.volume(day) / times(day) for day in history.days}
    volumes, shapes = _weekdays(history, plain, last)
    return {
        day: {
            half: volumes[day.weekday()] * share * times(day) * _season(plain, last, day)
            for half, share in shapes[day.weekday()].items()
        }
        if day.weekday() in volumes
        else {}
        for day in days
    }


@dataclass(frozen=True, slots=True)
class Error:
    """How far off: ``wape`` is Σ|forecast − calls| ÷ Σ calls, ``mape`` the mean of the days' own ratios."""

    wape: float
    mape: float
    #: The same as ``wape``, of single half hours.
    wape_half_hours: float
    days: int


def back_test(
    history: History, *, first: date, weeks_ahead: int = 1, known: Sequence[Deadline] | None = None
) -> tuple[Error, Error]:
    """Forecast each week from ``first`` on with what was known ``weeks_ahead`` weeks before.

    Returns:
        The error of the forecasts, and that of the naive guess: as on the latest such weekday that was known.

    Raises:
        ValueError: no day can be tested.
    """
    ours, naive = _Sum(), _Sum()
    days = sorted(day for day in history.days if day >= first)
    for monday, week in groupby(days, _monday):
        before = history.before(monday - (weeks_ahead - 1) * _WEEK)
        latest = {past.weekday(): past for past in sorted(before.days)}
        known_days = [day for day in week if day.weekday() in latest]
        expected = forecast(before, known_days, known) if known_days else {}
        for day in known_days:
            ours.add(history.days[day], expected[day])
            naive.add(history.days[day], before.days[latest[day.weekday()]])
    return ours.error(), naive.error()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


class _Sum:
    def __init__(self) -> None:
        self._off = self._all = self._off_halves = 0.0
        self._shares: list[float] = []
        self._days = 0

    def add(self, real: Mapping[int, int], guessed: Mapping[int, float]) -> None:
        calls, guess = sum(real.values()), sum(guessed.values())
        self._days += 1
        self._off += abs(guess - calls)
        self._all += calls
        self._off_halves += sum(abs(guessed.get(half, 0) - real.get(half, 0)) for half in {*real, *guessed})
        if calls:
            self._shares.append(abs(guess - calls) / calls)

    def error(self) -> Error:
        if not self._all:
            raise ValueError("no day can be tested")
        return Error(
            self._off / self._all,
            sum(self._shares) / len(self._shares),
            self._off_halves / self._all,
            self._days,
        )


def _weekdays(
    history: History, plain: Mapping[date, float], last: date
) -> tuple[Mapping[int, float], Mapping[int, Mapping[int, float]]]:
    """By weekday: calls of an ordinary day now, and their shares by half hour."""
    weights: defaultdict[int, float] = defaultdict(float)
    volumes: defaultdict[int, float] = defaultdict(float)
    halves: defaultdict[int, defaultdict[int, float]] = defaultdict(lambda: defaultdict(float))
    for day in history.days:
        weeks = (last - day).days // 7
        if weeks >= WEEKS:
            continue
        weight = FADING**weeks
        weights[day.weekday()] += weight
        volumes[day.weekday()] += weight * plain[day]
        for half, calls in history.days[day].items():
            halves[day.weekday()][half] += calls
    shapes = {}
    for weekday in weights:
        whole = sum(halves[weekday].values())
        shapes[weekday] = {half: calls / whole for half, calls in halves[weekday].items()} if whole else {}
    return {weekday: volumes[weekday] / weights[weekday] for weekday in weights}, shapes


def _season(plain: Mapping[date, float], last: date, day: date) -> float:
    """How these days of last year stood to the weeks that a forecast rests on, last year; 1 if unknown."""
    year = timedelta(days=364)
    then, now = (
        [
            plain[other]
            for weeks in range(-_SEASON_WEEKS, _SEASON_WEEKS + 1)
            for offset in range(7)
            if (other := centre - year + weeks * _WEEK + timedelta(days=offset - 3)) in plain
        ]
        for centre in (day, last - WEEKS // 3 * _WEEK)
    )
    if len(then) < 10 or len(now) < 10 or not sum(now):
        return 1.0
    ratio = (sum(then) / len(then)) / (sum(now) / len(now))
    return min(2.0, max(0.5, ratio))
