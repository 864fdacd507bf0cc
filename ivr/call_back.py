"""Being called back: the caller puts the receiver down and keeps the place in the queue.

Only Italian geographic and mobile numbers are called, and so many a day: a call-back must not become a way to
make the town telephone at its own cost.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from ivr.hours import next_opening
from ivr.ports import Desk
from ivr.steps import Dialog, Option, PersonNeeded, Prompt, ask, choose, prompt, say

#: The longest Italian number, without prefix.
LONGEST = 11
#: Digits of the calling number that are spoken: enough to know it by.
LAST = 4
PREFIX = "+39"


class CallBacks(Protocol):
    """The call-backs, as one caller may ask for them. Numbers are E.164."""

    def may_offer(self) -> bool:
        """Whether today's limits leave one for this caller."""

    def pending(self) -> bool:
        """Whether the calling number waits for a call-back."""

    def keep(self) -> None:
        """The caller leaves it at the call-back that waits, and need not hold the line."""

    def number(self) -> str | None:
        """The calling number, if it is shown and of a kind that is called back."""

    def read(self, digits: str) -> str | None:
        """The number that was typed, if it is of a kind that is called back."""

    def file(self, number: str) -> bool:
        """Call ``number`` back in this caller's turn. ``False`` if today's limits for it are used up."""

    def cancel(self) -> None:
        """Do not call the calling number back."""


class _To(Enum):
    THIS = auto()
    OTHER = auto()
    NOBODY = auto()


class _Pending(Enum):
    KEEP = auto()
    CANCEL = auto()
    HOLD = auto()


def offer_call_back(desk: Desk, *why: Prompt) -> Dialog[bool]:
    """Say ``why`` and offer to call back. ``False`` if that is not wanted or not possible.

    ``True``: it is filed and the caller was told so; nothing is left to do. Who presses 0, nothing, or fails
    does not want it: nobody loses the place by a wrong key.
    """
    if why:
        yield from say("call_back.why", *why)
    try:
        if desk.call_backs.pending():
            return (yield from _keep_pending(desk))
        return desk.call_backs.may_offer() and (yield from _ask_for_one(desk))
    except PersonNeeded:
        return False


def recall_pending(desk: Desk) -> Dialog[bool]:
    """Remind of the call-back that waits. ``True`` if it is kept and the caller wants nothing else."""
    if not desk.call_backs.pending():
        return False
    try:
        return (yield from _keep_pending(desk))
    except PersonNeeded:
        return False


def _keep_pending(desk: Desk) -> Dialog[bool]:
    wanted = yield from choose(
        "call_back.pending",
        prompt("call_back.pending.intro"),
        options=(
            Option("1", _Pending.KEEP, prompt("call_back.pending.keep")),
            Option("2", _Pending.HOLD, prompt("call_back.pending.hold")),
            Option("3", _Pending.CANCEL, prompt("call_back.pending.cancel")),
        ),
    )
    if wanted is _Pending.KEEP:
        desk.call_backs.keep()
        yield from say("call_back.kept", prompt("call_back.kept"), must_hear=True)
        return True
    if wanted is _Pending.CANCEL:
        desk.call_backs.cancel()
        yield from say("call_back.cancelled", prompt("call_back.cancelled"))
    return False


def _ask_for_one(desk: Desk) -> Dialog[bool]:
    calling = desk.call_backs.number()
    options = [
        Option("2", _To.OTHER, prompt("call_back.offer.other")),
        Option("3", _To.NOBODY, prompt("call_back.offer.no")),
    ]
    if calling is not None:
        this = prompt("call_back.offer.this", last=calling[-LAST:])
        options.insert(0, Option("1", _To.THIS, this))
    to = yield from choose(
        "call_back.offer",
        prompt("call_back.offer.intro"),
        options=options,
        otherwise=Option("", _To.NOBODY),
    )
    if to is _To.NOBODY:
        return False
    if to is _To.OTHER or calling is None:
        calling = yield from _another_number(desk)
    if not desk.call_backs.file(calling):
        yield from say("call_back.refused", prompt("call_back.refused"))
        return False
    yield from say("call_back.filed", *_when(desk), prompt("call_back.filed.goodbye"), must_hear=True)
    return True


def _when(desk: Desk) -> tuple[Prompt, ...]:
    hours = desk.hours()
    if hours.open_now:
        return (prompt("call_back.filed.now"),)
    return (prompt("call_back.filed.later"), *next_opening(hours))


def _another_number(desk: Desk) -> Dialog[str]:
    while True:
        number = yield from ask(
            "call_back.number", prompt("call_back.number"), parse=desk.call_backs.read, longest=LONGEST
        )
        right = yield from choose(
            "call_back.check",
            prompt("call_back.check.intro", number=number.removeprefix(PREFIX)),
            options=(
                Option("1", value=True, said=prompt("call_back.check.right")),
                Option("2", value=False, said=prompt("call_back.check.wrong")),
            ),
        )
        if right:
            return number
