"""A citizen and the town on the line: the AGI server holds the dialog."""

from __future__ import annotations

import pytest

from tests.live.harness import CLOSED, System, wait_until

pytestmark = pytest.mark.live


def test_a_citizen_is_greeted_and_zero_reaches_the_back_office(system: System) -> None:
    back_office = system.phone("201", answer_after=0)
    call = system.call()
    call.hear(system.prompt("welcome.greeting"))
    call.press("0")
    back_office.answered()
    call.hang_up()


def test_zero_when_the_desk_is_closed_rings_no_phone(system: System) -> None:
    back_office = system.phone("201", answer_after=0)
    system.kill_agi()
    system.start_agi(at=CLOSED)
    call = system.call()
    call.hear(system.prompt("welcome.greeting"))
    call.press("0")
    call.hear(system.prompt("person.closed"))
    assert back_office.events == []
    call.hang_up()


def test_server_killed_in_mid_call_the_back_office_rings(system: System) -> None:
    back_office = system.phone("201", answer_after=0)
    call = system.call()
    call.hear(system.prompt("welcome.greeting"))
    system.kill_agi()
    call.hear(system.prompt("fallback.sorry"))
    back_office.answered()
    call.hang_up()


def test_a_restarted_server_takes_the_next_call(system: System) -> None:
    system.kill_agi()
    system.start_agi()
    call = system.call()
    call.hear(system.prompt("welcome.greeting"))
    call.hang_up()
    wait_until(lambda: not system.calls(), "the line is free again")
