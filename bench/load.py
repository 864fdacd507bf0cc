"""Load: SIPp calls as many citizens and counts what fails."""

from __future__ import annotations

import csv
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.citizens import Citizen, write_csv
from bench.menu import BIRTH_DATE_KEYS, KEYS_AFTER, KEYS_BEFORE
from bench.town import NotMeasured, Town
from call_routing.exchange import find_programs
from call_routing.trial.sipp import KEY_PAUSE, CallFailed, Pause, Press, Sipp, calling_scenario

#: How long a caller listens to the news that the request is filed, before hanging up (seconds).
LISTEN = 4.0

#: A key lasts this long, and as long is the pause between two (milliseconds).
_TONE = 100
#: SIPp sends this much filling (milliseconds) before the tones, which stands for the time to think.
_FILLING = 400
#: How much later than planned SIPp may send a key without cutting it short by the next one (milliseconds).
_LATE = 250


def press(keys: str, count: int) -> tuple[Press | Pause, ...]:
    """Press keys (or a field of the injection file that holds ``count`` of them) and wait until they are out.

    A key that is sent before SIPp has sent the last one would cut that one short.
    """
    seconds = (_FILLING + (count + 1) * 2 * _TONE + _LATE) / 1000
    return (Press((f"{keys},{_TONE}",)), Pause(seconds - KEY_PAUSE))


#: The whole dialog up to the reference number.
WHOLE = (
    *(step for key in KEYS_BEFORE for step in press(key, 1)),
    *press("[field1]", BIRTH_DATE_KEYS),
    *(step for key in KEYS_AFTER for step in press(key, 1)),
)
#: As short as a call can be: the main menu, one key, the beginning of the next menu.
SHORT, SHORT_LISTEN = press("1", 1), 1.0


@dataclass(frozen=True, slots=True)
class Count:
    """What SIPp counted; ``retransmitted`` are SIP messages that had to be sent again."""

    calls: int
    failed: int
    most_at_once: int
    retransmitted: int


@dataclass(frozen=True, slots=True)
class Rising:
    """A rate that grows by ``step`` calls/s every ``seconds`` up to ``end``, and stays there."""

    step: float
    seconds: int
    end: float


def total_of(counts: Sequence[Count]) -> Count:
    """Of calls that went on at the same time."""
    return Count(
        calls=sum(count.calls for count in counts),
        failed=sum(count.failed for count in counts),
        most_at_once=sum(count.most_at_once for count in counts),
        retransmitted=sum(count.retransmitted for count in counts),
    )


class Load:
    """Calls that SIPp is placing."""

    def __init__(self, sipp: Sipp, statistics: Path, timeout: float) -> None:
        self._sipp, self._statistics, self._timeout = sipp, statistics, timeout

    def finish(self) -> Count:
        """Wait for the last call. Raises `NotMeasured` if SIPp fails to do its part."""
        try:
            self._sipp.finish(self._timeout)
        except CallFailed as e:
            count = self._count()
            # That calls failed is a result like others; SIPp's code 1 says no more than that.
            if not count.failed:
                raise NotMeasured(str(e)) from e
            return count
        return self._count()

    @property
    def events(self) -> list[str]:
        """The lines of SIPp's log."""
        return self._sipp.events

    def _count(self) -> Count:
        if not self._statistics.exists():
            raise NotMeasured("SIPp left no statistics")
        with self._statistics.open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter=";"))
        if not rows:
            raise NotMeasured("SIPp left no statistics")
        last = rows[-1]
        return Count(
            calls=int(last["TotalCallCreated"]),
            failed=int(last["TotalCallCreated"]) - int(last["SuccessfulCall(C)"]),
            most_at_once=max(int(row["CurrentCall"]) for row in rows),
            retransmitted=int(last["Retransmissions(C)"]),
        )


@contextmanager
def load(
    town: Town,
    number: str,
    *,
    rate: float,
    calls: int,
    steps: Sequence[Press | Pause] = WHOLE,
    listen: float = LISTEN,
    rising: Rising | None = None,
    people: int | None = None,
) -> Iterator[Load]:
    """``calls`` calls to ``number``, ``rate`` each second, that press ``steps``, listen and hang up.

    Every call is another citizen's, or the calls are of ``people`` citizens in turn. With ``rising`` the rate
    grows from ``rate`` on.
    """
    scenario = calling_scenario(number, "[field0]", steps=steps, hang_up_after=listen)
    citizens = town.citizens(people or calls)
    with place(town, scenario, citizens, rate=rate, calls=calls, rising=rising) as placed:
        yield placed


@contextmanager
def place(
    town: Town,
    scenario: str,
    citizens: Sequence[Citizen],
    *columns: Sequence[object],
    rate: float,
    calls: int,
    rising: Rising | None = None,
    patience: float = 90,
) -> Iterator[Load]:
    """SIPp places the calls of the citizens; ``columns`` are ``[field2]`` and so on of ``scenario``.

    The last call may last for ``patience`` seconds.
    """
    with (
        tempfile.TemporaryDirectory(prefix="centralino-bench-load-") as folder,
        _deaf_ear() as port,
    ):
        people, statistics = Path(folder) / "people.csv", Path(folder) / "statistics.csv"
        write_csv(people, citizens, *columns)
        arguments = ["-inf", str(people), "-m", str(calls), "-r", f"{rate:g}", "-l", "2000"]
        arguments += ["-mp", str(port), "-trace_stat", "-stf", str(statistics), "-fd", "1"]
        if rising:
            arguments += ["-rate_increase", f"{rising.step:g}", "-rate_interval", f"{rising.seconds}s"]
            arguments += ["-rate_max", f"{rising.end:g}", "-no_rate_quit"]
        timeout = calls / rate + patience
        address = (town.settings.sip_address, town.settings.sip_port)
        with Sipp(find_programs(town.settings).sipp, scenario, arguments, remote=address) as sipp:
            yield Load(sipp, statistics, timeout)


@contextmanager
def _deaf_ear() -> Iterator[int]:
    """A port that takes sound and drops it.

    SIPp opens none, and a machine that must refuse every packet spends more time on that than on the calls.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        yield int(ear.getsockname()[1])
