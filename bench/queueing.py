"""``python -m bench.queueing``: half an hour of a busy desk, compressed: is anybody lost, is the wait honest?

100 citizens who want a person, five operators, and citizens who ask for certificates by keypad meanwhile, on
a private town with an Asterisk of its own. One second stands for :data:`SCALE`: conversations and wrap-up are
that much shorter than in a town hall, and what is printed is in the town's time.

Nobody is lost if every caller was answered, is called back, or has left a request: counted in the database
against the calls that SIPp placed. What is told of the wait is reckoned at each entry with the product's own
functions from what was known then, and compared with how long it really took; the other line is what Asterisk
itself would have announced, a moving mean of earlier waits without place and operators.

Exits with 1 if a caller was lost. How good the estimate was is printed, no failure.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time as clock_time
from pathlib import Path

import click
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bench.load import Load, load, place, press
from bench.town import NotMeasured, Town, private_town
from call_routing.exchange import ask, find_programs
from call_routing.trial.sipp import Pause, Sipp, answering_scenario, calling_scenario, free_port, register
from call_routing.wait import WINDOW, handling_seconds, wait_range, wait_seconds
from desk.db import reading
from desk.models import Closure, OpeningHours, QueueStay, Request, RoutingRules, StayOutcome

#: One second of the bench is so many of the town's.
SCALE = 12
#: Half an hour in which so many callers want a person, and others file certificates.
HALF_HOUR, CALLERS, OTHERS = 30 * 60, 100, 20
EXTENSIONS = ("201", "101", "102", "103", "104")
#: Conversations (the town's seconds): exponential with this mean, between the shortest and the longest.
TALK, SHORTEST, LONGEST = 84.0, 24.0, 300.0
WRAP_UP = 1
#: Between two announcements, in seconds of the bench: a round of ringing does not shrink with the scale.
ANNOUNCE = 20
#: Two ways to a person: at once, and from the menu of requests.
WAYS = ((*press("0", 1),), (*press("1", 1), *press("0", 1)))

_SEED = 20261124
#: How long the queue may take to empty (seconds of the bench).
_PATIENCE = 240.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What a caller would have been told on entering the queue, and what came (the town's seconds)."""

    real: float
    expected: float
    low: float
    high: float
    #: What Asterisk would have said.
    naive: float

    @property
    def inside(self) -> bool:
        return self.low <= self.real <= self.high


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the callers."""

    placed: int
    failed: int
    answered: int
    left_a_request: int
    lost: int
    certificates: int
    entries: tuple[Entry, ...]


def run(town: Town) -> Result:
    """Half an hour, compressed. Raises `NotMeasured`."""
    town.start_worker()
    people = town.citizens(CALLERS)
    number, rate = town.settings.town_number, CALLERS / (HALF_HOUR / SCALE)
    half = CALLERS // len(WAYS)
    with contextlib.ExitStack() as stack:
        for order, extension in enumerate(EXTENSIONS):
            stack.enter_context(_operator(town, extension, order))
        loads: list[Load] = []
        for at, way in enumerate(WAYS):
            scenario = calling_scenario(number, "[field0]", steps=(Pause(0.5), *way))
            some = people[at * half : (at + 1) * half]
            loads.append(
                stack.enter_context(
                    place(town, scenario, some, rate=rate / len(WAYS), calls=half, patience=_PATIENCE)
                )
            )
        others = stack.enter_context(load(town, number, rate=OTHERS / (HALF_HOUR / SCALE), calls=OTHERS))
        counts = [placed.finish() for placed in loads]
        certificates = others.finish()
        _wait_until_taken_in(town, CALLERS)
    callers = [citizen.number for citizen in people]
    with reading(town.sessions) as session:
        answered, requested = _answered(session, callers), _requested(session, callers)
        entries = tuple(_entries(session))
    return Result(
        placed=sum(count.calls for count in counts),
        failed=sum(count.failed for count in counts),
        answered=len(answered),
        left_a_request=len(requested - answered),
        lost=len(set(callers) - answered - requested),
        certificates=certificates.calls - certificates.failed,
        entries=entries,
    )


def _answered(session: Session, callers: Sequence[str]) -> set[str]:
    rows = session.scalars(
        select(QueueStay.caller_e164).where(
            QueueStay.caller_e164.in_(callers), QueueStay.outcome == StayOutcome.ANSWERED
        )
    )
    return {number for number in rows if number}


def _requested(session: Session, callers: Sequence[str]) -> set[str]:
    """Who left a request: a message, a call-back."""
    rows = session.scalars(select(Request.contact_e164).where(Request.contact_e164.in_(callers)))
    return {number for number in rows if number}


def _entries(session: Session) -> Iterator[Entry]:
    """Each entry into the queue that was answered, as it looked then."""
    stays = session.scalars(select(QueueStay).order_by(QueueStay.entered_at, QueueStay.id)).all()
    done = [stay for stay in stays if stay.answered_at and stay.ended_at]
    naive = 0.0
    served = iter(sorted(done, key=lambda stay: stay.answered_at or stay.entered_at))
    following = next(served, None)
    for stay in done:
        # Asterisk's own mean: three parts of what it was, one part of the latest wait.
        while following and following.answered_at and following.answered_at <= stay.entered_at:
            naive = (3 * naive + _seconds(following)) / 4
            following = next(served, None)
        ended = [
            (other.ended_at - other.answered_at).total_seconds() * SCALE
            for other in reversed(done)
            if other.ended_at and other.answered_at and other.ended_at <= stay.entered_at
        ]
        busy = sum(
            other.answered_at is not None
            and other.ended_at is not None
            and other.answered_at <= stay.entered_at < other.ended_at
            for other in done
        )
        ahead = sum(
            other.entered_at < stay.entered_at
            and other.answered_at is not None
            and other.answered_at > stay.entered_at
            for other in done
        )
        if busy < len(EXTENSIONS) and not ahead:
            continue
        handling, operators = handling_seconds(ended[:WINDOW], WRAP_UP * SCALE), len(EXTENSIONS)
        expected = wait_seconds(ahead + 1, handling, operators)
        told = wait_range(ahead + 1, handling, operators)
        assert expected is not None
        assert told is not None
        yield Entry(_seconds(stay), expected, told.low * 60, told.high * 60, naive)


def _seconds(stay: QueueStay) -> float:
    """How long it waited, in the town's time."""
    assert stay.answered_at
    return (stay.answered_at - stay.entered_at).total_seconds() * SCALE


