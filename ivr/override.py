"""Opening and closing the desk by hand: what somebody of the desk hears after dialling for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum, auto
from typing import Protocol

from ivr.steps import Dialog, Option, PersonNeeded, Prompt, ask, choose, prompt, say

#: Digits of a PIN at least and at most.
PIN = (4, 8)


@dataclass(frozen=True, slots=True)
class DeskState:
    """Whether the desk is open, whether by hand, and when that changes (aware, on Rome's clock)."""

    open: bool
    by_hand: bool
    until: datetime | None


class OverrideDesk(Protocol):
    """The desk as the phone that calls may open and close it."""

    def may_override(self) -> bool:
        """Whether this phone may do it at all."""

    def is_locked_out(self) -> bool:
        """Whether too many wrong PINs were typed on it."""

    def is_pin(self, typed: str) -> bool:
        """Whether that is its PIN. A wrong one is counted."""

    def state(self) -> DeskState:
        """How the desk is now."""

    def regular_end(self, *, opened: bool) -> datetime:
        """Until when an override of now lasts by itself (Rome's clock)."""

    def in_an_hour(self) -> datetime:
        """An hour from now, in full minutes (Rome's clock)."""

    def at_clock(self, clock: time) -> datetime:
        """The next moment at which the clock shows that time (Rome's clock)."""

    def override(self, *, opened: bool, until: datetime) -> bool:
        """Open or close the desk; ``False`` if that could not be kept."""

    def back_to_hours(self) -> bool:
        """Let the normal hours count again; ``False`` if that could not be kept."""


class _Wish(Enum):
    OPEN = auto()
    CLOSE = auto()
    HOURS = auto()


class _End(Enum):
    REGULAR = auto()
    HOUR = auto()
    CLOCK = auto()


def override(desk: OverrideDesk) -> Dialog[None]:
    """A call from a phone of the desk, from the PIN to the confirmation."""
    try:
        yield from _override(desk)
    except PersonNeeded:
        # Whoever calls is the person others are put through to.
        yield from say("override.nothing", prompt("override.nothing"))


def _override(desk: OverrideDesk) -> Dialog[None]:
    if not desk.may_override():
        yield from say("override.refused", prompt("override.refused"))
        return
    if not (yield from _identified(desk)):
        yield from say("override.locked", prompt("override.locked"))
        return
    yield from say("override.state", *_told(desk.state()))
    wish = yield from choose(
        "override.what",
        options=(
            Option("1", _Wish.OPEN, prompt("override.what.open")),
            Option("2", _Wish.CLOSE, prompt("override.what.close")),
            Option("3", _Wish.HOURS, prompt("override.what.hours")),
        ),
    )
    if wish is _Wish.HOURS:
        kept = desk.back_to_hours()
    else:
        opened = wish is _Wish.OPEN
        until = yield from _until(desk, opened=opened)
        kept = desk.override(opened=opened, until=until)
    if kept:
        yield from say("override.done", prompt("override.done"), *_told(desk.state()), must_hear=True)
    else:
        yield from say("override.not_kept", prompt("override.not_kept"), must_hear=True)


def _identified(desk: OverrideDesk) -> Dialog[bool]:
    """Whether the PIN was typed; it is asked for until too many were wrong."""
    sorry: tuple[Prompt, ...] = ()
    while not desk.is_locked_out():
        typed = yield from ask(
            "override.pin", *sorry, prompt("override.pin"), parse=parse_pin, longest=PIN[1], secret=True
        )
        if desk.is_pin(typed):
            return True
        sorry = (prompt("override.wrong_pin"),)
    return False


def _until(desk: OverrideDesk, *, opened: bool) -> Dialog[datetime]:
    regular = desk.regular_end(opened=opened)
    end = yield from choose(
        "override.until",
        options=(
            Option("1", _End.REGULAR, prompt("override.until.regular", **_when(regular))),
            Option("2", _End.HOUR, prompt("override.until.hour")),
            Option("3", _End.CLOCK, prompt("override.until.clock")),
        ),
    )
    if end is _End.REGULAR:
        return regular
    if end is _End.HOUR:
        return desk.in_an_hour()
    clock = yield from ask("override.clock", prompt("override.clock"), parse=parse_clock, longest=4)
    return desk.at_clock(clock)


def _told(state: DeskState) -> tuple[Prompt, ...]:
    told = [prompt("override.state.open" if state.open else "override.state.closed")]
    if state.by_hand:
        told.append(prompt("override.state.by_hand"))
    if state.until is not None:
        told.append(prompt("override.state.until", **_when(state.until)))
    return tuple(told)


def _when(moment: datetime) -> dict[str, date | time]:
    return {"day": moment.date(), "at": moment.time()}


def parse_pin(digits: str) -> str | None:
    """What may be a PIN."""
    return digits if PIN[0] <= len(digits) <= PIN[1] else None


def parse_clock(digits: str) -> time | None:
    """Four digits as a time of the day."""
    if len(digits) != 4:
        return None
    hour, minute = int(digits[:2]), int(digits[2:])
    return time(hour, minute) if hour < 24 and minute < 60 else None
