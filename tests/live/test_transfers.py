"""Calls handed from phone to phone: what is not taken comes back, and nobody is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from call_routing.names import Sound
from tests.live.harness import PATIENCE, Call, DeskPhone, Exchange, melody, wait_until

pytestmark = pytest.mark.live

Prompts = dict[Sound, Path]


def hear_each_other(call: Call, phone: DeskPhone, seed: int) -> None:
    """The citizen and that phone talk."""
    voice = melody(seed, 1.5)
    call.sound.speak(voice)
    wait_until(lambda: phone.sound.contains(voice), f"{phone.extension} hears the citizen")
    phone.sound.speak(voice)
    wait_until(lambda: call.sound.contains(voice), f"the citizen hears {phone.extension}")


def logged(exchange: Exchange, event: str) -> list[list[str]]:
    """The lines of the queue's log with that event: queue, phone, and what the event carries."""
    lines = [line.split("|") for line in exchange.queue_log.splitlines()]
    return [[line[2], line[3], *line[5:]] for line in lines if line[4] == event]


def test_handed_over_and_answered(exchange: Exchange) -> None:
    back_office, office = exchange.phone("201", answer_after=0), exchange.phone("301", answer_after=0.3)
    call = exchange.call()
    back_office.answered()
    assert back_office.hand_to("301") == 202
    office.answered()
    wait_until(lambda: not any("PJSIP/201-" in line for line in exchange.calls()), "the line of 201 is free")
    hear_each_other(call, office, 60)
    (line,) = logged(exchange, "BLINDTRANSFER")
    assert line[:4] == ["desk", "201", "301", "phones"]
    call.hang_up()
    # The second talk is in the log as one, too.
    wait_until(lambda: bool(logged(exchange, "COMPLETECALLER")), "the second talk is over")
    assert [line[:2] for line in logged(exchange, "CONNECT")] == [["desk", "201"], ["phone-301", "301"]]


@pytest.mark.parametrize("target", ["silent", "busy", "not registered"])
def test_handed_over_in_vain_it_comes_back(exchange: Exchange, prompts: Prompts, target: str) -> None:
    back_office = exchange.phone("201", answer_after=0)
    if target != "not registered":
        exchange.phone("301", busy=target == "busy")
    call = exchange.call()
    back_office.answered()
    assert back_office.hand_to("301") == 202
    call.hear(prompts[Sound.RETURNED])
    back_office.device.wait_for("answered", PATIENCE, times=2)
    assert back_office.displays[1].startswith("Da 301:")
    hear_each_other(call, back_office, 61)
    assert "ended" not in call.line.events
