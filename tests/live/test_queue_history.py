"""What the queue records of real calls reaches the database, also while the worker is killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from desk.db import reading
from desk.models import Call, CallLeg, CallOutcome, QueueEvent, QueueStay, StayOutcome
from desk.settings import PROJECT
from tests.live.harness import PATIENCE, System, environment_for, wait_until

pytestmark = pytest.mark.live

#: Presses 0 at the main menu: a person.
PERSON = "0"


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
