"""Offices have numbers and phones of their own."""

from __future__ import annotations

import pytest

from tests.live.harness import CLOSED, OFFICE_LINE, PATIENCE, System, wait_until

pytestmark = pytest.mark.live


def test_an_offices_number_rings_the_office(town: System, caller: str) -> None:
    back_office, office = town.phone("201", answer_after=0), town.phone("301", answer_after=0.3)
    town.call(caller=caller, number=OFFICE_LINE)
    office.answered()
    assert office.displays == [f"Ufficio tecnico {caller}"]
    assert back_office.events == []
    story = town.story(caller)
    assert [(event.node, event.detail) for event in story.events] == [("direct", "Ufficio tecnico")]


@pytest.mark.parametrize("office", ["silent", "busy", "not registered"])
def test_the_office_does_not_answer_the_desk_does(town: System, caller: str, office: str) -> None:
    if office != "not registered":
        town.phone("301", busy=office == "busy")
    back_office = town.phone("201", answer_after=0)
    call = town.call(caller=caller, number=OFFICE_LINE)
    call.hear(town.prompt("fallback.office_silent"))
    back_office.answered()
    assert back_office.displays == [f"per Ufficio tecnico {caller}"]


def test_an_office_hands_on_and_takes_back(town: System, caller: str) -> None:
    office = town.phone("301", answer_after=0)
    call = town.call(caller=caller, number=OFFICE_LINE)
    office.answered()
    office.hand_to("302")
    call.hear(town.prompt("fallback.returned"))
    office.device.wait_for("answered", PATIENCE, times=2)
    assert office.displays[1] == f"Da 302: Ufficio tecnico {caller}"
    # The queue's log has it, although the desk's queue never saw the call.
    wait_until(lambda: "|phone-301|301|BLINDTRANSFER|302|" in town.queue_log, "the transfer is in the log")


def test_phones_of_the_desk_and_of_offices_reach_each_other(town: System) -> None:
    office = town.phone("301", answer_after=0)
    town.call_from_phone("201", "301").answered()
    office.answered()


def test_a_closed_office_is_told_like_the_desk(system: System, caller: str) -> None:
    system.kill_agi()
    system.start_agi(CLOSED)
    office = system.phone("301", answer_after=0)
    call = system.call(caller=caller, number=OFFICE_LINE)
    call.hear(system.prompt("welcome.closed"), timeout=2 * PATIENCE)
    assert office.events == []


def test_without_the_server_the_office_rings(system: System, caller: str) -> None:
    system.kill_agi()
    office = system.phone("301", answer_after=0)
    system.call(caller=caller, number=OFFICE_LINE)
    office.answered()
