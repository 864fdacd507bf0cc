"""The queue as Asterisk knows it now, asked over the session of a call, and what its caller was told."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from asterisk.agi import AGIError

from agi_scripts.session import Session, quote
from call_routing.names import BETWEEN, GROUP, Outcome, Queue, Variable, interfaces
from call_routing.plan import QueueFacts
from call_routing.wait import Told, WaitRange

log = logging.getLogger(__name__)

#: States of a phone that is not there.
AWAY = {"UNAVAILABLE", "INVALID", "UNKNOWN"}
#: Places asked about in one command: Asterisk takes lines of up to 2048 characters.
_PLACES = 8


class LiveQueue(Protocol):
    """The queue now, and this caller in it."""

    def facts(self, extensions: Sequence[str]) -> QueueFacts | None:
        """How it stands, with these phones; ``None`` if it cannot be asked."""

    def waited(self) -> int:
        """For how many seconds the caller has waited so far: 0 before the queue."""

    def told(self) -> Told | None:
        """What the caller was told last."""

    def tell(self, told: Told) -> None:
        """Keep what the caller is told now for the next announcement."""

    def stand_at(self, since: datetime) -> None:
        """Give the caller the place of one who waits since then."""

    def let_go(self) -> None:
        """The caller need not wait any longer: hanging up from now on is not giving up."""


class NoQueue:
    """Where there is no Asterisk."""

    def facts(self, extensions: Sequence[str]) -> QueueFacts | None:
        return None

    def waited(self) -> int:
        return 0

    def told(self) -> Told | None:
        return None

    def tell(self, told: Told) -> None:
        return None

    def stand_at(self, since: datetime) -> None:
        return None

    def let_go(self) -> None:
        return None


class AgiQueue:
    """The queue of the Asterisk at the other end of ``session``.

    The scripts behind the queue are called with the second since which the caller waits, the second it is
    now, and what :meth:`tell` kept.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def facts(self, extensions: Sequence[str]) -> QueueFacts | None:
        try:
            # Who has left the queue for an announcement waits too, save this caller.
            free, queued, between, own = map(
                int,
                self._ask(
                    f"${{QUEUE_MEMBER({Queue.DESK},ready)}}",
                    f"${{QUEUE_WAITING_COUNT({Queue.DESK})}}",
                    f"${{GROUP_COUNT({BETWEEN}@{GROUP})}}",
                    f'${{IF($["${{GROUP({GROUP})}}" = "{BETWEEN}"]?1:0)}}',
                ),
            )
            operators = sum(
                any(paused != "1" and state not in AWAY for paused, state in phones)
                for phones in self._places(extensions)
            )
            return QueueFacts(operators, free, queued + between - own)
        except (AGIError, ValueError):
            log.exception("the queue cannot be asked; going on without")
            return None

    def _places(self, extensions: Sequence[str]) -> Iterator[Sequence[tuple[str, str]]]:
        """Of each place: of its two phones, whether it is paused, and its state."""
        for first in range(0, len(extensions), _PLACES):
            phones = [phone for place in extensions[first : first + _PLACES] for phone in interfaces(place)]
            answers = self._ask(
                *(f"${{QUEUE_MEMBER({Queue.DESK},paused,{phone})}}" for phone in phones),
                *(f"${{DEVICE_STATE({phone})}}" for phone in phones),
            )
            both = list(zip(answers[: len(phones)], answers[len(phones) :], strict=True))
            yield from (both[one : one + 2] for one in range(0, len(both), 2))

    def _ask(self, *expressions: str) -> list[str]:
        result = self._session.execute("GET FULL VARIABLE", quote(" ".join(expressions)))
        answers = result.get("result", ("", ""))[1].split()
        if len(answers) != len(expressions):
            raise ValueError("an answer is missing")
        return answers

    def waited(self) -> int:
        since, now = (self._session.env.get(f"agi_arg_{number}", "") for number in (1, 2))
        return max(int(now) - int(since), 0) if since.isdecimal() and now.isdecimal() else 0

    def told(self) -> Told | None:
        return _read(self._session.env.get("agi_arg_3", ""))

    def tell(self, told: Told) -> None:
        low, high = told.range.low, told.range.high
        self._session.set_variable(Variable.TOLD, f"{low}-{high}-{told.at:.0f}-{told.until:.0f}")

    def stand_at(self, since: datetime) -> None:
        self._session.set_variable(Variable.PLACE, str(int(since.timestamp())))

    def let_go(self) -> None:
        self._session.set_variable(Variable.OUTCOME, Outcome.DONE)


def _read(text: str) -> Told | None:
    parts = text.split("-")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        return None
    low, high, at, until = map(int, parts)
    return Told(WaitRange(low, high), longer=False, at=at, until=until)
