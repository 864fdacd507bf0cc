"""A citizen hangs up, at every node of the dialogs: the line is free, the log is whole, nothing is lost."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from desk.settings import PROJECT
from tests.live.harness import CLOSED, System, wait_until
from tests.live.people import BIRTH_FOR_SELF, CONFIRM, GIULIA, ONE_COPY_NO_SMS

pytestmark = pytest.mark.live

IDENTIFIED = BIRTH_FOR_SELF + GIULIA.born
WRONG_DATE = "01011990"


@dataclass(frozen=True, slots=True)
class Node:
    """Where to hang up: the keys that lead there, what is heard there, and whether a draft is left."""

    name: str
    keys: str
    prompt: str
    draft: bool = False


#: ``*`` repeats a step, so that what is said there is heard although the keys were typed ahead.
NODES = (
    Node("welcome", "", "welcome.greeting"),
    Node("main", "*", "main.requests"),
    Node("requests", "1*", "requests.where"),
    Node("hours.today", "31", "hours.today"),
    Node("hours.week", "31", "hours.week"),
    Node("more", "31", "more.intro"),
    Node("goodbye", "31", "goodbye.said"),
    Node("certificate.notice", "11", "certificate.notice"),
    Node("certificate.kind", "11*", "certificate.kind.intro"),
    Node("certificate.stamp", "121*", "certificate.stamp.pay", draft=True),
    Node("certificate.subject", "111", "certificate.subject.intro", draft=True),
    Node("certificate.subject_name", "1112", "certificate.subject_name", draft=True),
    Node("identify.birth_date", BIRTH_FOR_SELF, "identify.birth_date", draft=True),
    Node("identify.no_match", BIRTH_FOR_SELF + WRONG_DATE, "identify.no_match", draft=True),
    Node("identify.way", BIRTH_FOR_SELF + "#", "identify.way.intro", draft=True),
    Node("identify.tax_code", BIRTH_FOR_SELF + "#1", "identify.tax_code", draft=True),
    Node("identify.spoken", BIRTH_FOR_SELF + "#2", "identify.spoken", draft=True),
    Node("certificate.copies", IDENTIFIED, "certificate.copies", draft=True),
    Node("certificate.delivery", IDENTIFIED + "1", "certificate.delivery.intro", draft=True),
    Node("certificate.sms", IDENTIFIED + "11", "certificate.sms.intro", draft=True),
    Node("certificate.confirm", IDENTIFIED + ONE_COPY_NO_SMS, "certificate.confirm.intro", draft=True),
    Node("certificate.filed", IDENTIFIED + ONE_COPY_NO_SMS + CONFIRM, "certificate.filed"),
    Node("person", "0", "person.transfer"),
    Node("message.record", "0", "message.record"),
)
#: At these something has to happen first: see the tests of their own below and in the files beside this one.
ELSEWHERE = {
    "certificate.group",
    "certificate.resume",
    "certificate.spooled",
    "certificate.voice",
    "message.filed",
    "message.nothing",
    "welcome.closed",
}


def test_every_node_is_tried() -> None:
    modules = ("switchboard", "requests_menu", "certificate", "identification", "hours", "message")
    step = re.compile(r'\b(?:say|choose|ask|record|transfer)\(\s*"([a-z_.]+)"')
    source = "".join((PROJECT / "ivr" / f"{module}.py").read_text(encoding="utf-8") for module in modules)
    assert set(step.findall(source)) == {node.name for node in NODES} | ELSEWHERE


@pytest.mark.parametrize("node", NODES, ids=[node.name for node in NODES])
def test_hung_up_at(town: System, caller: str, node: Node) -> None:
    town.give_number(caller, GIULIA.tax_code)
    if node.name == "person":
        # Where nobody is there it is said at once.
        town.phone("201")
    call = town.call(caller=caller, keys=node.keys)
    call.hear_begin(town.prompt(node.prompt), timeout=70)
    call.hang_up()
    wait_until(lambda: not town.calls(), "the line is free")
    wait_until(lambda: town.story(caller).outcome == "hung_up", "the log says so")
    story = town.story(caller)
    assert story.last_node == node.name
    assert (story.events[-1].node, story.events[-1].event) == (node.name, "hung_up")
    assert len(town.requests(caller)) == (1 if node.name == "certificate.filed" else 0)
    assert (town.draft(caller) is not None) == node.draft
    if node.draft:
        again = town.call(caller=caller, keys="11*")
        again.hear(town.prompt("certificate.resume.intro"))
        again.hang_up()
        assert town.story(caller, number=2).last_node == "certificate.resume"
        # The offer itself neither uses up the draft nor files it.
        assert town.draft(caller) is not None
        assert town.requests(caller) == []


@pytest.mark.parametrize(
    ("before", "prompt", "after"),
    [
        ("", "identify.birth_date", ONE_COPY_NO_SMS),
        (GIULIA.born, "certificate.copies", ONE_COPY_NO_SMS),
        (GIULIA.born + "3", "certificate.delivery.intro", "12"),
        (GIULIA.born + ONE_COPY_NO_SMS, "certificate.confirm.intro", "2"),
    ],
    ids=["identification", "copies", "delivery", "confirmation"],
)
def test_going_on_gives_one_request(town: System, caller: str, before: str, prompt: str, after: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + before + "*")
    call.hear(town.prompt(prompt))
    call.hang_up()
    town.story(caller)
    draft = town.draft(caller)
    assert draft
    # Who asks, and whether to text, is never kept: it is asked again. What was answered is not.
    again = town.call(caller=caller, keys="111" + GIULIA.born + after)
    again.hear(town.prompt("certificate.confirm.intro"))
    again.press(CONFIRM)
    again.hear(town.prompt("certificate.filed"))
    again.hang_up()
    assert town.request(caller).idempotency_key == draft.key
    assert town.draft(caller) is None


def test_beginning_anew_drops_the_draft(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF)
    call.hear(town.prompt("identify.birth_date"))
    call.hang_up()
    town.story(caller)
    again = town.call(caller=caller, keys="112*")
    again.hear(town.prompt("certificate.kind.intro"))
    again.hang_up()
    town.story(caller, number=2)
    assert town.draft(caller) is None


def test_hung_up_while_speaking(town: System, caller: str) -> None:
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + "2")
    call.hear(town.prompt("identify.spoken"))
    town.speak(call, town.prompt("hours.today"), end="")
    call.hang_up()
    story = town.story(caller)
    assert (story.outcome, story.last_node) == ("hung_up", "identify.spoken")
    wait_until(lambda: not town.calls(), "the line is free")


def test_hung_up_after_a_message_was_left(town: System, caller: str) -> None:
    call = town.call(caller=caller, keys="0")
    call.hear(town.prompt("message.record"), timeout=70)
    town.speak(call, town.prompt("hours.today"))
    call.hear(town.prompt("message.filed"))
    call.hang_up()
    wait_until(lambda: town.story(caller).outcome == "hung_up", "the log says so")
    assert town.story(caller).last_node == "message.filed"
    assert town.request(caller).kind == "message"


def test_nothing_said_after_the_tone(town: System, caller: str) -> None:
    call = town.call(caller=caller, keys="0")
    record = town.prompt("message.record")
    call.hear(record, timeout=70)
    # A key ends the prompt, four seconds of silence the recording.
    call.press("5")
    call.hear_all([record, record])
    call.press("5")
    call.hear(town.prompt("message.nothing"))
    call.hang_up()
    wait_until(lambda: town.story(caller).outcome == "hung_up", "the log says so")
    assert town.story(caller).last_node == "message.nothing"
    assert town.requests(caller) == []


def test_hung_up_while_the_desk_is_closed(system: System) -> None:
    caller = "+393335559999"
    system.kill_agi()
    system.start_agi(at=CLOSED)
    call = system.call(caller=caller)
    call.hear(system.prompt("welcome.closed"), timeout=30)
    call.hang_up()
    assert system.story(caller).last_node == "welcome.closed"
    wait_until(lambda: not system.calls(), "the line is free")
