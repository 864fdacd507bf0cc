"""The demo's queue: who waits how long for whom, written down as Asterisk does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from desk.demo.rows import TownFacts
from desk.demo.shape import Shape

#: Seconds: the back office rings alone for so long, then the counters are tried every so often.
ALONE, AGAIN = 15.0, 20.0
#: Seconds after a talk in which a phone does not ring.
WRAP_UP = 10.0
#: Average seconds until a caller gives up, and the longest wait before a message is taken.
PATIENCE, LONGEST = 210.0, 900.0
#: A caller who has waited so long is offered a call-back; this share takes it.
OFFERED, TAKEN = 60.0, 0.3
#: The share of calls at which the back office's chair is empty.
AWAY = 0.1
_BLIND = 0.07
#: A talk's median and spread (of its logarithm), seconds.
_MEDIAN, _SPREAD, _LEAST = 150.0, 0.65, 12.0


@dataclass(frozen=True, slots=True)
class Passage:
    """How a caller got through the queue."""

    ended_at: datetime
    #: ``answered``, ``abandoned``, ``call_back`` or ``unanswered``.
    outcome: str
    waited: float
    extension: str | None = None


class DemoQueue:
    """Callers must come in the order of time."""

    def __init__(self, random: Random, shape: Shape, town: TownFacts) -> None:
        self._random = random
        self._shape = shape
        self._town = town
        self._free_at = dict.fromkeys((*town.back_office, *town.counters), 0.0)
        self._waiting_until: list[float] = []
        self._paused: list[tuple[str, float, float]] = []
        self._legs = 0
        #: (when, line), and the same of the call detail records.
        self.queue_lines: list[tuple[float, str]] = []
        self.leg_lines: list[tuple[float, str]] = []

    def enter(self, unique_id: str, caller: str | None, arrived: datetime, entered: datetime) -> Passage:
        """A caller whose call began at ``arrived`` comes to the queue."""
        random, at = self._random, entered.timestamp()
        self._waiting_until = [until for until in self._waiting_until if until > at]
        position = len(self._waiting_until) + 1
        self._log(at, unique_id, "NONE", "ENTERQUEUE", "", caller or "anonymous", position)
        patience = max(3.0, random.expovariate(1 / PATIENCE))
        offered = OFFERED if random.random() < TAKEN else math.inf
        answered, extension, in_vain = self._first_free(at, min(patience, offered, LONGEST))
        for phone, began in in_vain:
            self._log(began + ALONE, unique_id, phone, "RINGNOANSWER", int(ALONE * 1000))
            self._leg(unique_id, caller, phone, began, None, began + ALONE, "NO ANSWER")
        if extension is not None:
            ended = self._talk(unique_id, caller, arrived.timestamp(), at, answered, extension, position)
            self._waiting_until.append(answered)
            return Passage(_moment(ended), "answered", answered - at, extension)
        if patience <= min(offered, LONGEST):
            end, outcome = at + patience, "abandoned"
            self._log(end, unique_id, "NONE", "ABANDON", position, position, int(patience))
        else:
            end = at + min(offered, LONGEST)
            outcome = "call_back" if offered < LONGEST else "unanswered"
            self._log(end, unique_id, "NONE", "EXITWITHTIMEOUT", position, position, int(end - at))
        self._waiting_until.append(end)
        hung_up = end + (0.3 if outcome == "abandoned" else 22)
        self._leg(
            unique_id, caller, None, arrived.timestamp(), arrived.timestamp() + 0.4, hung_up, "ANSWERED"
        )
        return Passage(_moment(end), outcome, end - at)

    def by_dialog(self, unique_id: str, caller: str | None, arrived: datetime, ended: datetime) -> None:
        """A call that never came to the queue."""
        began = arrived.timestamp()
        self._leg(unique_id, caller, None, began, began + 0.4, ended.timestamp() + 0.2, "ANSWERED")

    def pause(self, phone: str, begins: datetime, ends: datetime) -> None:
        """An operator takes no calls for a while."""
        for at, event in ((begins, "PAUSE"), (ends, "UNPAUSE")):
            self.queue_lines.append(
                (at.timestamp(), f"{int(at.timestamp())}|NONE|desk|{phone}|{event}|operator")
            )
        self._paused.append((phone, begins.timestamp(), ends.timestamp()))

    def _first_free(self, at: float, longest: float) -> tuple[float, str | None, list[tuple[str, float]]]:
        """When who picks up, if anybody does within ``longest`` seconds; and who rang in vain since when."""
        random = self._random
        in_vain: list[tuple[str, float]] = []
        back = min(self._town.back_office, key=lambda phone: self._free_at[phone])
        free = max(at, self._free_at[back])
        # Pauses of a phone follow each other and do not overlap.
        self._paused = [pause for pause in self._paused if pause[2] > at]
        for phone, begins, ends in self._paused:
            if phone == back and begins <= free < ends:
                free = ends
        if random.random() < AWAY:
            if free == at and longest > ALONE:
                in_vain.append((back, at))
            free = math.inf
        picked = free + random.uniform(1.5, 9)
        beyond, tried = at + longest, at + ALONE
        while tried < min(picked, beyond):
            idle = [
                phone
                for phone in self._town.counters
                if self._free_at[phone] <= tried and random.random() > self._shape.busy(_moment(tried))
            ]
            if idle:
                answered = tried + random.uniform(1.5, 7)
                return (answered, random.choice(idle), in_vain) if answered < beyond else (0, None, in_vain)
            tried += AGAIN
        return (picked, back, in_vain) if picked < beyond else (0, None, in_vain)

    def _talk(
        self,
        unique_id: str,
        caller: str | None,
        arrived: float,
        entered: float,
        answered: float,
        phone: str,
        position: int,
    ) -> float:
        random = self._random
        waited, ringing = int(answered - entered), random.randint(1, 6)
        channel = f"{unique_id}.{phone}"
        self._log(answered, unique_id, phone, "CONNECT", waited, channel, min(ringing, waited))
        seconds = max(_LEAST, random.lognormvariate(math.log(_MEDIAN), _SPREAD))
        ended = hung_up = answered + seconds
        self._free_at[phone] = ended + WRAP_UP
        if self._town.offices and random.random() < _BLIND:
            office = random.choice(list(self._town.offices))
            self._log(
                ended, unique_id, phone, "BLINDTRANSFER", office, "phones", waited, int(seconds), position
            )
            # The office's phone has a queue of its own.
            queue, talk = f"phone-{office}", random.uniform(40, 400)
            self._log(ended, unique_id, "NONE", "ENTERQUEUE", "", caller or "anonymous", 1, queue=queue)
            self._log(ended + 5, unique_id, office, "CONNECT", 5, f"{unique_id}.{office}", 5, queue=queue)
            hung_up = ended + 5 + talk
            self._log(hung_up, unique_id, office, "COMPLETECALLER", 5, int(talk), 1, queue=queue)
            self._leg(unique_id, caller, office, ended, ended + 5, hung_up, "ANSWERED")
        else:
            event = "COMPLETECALLER" if random.random() < 0.7 else "COMPLETEAGENT"
            self._log(ended, unique_id, phone, event, waited, int(seconds), position)
        self._leg(unique_id, caller, phone, arrived, arrived + 0.4, hung_up + 0.2, "ANSWERED")
        return hung_up

    def _log(
        self, at: float, unique_id: str, agent: str, event: str, *data: str | int, queue: str = "desk"
    ) -> None:
        fields = (int(at), unique_id, queue, agent, event, *data)
        self.queue_lines.append((at, "|".join(map(str, fields))))

    def _leg(
        self,
        unique_id: str,
        caller: str | None,
        phone: str | None,
        began: float,
        answered: float | None,
        ended: float,
        disposition: str,
    ) -> None:
        self._legs += 1
        fields = (
            unique_id,
            unique_id,
            str(self._legs),
            caller or "anonymous",
            "s",
            f"PJSIP/trunk-{self._legs:08x}",
            f"PJSIP/{phone}-{self._legs:08x}" if phone else "",
            f"{began:.6f}",
            f"{answered or 0:.6f}",
            f"{ended:.6f}",
            disposition,
        )
        self.leg_lines.append((ended, ",".join(f'"{value}"' for value in fields)))


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