def _wait_until_taken_in(town: Town, callers: int) -> None:
    end = time.monotonic() + 60
    while True:
        with reading(town.sessions) as session:
            over = session.scalar(
                select(func.count()).select_from(QueueStay).where(QueueStay.ended_at.is_not(None))
            )
        if (over or 0) >= callers or time.monotonic() > end:
            return
        time.sleep(0.5)


@contextlib.contextmanager
def _operator(town: Town, extension: str, order: int) -> Iterator[None]:
    """A phone that answers, talks for as long as its list says, and hangs up first."""
    sipp = find_programs(town.settings).sipp
    pick = random.Random(_SEED + order)  # noqa: S311  not a secret, but the same every time
    talks = [min(max(pick.expovariate(1 / TALK), SHORTEST), LONGEST) / SCALE for _ in range(500)]
    with tempfile.TemporaryDirectory(prefix="centralino-bench-phone-") as folder:
        lengths = Path(folder) / "talks.csv"
        lengths.write_text("SEQUENTIAL\n" + "".join(f"{talk * 1000:.0f};\n" for talk in talks))
        port = free_port()
        # They do not pick up in the same moment, as people do not.
        scenario = answering_scenario(answer_after=0.2 + 0.3 * order, talk="[field0]")
        with Sipp(sipp, scenario, ["-aa", "-inf", str(lengths)], port=port):
            register(
                sipp,
                (town.settings.sip_address, town.settings.sip_port),
                extension=extension,
                password=town.passwords[extension],
                port=port,
            )
            _wait_until_reachable(town, extension)
            yield


def _wait_until_reachable(town: Town, extension: str) -> None:
    end = time.monotonic() + 20
    while "Not in use" not in ask(town.settings, f"pjsip show endpoint {extension}"):
        if time.monotonic() > end:
            raise NotMeasured(f"phone {extension} is not reachable")
        time.sleep(0.2)


def busy_desk(session: Session) -> None:
    """The town's data for the bench: always open, times on its scale."""
    session.execute(delete(OpeningHours))
    session.execute(delete(Closure))
    session.add_all(
        OpeningHours(weekday=day, opens=clock_time(0), closes=clock_time(23, 59)) for day in range(7)
    )
    session.execute(update(RoutingRules).values(wrap_up_seconds=WRAP_UP, announce_seconds=ANNOUNCE))


@click.command()
def main() -> None:
    """Measure and print."""
    if os.geteuid() != 0:
        raise click.ClickException("SIPp sends keys through a raw socket: run this as root.")
    started = time.monotonic()
    try:
        with private_town(CALLERS + OTHERS + 10, busy_desk) as town:
            click.echo(f"{CALLERS} callers, {len(EXTENSIONS)} operators, 1 s for {SCALE} s ...", err=True)
            result = run(town)
    except NotMeasured as e:
        raise click.ClickException(f"Not measured: {e}") from e
    report(result)
    click.echo(f"\n{time.monotonic() - started:.0f} s; load of the machine {os.getloadavg()[0]:.1f}")
    sys.exit(1 if result.lost or result.failed else 0)


def report(result: Result) -> None:
    """Print what became of the callers and how honest the wait was."""
    click.echo(f"\nCallers who wanted a person (30 minutes, 1 s for {SCALE} s; {len(EXTENSIONS)} operators)")
    click.echo(f"  placed {result.placed}, failed for SIPp {result.failed}")
    click.echo(
        f"  answered {result.answered}, left a request {result.left_a_request}, lost {result.lost}"
        f"; certificates filed meanwhile {result.certificates} of {OTHERS}"
    )
    entries = result.entries
    if not entries:
        click.echo("\nNobody had to wait: nothing to say of the estimate")
        return
    waits = [entry.real for entry in entries]
    click.echo(f"\nWaits of the {len(entries)} who did not find a free phone (the town's time)")
    click.echo(f"  real: median {statistics.median(waits) / 60:.1f} min, longest {max(waits) / 60:.1f} min")
    inside = sum(entry.inside for entry in entries) / len(entries)
    width = statistics.mean((entry.high - entry.low) / 60 for entry in entries)
    click.echo(f"  inside the range told: {inside:.0%} (it is {width:.1f} min wide on average)")
    for name, errors in (
        ("place x handling / operators", [abs(entry.expected - entry.real) for entry in entries]),
        ("Asterisk's mean of waits", [abs(entry.naive - entry.real) for entry in entries]),
    ):
        click.echo(f"  mean absolute error, {name:29} {statistics.mean(errors) / 60:5.2f} min")


if __name__ == "__main__":
    main()
