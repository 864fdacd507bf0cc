"""What is said of the wait, and what silence and keys do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ivr.conversation import Outcome
from ivr.steps import Need
from ivr.switchboard import reach_person
from ivr.waiting import Reach, Wait, told, waiting
from tests.ivr.doubles import CLOSED, SILENCE, DecidedDesk, converse


class Queue:
    """:class:`ivr.waiting.Routing` with fixed answers."""

    def __init__(self, wait: Wait | None = None, *, reach: Reach = Reach.RING, due: bool = False) -> None:
        self._wait, self._reach, self._due = wait, reach, due

    def reach(self) -> Reach:
        return self._reach

    def wait(self) -> Wait | None:
        return self._wait

    def call_back_due(self) -> bool:
        return self._due


def desk(queue: Queue) -> DecidedDesk:
    found = DecidedDesk()
    found.routing = queue  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(
    ("wait", "keys"),
    [
        (None, []),
        (Wait(2, 5), ["waiting.between"]),
        (Wait(0, 5), ["waiting.at_most"]),
        (Wait(0, 1), ["waiting.one_minute"]),
        (Wait(3, 5, longer=True), ["waiting.longer", "waiting.between"]),
    ],
)
def test_the_wait_in_words(wait: Wait | None, keys: list[str]) -> None:
    assert [prompt.key for prompt in told(wait)] == keys


@pytest.mark.parametrize("keys", [[SILENCE], ["0"], ["7", "7"], ["1", "0"], ["1", "3"]])
def test_who_does_not_ask_for_a_call_back_waits_on(keys: list[str]) -> None:
    waiter = desk(Queue(Wait(2, 5)))
    ending, line, _ = converse(waiting(waiter), keys)
    assert ending.outcome is Outcome.PERSON
    assert line.heard[:3] == ["waiting.busy", "waiting.between", "waiting.stay"]
    assert waiter.call_backs.filed == []


def test_key_1_is_the_call_back() -> None:
    waiter = desk(Queue(Wait(2, 5)))
    ending, _, _ = converse(waiting(waiter), ["1", "1"])
    assert ending.outcome is Outcome.DONE
    assert waiter.call_backs.filed == ["+393331234567"]


@pytest.mark.parametrize("keys", [["1"], [SILENCE]])
def test_after_a_while_it_is_offered_unasked(keys: list[str]) -> None:
    waiter = desk(Queue(Wait(2, 5), due=True))
    ending, line, _ = converse(waiting(waiter), keys)
    assert "waiting.stay" not in line.heard
    assert (ending.outcome is Outcome.DONE) == (keys == ["1"])


def test_at_closing_time_it_is_offered_too_but_nobody_is_sent_away() -> None:
    waiter = desk(Queue(Wait(2, 5)))
    waiter.hours = lambda: CLOSED  # type: ignore[method-assign]
    ending, line, _ = converse(waiting(waiter), [SILENCE])
    assert "waiting.closing" in line.heard
    assert ending.outcome is Outcome.PERSON


@pytest.mark.parametrize(
    ("reach", "said"), [(Reach.NOBODY, "person.nobody"), (Reach.TOO_LATE, "person.too_late")]
)
def test_who_would_wait_in_vain_is_offered_a_call_back_at_once(reach: Reach, said: str) -> None:
    ending, line, _ = converse(reach_person(desk(Queue(reach=reach)), Need.ASKED), ["1"])
    assert ending.outcome is Outcome.DONE
    assert line.heard[0] == said
    assert not line.dialled


def test_who_wants_no_call_back_leaves_a_message() -> None:
    caller = desk(Queue(reach=Reach.NOBODY))
    converse(reach_person(caller, Need.ASKED), ["3"])
    assert len(caller.messages) == 1


def test_the_wait_is_told_before_the_queue() -> None:
    _, line, _ = converse(reach_person(desk(Queue(Wait(2, 5))), Need.ASKED), [])
    assert line.heard == ["waiting.between", "person.transfer"]
    assert line.prompts[0].values == (("low", 2), ("high", 5))
    assert replace(Wait(2, 5), longer=True).longer
