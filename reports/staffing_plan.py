"""Staffing from end to end: the town's own rows, a forecast of the coming weeks, and who is needed when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from reports.figures import Column, Table
from reports.forecast import Deadline, Error, back_test, deadlines, forecast
from reports.periods import Period, day_in_rome
from reports.staffing import Advice, Rules, Slot, SlotLevel, advise, slot_levels
from reports.staffing_rows import Workload, read_workload

#: The forecast is tested on so many of the last weeks.
_TESTED = timedelta(weeks=12)
#: What is told of each half hour.
STAFFING_COLUMNS = ("weekday", "half_hour", "expected", "level_now", "level_one_more", "needed")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is aimed at, for how many weeks; ``operators`` logged in, or the phones of the desk."""

    weeks: int = 4
    operators: float | None = None
    within: float = 20.0
    #: Shares, 0 to 1.
    target: float = 0.8
    shrinkage: float = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is needed in the weeks to come."""

    #: The first day, and how many weeks.
    begins: date
    weeks: int
    work: Workload
    rules: Rules
    logged_in: float
    #: Calls to expect by open day.
    expected: Sequence[tuple[date, float]]
    levels: Sequence[SlotLevel]
    advice: Advice | None
    near: Sequence[Deadline]
    #: The forecasts' error, and that of the naive guess; ``None`` where the history is too short.
    errors: tuple[Error, Error] | None


def plan(session: Session, wish: Wish, *, now: datetime) -> Plan:
    """The plan for ``wish`` from today on.

    Raises:
        NothingRecorded: there are no answered calls to learn from.
        ValueError: a target or a shrinkage that cannot be.
    """
    today = day_in_rome(now)
    work = read_workload(session, now=now)
    logged_in = work.logged_in if wish.operators is None else wish.operators
    rules = Rules(wish.within, wish.target, wish.shrinkage, work.patience)
    expected = forecast(work.history, work.open_days(today, wish.weeks))
    sums: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for day, halves in expected.items():
        for half, calls in halves.items():
            sums[day.weekday(), half].append(calls)
    levels = slot_levels(
        (
            Slot(weekday, half, sum(calls) / len(calls), work.handling)
            for (weekday, half), calls in sums.items()
        ),
        logged_in,
        rules,
    )
    try:
        errors = back_test(work.history, first=today - _TESTED)
    except ValueError:
        errors = None
    return Plan(
        today,
        wish.weeks,
        work,
        rules,
        logged_in,
        [(day, sum(halves.values())) for day, halves in expected.items()],
        levels,
        advise(levels, rules),
        [deadline for deadline in deadlines() if any(deadline.covers(day) for day in expected)],
        errors,
    )


def as_table(made: Plan) -> Table:
    """The half hours of the plan as a table."""
    return Table(
        "staffing",
        Period(made.begins, made.begins + timedelta(days=7 * made.weeks - 1)),
        tuple(Column(name) for name in STAFFING_COLUMNS),
        tuple(
            (one.slot.weekday, one.slot.half, one.slot.calls, one.now, one.one_more, one.needed)
            for one in made.levels
        ),
        ("Operatori necessari", "Operators needed"),
    )
