"""Calls handed from phone to phone: what is not taken comes back, and nobody is dropped."""

from __future__ import annotations

import time
from dataclasses import replace
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


def test_it_comes_back_and_nobody_is_there_the_desk_takes_it(exchange: Exchange, prompts: Prompts) -> None:
    back_office, counter = exchange.phone("201", answer_after=0), exchange.phone("101", answer_after=0)
    call = exchange.call()
    back_office.answered()
    assert back_office.hand_to("301") == 202
    wait_until(lambda: not any("PJSIP/201-" in line for line in exchange.calls()), "the line of 201 is free")
    back_office.device.close()
    call.hear(prompts[Sound.RETURNED])
    counter.answered()
    hear_each_other(call, counter, 62)
    # The display shows again what it did at first.
    assert not counter.displays[0].startswith("Da ")


def test_it_comes_back_to_a_busy_phone_and_is_next_at_the_desk(exchange: Exchange, prompts: Prompts) -> None:
    back_office, counter = exchange.phone("201", answer_after=0), exchange.phone("101", answer_after=0)
    colleague = exchange.phone("102", answer_after=0)
    first = exchange.call(caller="+393330000001")
    back_office.answered()
    # On a second line 201 talks with a colleague: nobody but 101 is left for the desk.
    exchange.call_from_phone("201", "102")
    colleague.answered()
    second = exchange.call(caller="+393330000002")
    counter.answered()
    third = exchange.call(caller="+393330000003")
    wait_until(lambda: len(logged(exchange, "ENTERQUEUE")) == 3, "the third citizen waits")
    back_office.hand_to("301")
    first.hear(prompts[Sound.RETURNED])
    wait_until(
        lambda: [line[0] for line in logged(exchange, "ENTERQUEUE")].count("desk") == 4,
        "both wait at the desk",
    )
    second.hang_up()
    counter.device.wait_for("answered", PATIENCE, times=2)
    assert "+393330000001" in counter.displays[1]
    assert "ended" not in [*first.line.events, *third.line.events]


def test_it_comes_back_after_the_longest_wait_and_begins_to_wait_anew(
    exchange: Exchange, prompts: Prompts
) -> None:
    """Who has talked for long is not sent away after one round, but may wait as long as anybody."""
    rules = replace(exchange.town.routing, longest_wait_seconds=5, announce_seconds=2)
    exchange.town = replace(exchange.town, routing=rules)
    exchange.reload()
    back_office, counter = exchange.phone("201", answer_after=0), exchange.phone("101", answer_after=0)
    colleague = exchange.phone("102", answer_after=0)
    first = exchange.call(caller="+393330000001")
    back_office.answered()
    answered = time.monotonic()
    # All talk: 201 with a colleague on its second line, 101 with somebody else.
    exchange.call_from_phone("201", "102")
    colleague.answered()
    exchange.call(caller="+393330000002")
    counter.answered()
    wait_until(lambda: time.monotonic() - answered > 6, "the talk was longer than the longest wait")
    back_office.hand_to("301")
    first.hear(prompts[Sound.RETURNED])
    # Round after round, until the time is over that began with the return.
    first.hear(prompts[Sound.LEAVE_MESSAGE], timeout=2 * PATIENCE)
    desk = [line.split("|") for line in exchange.queue_log.splitlines() if "|desk|" in line]
    call = desk[0][1]
    handed = next(number for number, line in enumerate(desk) if line[4] == "BLINDTRANSFER")
    own = [line for line in desk[handed:] if line[1] == call]
    entered = [int(line[0]) for line in own if line[4] == "ENTERQUEUE"]
    left = [int(line[0]) for line in own if line[4] == "EXITWITHTIMEOUT"]
    assert len(entered) == len(left) >= 2
    assert left[-1] - entered[0] >= rules.longest_wait_seconds - 1


def test_asked_before_and_handed_over(exchange: Exchange) -> None:
    back_office, counter = exchange.phone("201", answer_after=0), exchange.phone("102", answer_after=0)
    call = exchange.call()
    back_office.answered()
    asking = exchange.call_from_phone("201", "102")
    counter.answered()
    assert "Back office" in counter.displays[0]
    assert back_office.hand_to("102", asked=asking.line.dialogs[-1]) == 202
    wait_until(lambda: bool(logged(exchange, "ATTENDEDTRANSFER")), "the two are joined")
    hear_each_other(call, counter, 63)
    (line,) = logged(exchange, "ATTENDEDTRANSFER")
    assert line[:2] == ["desk", "201"]
    assert len(call.line.dialogs) == 1


def test_nothing_is_handed_to_the_outside(exchange: Exchange) -> None:
    back_office = exchange.phone("201", answer_after=0)
    call = exchange.call()
    back_office.answered()
    back_office.hand_to("+393339999999")
    wait_until(lambda: "target does not exist" in exchange.complaints, "the transfer is refused")
    hear_each_other(call, back_office, 64)
