"""Waiting for a person: the honest wait, the place that is kept, and who need not wait at all."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from call_routing.wait import handling_seconds, wait_range
from desk.db import transaction
from desk.models import QueueStay, RoutingRules, StayOutcome
from tests.live.harness import Call, System, wait_until

pytestmark = pytest.mark.live

#: Presses 0 at the main menu: a person.
PERSON = "0"
#: A Tuesday: open until 12:45.
JUST_BEFORE_CLOSING = "2026-11-24T12:44:10+01:00"


def entries(system: System, caller: str) -> int:
    """How often that caller has come into the queue."""
    return len(re.findall(rf"ENTERQUEUE\|\|\+?{re.escape(caller.lstrip('+'))}\|", system.queue_log))


def in_queue(system: System, caller: str, *, times: int = 1) -> None:
    wait_until(
        lambda: entries(system, caller) >= times, f"{caller} is in the queue for the {times}. time", 40
    )


def talking(system: System) -> Call:
    """A citizen who talks with the back office, the only phone there is."""
    phone = system.phone("201", answer_after=0)
    call = system.call(caller="+393338880001", keys=PERSON)
    phone.answered()
    return call


def short_talks(system: System) -> None:
    """Our own figures: fifty conversations of 10 s, so that a range is over within a minute."""
    with transaction(system.database) as session:
        for number in range(50):
            at = datetime.now(UTC) - timedelta(hours=1, minutes=number)
            session.add(
                QueueStay(
                    call_unique_id=f"earlier-{number}",
                    entered_at=at,
                    position=1,
                    outcome=StayOutcome.ANSWERED,
                    answered_at=at,
                    ended_at=at + timedelta(seconds=10),
                    extension="201",
                )
            )


def test_all_are_talking_the_wait_is_told_and_the_citizen_is_next(system: System, caller: str) -> None:
    first = talking(system)
    second = system.call(caller=caller, keys=PERSON)
    # Before the queue, and again in it: one operator, who usually takes three minutes.
    second.hear_all([*system.sentence("waiting.at_most", high=7), system.prompt("person.transfer")])
    second.hear_all([system.prompt("waiting.busy"), *system.sentence("waiting.at_most", high=7)])
    # Silence goes on waiting, in the queue.
    in_queue(system, caller, times=2)
    first.hang_up()
    wait_until(lambda: "CONNECT" in system.queue_log.partition(caller)[2], "the citizen is served", 40)
    assert not second.sound.has_heard(system.prompt("waiting.longer"))
    nodes = [event.node for event in system.story(caller).events]
    assert "waiting.told" in nodes


def test_what_passed_is_called_longer_than_expected(system: System, caller: str) -> None:
    short_talks(system)
    talking(system)
    second = system.call(caller=caller, keys=PERSON)
    second.hear_all([system.prompt("waiting.busy"), *system.sentence("waiting.one_minute")])
    assert not second.sound.has_heard(system.prompt("waiting.longer"))
    second.hear(system.prompt("waiting.longer"), timeout=90)


def test_who_left_for_an_announcement_keeps_the_place(system: System) -> None:
    first = talking(system)
    two, three = "+393338880002", "+393338880003"
    system.call(caller=two, keys=PERSON)
    in_queue(system, two)
    system.call(caller=three, keys=PERSON)
    in_queue(system, three)
    # Both have been out, so each was behind the other for a while.
    in_queue(system, two, times=2)
    in_queue(system, three, times=2)
    # With rounds as short as the tests' they could miss each other for ever.
    with transaction(system.database) as session:
        session.execute(update(RoutingRules).values(announce_seconds=60))
    system.read_town()
    system.reload()
    wait_until(lambda: "desk has 2 calls" in system.ask("queue show desk"), "both are in the queue", 60)
    first.hang_up()
    connected = re.compile(r"\|([\d.]+)\|desk\|201\|CONNECT")
    wait_until(lambda: len(connected.findall(system.queue_log)) >= 2, "the next one is served")
    served = connected.findall(system.queue_log)[1]
    (entered,) = set(re.findall(rf"\|([\d.]+)\|desk\|NONE\|ENTERQUEUE\|\|\{two}\|", system.queue_log))
    assert served == entered


def test_who_hears_an_announcement_counts_for_who_comes_next(system: System, caller: str) -> None:
    talking(system)
    second = system.call(caller=caller, keys=PERSON)
    third = system.call(caller="+393338880009")
    third.hear_begin(system.prompt("main.language"), timeout=40)
    second.hear_begin(system.prompt("waiting.busy"), timeout=60)
    # At this moment nobody is in the queue, and two are before the third one all the same.
    third.press(PERSON)
    expected = wait_range(2, handling_seconds([], 0), 1)
    assert expected is not None
    third.hear_all(system.sentence("waiting.between", low=expected.low, high=expected.high))


def test_a_withheld_number_that_chose_english_waits_in_english(system: System) -> None:
    talking(system)
    call = system.call(caller=None, keys="9")
    call.hear_begin(system.prompt("main.requests", "en"), timeout=40)
    call.press(PERSON)
    call.hear(system.prompt("waiting.busy", "en"), timeout=60)
    assert not call.sound.has_heard(system.prompt("waiting.busy"))


def test_nobody_is_there_and_it_is_said_at_once(system: System, caller: str) -> None:
    call = system.call(caller=caller, keys=PERSON)
    call.hear(system.prompt("person.nobody"))
    assert entries(system, caller) == 0


def test_operators_who_pause_are_not_there(system: System, caller: str) -> None:
    phone = system.phone("201", answer_after=0)
    system.ask("queue pause member PJSIP/201 queue desk reason lunch")
    call = system.call(caller=caller, keys=PERSON)
    call.hear(system.prompt("person.nobody"))
    assert phone.events == []


def test_closing_is_too_near_for_the_wait(system: System, caller: str) -> None:
    system.kill_agi()
    system.start_agi(JUST_BEFORE_CLOSING)
    talking(system)
    call = system.call(caller=caller, keys=PERSON)
    call.hear(system.prompt("person.too_late"))
    assert entries(system, caller) == 0


def test_without_the_server_the_wait_goes_on(system: System, caller: str) -> None:
    first = talking(system)
    second = system.call(caller=caller, keys=PERSON)
    in_queue(system, caller)
    system.kill_agi()
    in_queue(system, caller, times=3)
    assert not second.sound.has_heard(system.prompt("fallback.sorry"))
    first.hang_up()
    wait_until(lambda: "CONNECT" in system.queue_log.partition(caller)[2], "the citizen is served")


def test_after_a_conversation_the_phone_is_left_alone_for_a_while(system: System, caller: str) -> None:
    with transaction(system.database) as session:
        session.execute(update(RoutingRules).values(wrap_up_seconds=5))
    system.read_town()
    system.reload()
    first = talking(system)
    system.call(caller=caller, keys=PERSON)
    in_queue(system, caller)
    first.hang_up()
    wait_until(lambda: system.queue_log.count("|CONNECT|") == 2, "the citizen is served", 40)
    ended, served = (
        int(re.findall(rf"(\d+)\|[\d.]+\|desk\|201\|{event}", system.queue_log)[-1])
        for event in ("COMPLETECALLER", "CONNECT")
    )
    assert served - ended >= 5


def test_new_rules_are_read_without_dropping_anybody(system: System, caller: str) -> None:
    first = talking(system)
    second = system.call(caller=caller, keys=PERSON)
    in_queue(system, caller)
    with transaction(system.database) as session:
        session.execute(update(RoutingRules).values(announce_seconds=1))
    system.read_town()
    system.reload()
    before = entries(system, caller)
    in_queue(system, caller, times=before + 2)
    assert first.line.events == ["answered"]
    assert second.line.events == ["answered"]
    first.hang_up()
    wait_until(lambda: "CONNECT" in system.queue_log.partition(caller)[2], "the citizen is served", 40)
