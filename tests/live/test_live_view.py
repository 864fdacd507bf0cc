"""The worker's live view of the queue: right while it watches, and right again after every restart."""

from __future__ import annotations

import pytest

from desk.desk_now import Member, PhoneState
from tests.live.harness import System, wait_until

pytestmark = pytest.mark.live

FREE, RINGING, BUSY, UNREACHABLE = (Member(state) for state in PhoneState)


def _stands(system: System, extension: str, member: Member) -> None:
    wait_until(lambda: system.member(extension) == member, f"{extension} is {member}")


def _waiting(system: System, number: int) -> None:
    def right() -> bool:
        now = system.queue_now()
        return now is not None and now.waiting == number

    wait_until(right, f"{number} wait")


def test_phones_and_callers_as_they_come_and_go(system: System) -> None:
    system.kill_agi()
    with system.worker():
        _stands(system, "201", UNREACHABLE)
        back_office = system.phone("201", answer_after=0.7)
        _stands(system, "201", FREE)
        _stands(system, "101", UNREACHABLE)
        first = system.call()
        _stands(system, "201", RINGING)
        back_office.answered()
        _stands(system, "201", BUSY)
        _waiting(system, 0)
        second = system.call(caller="+393337654321")
        _waiting(system, 1)
        now = system.queue_now()
        assert now is not None
        assert now.waiting_since is not None
        second.hang_up()
        _waiting(system, 0)
        first.hang_up()
        _stands(system, "201", FREE)


def test_what_happened_while_the_worker_was_down(system: System) -> None:
    system.kill_agi()
    back_office = system.phone("201", answer_after=0)
    with system.worker() as worker:
        _stands(system, "201", FREE)
        worker.kill()
        worker.wait()
    system.call()
    back_office.answered()
    system.call(caller="+393337654321")
    wait_until(lambda: "has 1 calls" in system.ask("queue show desk"), "one waits")
    with system.worker():
        _stands(system, "201", BUSY)
        _waiting(system, 1)


def test_asterisk_restarted(system: System) -> None:
    system.kill_agi()
    back_office = system.phone("201", answer_after=0)
    with system.worker():
        system.call()
        back_office.answered()
        _stands(system, "201", BUSY)
        system.call(caller="+393337654321")
        _waiting(system, 1)
        system.kill()
        system.restart()
        _waiting(system, 0)
        _stands(system, "201", FREE)
        system.phone("101")
        _stands(system, "101", FREE)
