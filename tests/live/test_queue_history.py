"""What the queue records of real calls reaches the database, also while the worker is killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import select

from call_routing.wait import handling_seconds, wait_range
from desk.call_records import read_leg
from desk.db import reading
from desk.desk_now import QueueNow
from desk.models import Call, CallLeg, CallOutcome, QueueEvent, QueueStay, StayOutcome
from desk.settings import PROJECT
from tests.live.harness import PATIENCE, System, environment_for, wait_until
from webhooks.waiting_page import Now, standing_of

pytestmark = pytest.mark.live

#: Presses 0 at the main menu: a person.
PERSON = "0"
#: Where the worker has seen nothing yet.
OLD = datetime(2000, 1, 1, tzinfo=UTC)

Row = TypeVar("Row", QueueEvent, QueueStay, CallLeg, Call)


@contextlib.contextmanager
def killed_worker(system: System) -> Iterator[None]:
    """A worker that ends from one moment to the next, as by a power cut."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "desk.cli", "worker"],
        cwd=PROJECT,
        env=environment_for(system.settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


def stays(system: System) -> dict[str | None, QueueStay]:
    """The stays by the caller's number."""
    with reading(system.database) as session:
        rows = session.scalars(select(QueueStay)).all()
    assert len({row.caller_e164 for row in rows}) == len(rows)
    return {row.caller_e164: row for row in rows}


def outcome(system: System, caller: str) -> StayOutcome | None:
    stay = stays(system).get(caller)
    return stay.outcome if stay else None


def test_answered_abandoned_and_unanswered(system: System) -> None:
    one, two, three = (f"+39333777000{number}" for number in range(1, 4))
    phone = system.phone("201", answer_after=0)
    with system.worker():
        talking = system.call(caller=one, keys=PERSON)
        phone.answered()
        wait_until(lambda: outcome(system, one) is StayOutcome.ANSWERED, "the stay is answered")
        assert stays(system)[one].ended_at is None
        waiting = system.call(caller=two, keys=PERSON)
        wait_until(lambda: outcome(system, two) is StayOutcome.WAITING, "the second one waits")
        waiting.hang_up()
        wait_until(lambda: outcome(system, two) is StayOutcome.ABANDONED, "the second one gave up")
        talking.hang_up()
        wait_until(lambda: stays(system)[one].ended_at is not None, "the conversation is over")
        system.everybody_leaves()
        system.phone("201")
        alone = system.call(caller=three, keys=PERSON)
        alone.hear(system.prompt("message.record"), timeout=60)
        alone.hang_up()
        wait_until(lambda: outcome(system, three) is StayOutcome.UNANSWERED, "nobody answered the third one")
    answered = stays(system)[one]
    assert (answered.extension, answered.position) == ("201", 1)
    assert answered.answered_at is not None
    assert answered.entered_at <= answered.answered_at


def test_no_call_is_missing_after_the_worker_was_killed(system: System) -> None:
    phones = [system.phone(extension, answer_after=0) for extension in ("201", "101")]
    callers = [f"+3933388800{number:02d}" for number in range(12)]
    before, meanwhile, after = callers[:4], callers[4:8], callers[8:]

    def call(numbers: list[str]) -> None:
        for number in numbers:
            with contextlib.closing(system.call(caller=number, keys=PERSON).line) as line:
                line.wait_for("answered", PATIENCE)
                wait_until(partial(in_queue, number), "the caller is in the queue")

    def in_queue(number: str) -> bool:
        return f"ENTERQUEUE||{number}" in system.queue_log

    with killed_worker(system):
        call(before)
        wait_until(lambda: before[0] in stays(system), "the worker is at work")
    # Nobody reads: the files grow, and are rotated.
    call(meanwhile)
    system.ask("logger rotate")
    call(after)
    wait_until(lambda: not system.calls(), "all calls are over")
    with system.worker():
        wait_until(lambda: all(outcome(system, caller) for caller in callers), "all calls are there")
        wait_until(lambda: all(stay.ended_at for stay in stays(system).values()), "all stays are over")
    assert set(stays(system)) == set(callers)
    assert phones
    with reading(system.database) as session:
        lines = session.execute(select(QueueEvent.source, QueueEvent.position)).all()
        legs = session.scalars(select(CallLeg.caller)).all()
    log = system.settings.asterisk_log
    written = [line for file in log.glob("queue_log*") for line in file.read_text("utf-8").splitlines()]
    assert len(lines) == len(set(lines)) == len(written)
    assert set(legs) == set(callers)


def test_under_load_no_call_is_missing_after_the_worker_was_killed(busy_system: System) -> None:
    """Five calls a second; the worker is killed among them, and comes back while they go on."""
    seen = load_while_the_worker_is_away(busy_system, calls=75, away=8.0)
    assert seen.calls == 75
    assert seen.while_away >= 30
    # Some talked, and for others nobody was free.
    assert seen.answered >= 1
    assert seen.abandoned >= 1


@dataclass(frozen=True)
class Seen:
    """What came of a crowd of callers; all of it was found in the database as in Asterisk's own files."""

    calls: int
    while_away: int
    answered: int
    abandoned: int
    lines: int
    legs: int
    #: Seconds until a worker that came back had taken in all that was written meanwhile.
    caught_up: float


def load_while_the_worker_is_away(system: System, *, calls: int, away: float, a_second: float = 5.0) -> Seen:
    """Call, kill the worker, start another one ``away`` seconds later, and compare to the last line."""
    # Without dialogs a call is in the queue within seconds.
    system.kill_agi()
    for extension in ("201", "101"):
        system.phone(extension, answer_after=0)
    people = [f"+39333{number:07d}" for number in range(calls)]
    with killed_worker(system):
        crowd = system.crowd(people, a_second=a_second, stay=12)
        wait_until(lambda: len(rows(system, QueueEvent)) > 5, "the worker takes in what happens", 60)
    known, begun = len(rows(system, QueueStay)), len(recorded(system, "queue_log"))
    time.sleep(away)
    with system.worker():
        came_back, written = time.monotonic(), len(recorded(system, "queue_log"))
        wait_until(lambda: len(rows(system, QueueEvent)) >= written, "it has caught up", 60)
        caught_up = time.monotonic() - came_back
        meanwhile = recorded(system, "queue_log")[begun:written]
        crowd.finish(120)
        wait_until(lambda: not system.calls(), "all calls are over", 60)
        wait_until(lambda: all_is_taken_in(system), "all that was written is taken in", 60)
    assert known < calls
    lines, legs = recorded(system, "queue_log"), recorded(system, "cdr-custom/legs.csv")
    assert Counter(
        "|".join(
            [str(int(row.at.timestamp())), row.call_unique_id, row.queue, row.agent, row.event, *row.data]
        )
        for row in rows(system, QueueEvent)
    ) == Counter(lines)
    assert Counter(row.unique_id + row.channel for row in rows(system, CallLeg)) == Counter(
        leg.unique_id + leg.channel for leg in map(read_leg, legs)
    )
    entered = {line.split("|")[1] for line in lines if line.split("|")[4] == "ENTERQUEUE"}
    stays, known_calls = rows(system, QueueStay), rows(system, Call)
    assert sorted(stay.call_unique_id for stay in stays) == sorted(entered)
    assert sorted(call.caller_e164 or "" for call in known_calls) == people
    assert entered <= {call.unique_id for call in known_calls}
    outcomes = Counter(stay.outcome for stay in stays)
    return Seen(
        calls=len(known_calls),
        while_away=sum(line.split("|")[4] == "ENTERQUEUE" for line in meanwhile),
        answered=outcomes[StayOutcome.ANSWERED],
        abandoned=outcomes[StayOutcome.ABANDONED],
        lines=len(lines),
        legs=len(legs),
        caught_up=caught_up,
    )


def all_is_taken_in(system: System) -> bool:
    """Whether nothing is left to read in Asterisk's files, and every stay is over."""
    read = (len(rows(system, QueueEvent)), len(rows(system, CallLeg)))
    written = (len(recorded(system, "queue_log")), len(recorded(system, "cdr-custom/legs.csv")))
    return read == written and all(stay.ended_at for stay in rows(system, QueueStay))


def recorded(system: System, name: str) -> list[str]:
    """The lines of one of Asterisk's own files."""
    return (system.settings.asterisk_log / name).read_text("utf-8").splitlines()


def rows(system: System, table: type[Row]) -> Sequence[Row]:
    """All rows of a table."""
    with reading(system.database) as session:
        return session.scalars(select(table)).all()


def test_who_hangs_up_during_an_announcement_has_given_up(system: System, caller: str) -> None:
    system.change_rules(short_abandon_seconds=0)
    phone = system.phone("201", answer_after=0)
    with system.worker():
        talking = system.call(caller="+393330000001", keys=PERSON)
        phone.answered()
        waiting = system.call(caller=caller, keys=PERSON)
        waiting.hear_begin(system.prompt("waiting.busy"), timeout=2 * PATIENCE)
        # Out of the queue at this moment, but not for who looks at it.
        assert "has 0 calls" in system.ask("queue show desk")
        wait_until(lambda: (system.queue_now() or QueueNow(OLD, 0, None)).waiting == 1, "one waits")
        seen = system.queue_now()
        assert seen is not None
        # The web tells the same: who would come now would be the second one to wait.
        standing = standing_of(system.database, now=seen.seen_at)
        assert (standing.now, standing.wait) == (Now.WAIT, wait_range(2, handling_seconds([], 0), 1))
        waiting.hang_up()
        wait_until(lambda: outcome(system, caller) is StayOutcome.ABANDONED, "the caller gave up")
        wait_until(lambda: len(system.requests(caller)) == 1, "a lost call is in the list", 2 * PATIENCE)
        talking.hang_up()
    assert stays(system)[caller].ended_at is not None
    assert [request.kind for request in system.requests(caller)] == ["lost_call"]


def test_a_call_whose_server_died_has_an_end(system: System, caller: str) -> None:
    phone = system.phone("201", answer_after=0)
    call = system.call(caller=caller)
    call.hear(system.prompt("welcome.greeting"))
    system.kill_agi()
    phone.answered()
    call.hang_up()
    system.start_agi()
    with system.worker():
        wait_until(lambda: outcome(system, caller) is StayOutcome.ANSWERED, "the stay is there")

        def ended() -> bool:
            with reading(system.database) as session:
                found = session.scalar(select(Call).where(Call.caller_e164 == caller))
                return found is not None and found.outcome is CallOutcome.OPERATOR

        wait_until(ended, "the call is closed", timeout=60)
    with reading(system.database) as session:
        stay = session.scalars(select(QueueStay)).one()
        closed = session.scalars(select(Call)).one()
    assert closed.unique_id == stay.call_unique_id
    assert closed.ended_at is not None
    assert stay.ended_at is not None
    assert abs(closed.ended_at - stay.ended_at) < timedelta(seconds=2)
