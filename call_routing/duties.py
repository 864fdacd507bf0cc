"""Places and Asterisk's queues brought to the same, both ways: what is said in a page, and on a phone."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from call_routing.ami import Ami, Gone, Refused
from call_routing.live_view import LiveQueue
from call_routing.names import PauseReason as Paused
from call_routing.names import Queue, interfaces
from call_routing.plan import PENALTY
from desk.places import Device, PauseReason, Place

log = logging.getLogger(__name__)

#: Asterisk's word for a reason, where it has one of its own.
_WORDS = {PauseReason.PHONE: Paused.OPERATOR.value, PauseReason.NO_ANSWER: Paused.NO_ANSWER.value}
_REASONS = {word: reason for reason, word in _WORDS.items()}
#: What was told is not looked at again before this: the queue's own view of it is a moment behind.
SETTLES = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Pause:
    """A phone has to be paused in all queues for ``reason``, or (``None``) to take calls."""

    interface: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Penalty:
    """A phone has to have that penalty in the desk's queue."""

    interface: str
    penalty: int


@dataclass(frozen=True, slots=True)
class Told:
    """What to tell Asterisk of a place, so that its duty is told."""

    stay_id: int
    orders: tuple[Pause, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a phone said of a place whose duty began at ``since``; ``reason`` is ``None`` for: takes calls."""

    stay_id: int
    reason: PauseReason | None
    since: datetime


def word_of(reason: PauseReason | None) -> str | None:
    """How Asterisk names a reason."""
    return None if reason is None else _WORDS.get(reason, reason.value)


def phones_of(place: Place) -> tuple[str, str]:
    """The phone that is used at a place, and the other one."""
    web, desk = interfaces(place.extension)
    return (web, desk) if place.device is Device.WEB else (desk, web)


def orders_of(place: Place) -> tuple[Pause, ...]:
    """How the two phones of a place have to be."""
    used, other = phones_of(place)
    return Pause(used, word_of(place.duty.reason)), Pause(other, Paused.ELSEWHERE)


def compare(
    queue: LiveQueue, places: Sequence[Place], extensions: Sequence[str], *, started: datetime, now: datetime
) -> Iterator[Told | Heard | Pause | Penalty]:
    """What is to be done so that both sides are the same.

    Args:
        queue: as Asterisk sees it.
        places: as the desk sees it.
        extensions: all places there are.
        started: since when this Asterisk runs: what another one was told, it does not know.
        now: the time.
    """
    for place in places:
        told = place.duty.told_at
        orders = orders_of(place)
        if told is None or place.duty.told_start != started:
            yield Told(place.stay_id, orders)
        elif now - told > SETTLES:
            used, other = orders
            paused = queue.paused(used.interface)
            if paused != used.reason:
                reason = None if paused is None else _REASONS.get(paused) or _reason(paused)
                yield Heard(place.stay_id, reason, place.duty.since)
            if queue.paused(other.interface) != other.reason:
                yield other
        for order in orders:
            penalty = PENALTY.get(place.tier.value)
            if penalty is not None and queue.penalty(order.interface) not in {None, penalty}:
                yield Penalty(order.interface, penalty)
    for extension in set(extensions) - {place.extension for place in places}:
        for interface in interfaces(extension):
            if queue.paused(interface) == Paused.ELSEWHERE:
                yield Pause(interface, None)


def pause_phone(ami: Ami, order: Pause) -> None:
    """Carry it out. Nothing happens where there is no such phone."""
    action = {
        "Action": "QueuePause",
        "Interface": order.interface,
        "Paused": "false" if order.reason is None else "true",
        "Reason": order.reason or Paused.BACK,
    }
    with contextlib.suppress(Refused):
        ami.send_action(action)


def set_penalty(ami: Ami, order: Penalty) -> None:
    """Carry it out."""
    with contextlib.suppress(Refused):
        ami.send_action(
            {
                "Action": "QueuePenalty",
                "Interface": order.interface,
                "Penalty": str(order.penalty),
                "Queue": Queue.DESK,
            }
        )


def started_at(ami: Ami) -> datetime:
    """Since when Asterisk runs, to the second. It tells it in its own time zone, which is ours."""
    answer = ami.send_action({"Action": "CoreStatus"})
    try:
        text = f"{answer.get_header('CoreStartupDate')}T{answer.get_header('CoreStartupTime')}"
        return datetime.fromisoformat(text).astimezone()
    except ValueError as e:
        raise Gone("Asterisk does not say when it started") from e


def _reason(word: str) -> PauseReason:
    try:
        return PauseReason(word)
    except ValueError:
        return PauseReason.OTHER
