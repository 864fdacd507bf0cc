"""Who is needed when: what a number of operators reaches in each half hour, and advice in a sentence.

Pure functions over what :mod:`reports.staffing_rows` read and :mod:`reports.forecast` expects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prompts.speaking import english, italian
from reports.erlang import Load, agents_needed, level

_WEEKDAYS = {
    "it": italian.WEEKDAYS,
    "en": tuple(f"{day}s" for day in english.WEEKDAYS),
}
#: The longest span that one more operator is advised for, half hours.
_LONGEST = 4
#: What is not worth anybody's time: a gain of less than so much.
_LEAST_GAIN = 0.03


@dataclass(frozen=True, slots=True)
class Rules:
    """What is aimed at: the share (0 to 1) of calls answered ``within`` seconds.

    ``shrinkage`` is the share of the time for which who is logged in takes no calls: citizens at the counter,
    breaks, paperwork. ``patience`` is after how many seconds callers give up on average; endless if unknown.
    """

    within: float = 20.0
    target: float = 0.8
    shrinkage: float = 0.3
    patience: float = math.inf

    def __post_init__(self) -> None:
        if not (0 < self.target < 1 and 0 <= self.shrinkage < 1 and self.within >= 0 and self.patience > 0):
            raise ValueError("a target, a shrinkage, a threshold or a patience that cannot be")


@dataclass(frozen=True, slots=True)
class Slot:
    """A half hour (0 to 47) of a weekday (0 is Monday): calls to expect, of ``handling`` seconds each."""

    weekday: int
    half: int
    calls: float
    handling: float


@dataclass(frozen=True, slots=True)
class SlotLevel:
    """The level (share answered in time) in a half hour with those who are logged in, and with one more."""

    slot: Slot
    logged_in: float
    now: float
    one_more: float
    #: How many must be logged in for the target; ``None`` if no number does.
    needed: int | None


@dataclass(frozen=True, slots=True)
class Advice:
    """One more operator on a weekday, from a half hour up to another, lifts ``before`` to ``after``."""

    weekday: int
    begins: int
    ends: int
    before: float
    after: float


def slot_levels(slots: Iterable[Slot], logged_in: float, rules: Rules) -> Sequence[SlotLevel]:
    """The levels of half hours in which ``logged_in`` operators are logged in, in the order of the week."""
    found = []
    for slot in sorted(slots, key=lambda one: (one.weekday, one.half)):
        load = Load(slot.calls * 2, slot.handling)
        needed = agents_needed(load, within=rules.within, share=rules.target, patience=rules.patience)
        found.append(
            SlotLevel(
                slot,
                logged_in,
                reached(load, logged_in, rules),
                reached(load, logged_in + 1, rules),
                None if needed is None else math.ceil(needed / (1 - rules.shrinkage) - 1e-9),
            )
        )
    return found


def reached(load: Load, logged_in: float, rules: Rules) -> float:
    """The share answered in time by ``logged_in`` operators who are there but for the shrinkage.

    Where 2.4 of them are there on average, 2 are for six tenths of the time and 3 for four.
    """
    if load.calls == 0:
        return 1.0
    there = logged_in * (1 - rules.shrinkage)
    few = math.floor(there + 1e-9)
    part = max(0.0, there - few)
    low, high = (
        level(load, number, within=rules.within, patience=rules.patience).service_level
        for number in (few, few + 1)
    )
    return low + part * (high - low)


def advise(levels: Sequence[SlotLevel], rules: Rules) -> Advice | None:
    """Where one more operator helps most: the two hours (or less) below the target that gain most.

    ``None`` if the target is reached everywhere, or one more changes next to nothing.
    """
    best: tuple[float, Advice] | None = None
    by_time = {(one.slot.weekday, one.slot.half): one for one in levels}
    for weekday, half in by_time:
        span: list[SlotLevel] = []
        for number in range(_LONGEST):
            one = by_time.get((weekday, half + number))
            if one is None or one.now >= rules.target:
                break
            span.append(one)
            calls = sum(each.slot.calls for each in span)
            if not calls:
                continue
            before = sum(each.now * each.slot.calls for each in span) / calls
            after = sum(each.one_more * each.slot.calls for each in span) / calls
            gained = (after - before) * calls
            if after - before >= _LEAST_GAIN and (best is None or gained > best[0] + 1e-12):
                best = gained, Advice(weekday, half, half + number + 1, before, after)
    return best[1] if best else None


def sentence(advice: Advice | None, language: str) -> str:
    """The advice in ``it`` or ``en``."""
    if advice is None:
        if language == "en":
            return "No half hour is below the target that one more operator would lift."
        return "Nessuna mezz'ora è sotto l'obiettivo e migliorerebbe con un operatore in più."
    begins, ends = _clock(advice.begins), _clock(advice.ends)
    before, after = f"{advice.before * 100:.0f} %", f"{advice.after * 100:.0f} %"
    day = _WEEKDAYS[language][advice.weekday]
    if language == "en":
        return (
            f"One more operator on {day}, {begins}–{ends}, lifts the service level from {before} to {after}."
        )
    article = "la" if advice.weekday == 6 else "il"
    return (
        f"Un operatore in più {article} {day} dalle {begins} alle {ends} porta il livello di servizio "
        f"da {before} a {after}."
    )


def _clock(half: int) -> str:
    return f"{half // 2}:{half % 2 * 30:02}"
