"""Waiting for a person: what callers are told of it, before the queue and in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from ivr.call_back import offer_call_back
from ivr.ports import Desk
from ivr.steps import Dialog, Option, PersonNeeded, Prompt, choose, prompt, transfer


class Reach(Enum):
    """Whether it is any use to wait for a person while the desk is open."""

    RING = auto()
    #: Nobody is there.
    NOBODY = auto()
    #: The desk will have closed before it is the caller's turn.
    TOO_LATE = auto()


@dataclass(frozen=True, slots=True)
class Wait:
    """How long it will take, in whole minutes; ``longer`` than the caller was told before."""

    low: int
    high: int
    longer: bool = False


class Routing(Protocol):
    """The queue, as one caller may ask about it. What cannot be found out keeps nobody from the phones."""

    def reach(self) -> Reach:
        """Whether it is any use to wait."""

    def wait(self) -> Wait | None:
        """How long this caller will wait: to be told, since it counts as told from now on.

        ``None`` if a phone is free, or if it is not known.
        """

    def call_back_due(self) -> bool:
        """Whether the caller has waited for so long now that a call-back should be offered, unasked."""


class _Then(Enum):
    WAIT = auto()
    CALL_BACK = auto()


def told(wait: Wait | None) -> tuple[Prompt, ...]:
    """The wait in words."""
    if wait is None:
        return ()
    longer = (prompt("waiting.longer"),) if wait.longer else ()
    if wait.high <= 1:
        return (*longer, prompt("waiting.one_minute"))
    if wait.low < 1:
        return (*longer, prompt("waiting.at_most", high=wait.high))
    return (*longer, prompt("waiting.between", low=wait.low, high=wait.high))


def waiting(desk: Desk) -> Dialog[None]:
    """In the queue, while everybody is talking: how long it takes, and the call-back instead of waiting.

    Ends with the call-back, or goes on waiting. Silence and wrong keys go on, too: nobody loses the place.
    """
    try:
        over = yield from _announce(desk)
    except PersonNeeded:
        over = False
    if not over:
        yield from transfer("waiting.on")


def _announce(desk: Desk) -> Dialog[bool]:
    """Tell of the wait. ``True`` if the caller need not wait any longer."""
    news = (prompt("waiting.busy"), *told(desk.routing.wait()))
    if not desk.hours().open_now:
        return (yield from offer_call_back(desk, *news, prompt("waiting.closing")))
    if desk.routing.call_back_due():
        return (yield from offer_call_back(desk, *news))
    then = yield from choose(
        "waiting.told",
        *news,
        prompt("waiting.stay"),
        options=(Option("1", _Then.CALL_BACK),),
        otherwise=Option("", _Then.WAIT),
    )
    return then is _Then.CALL_BACK and (yield from offer_call_back(desk))
