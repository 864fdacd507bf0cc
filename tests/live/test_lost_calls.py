"""Who reached nobody is in the request list, until the number was served."""

from __future__ import annotations

from functools import partial

import pytest

from desk.db import reading
from desk.models import LostCallDetails, Request, RequestState, StayOutcome
from desk.models.details import Closed
from desk.models.routing import QueueStay
from tests.live.harness import PATIENCE, System, wait_until

pytestmark = pytest.mark.live


def details(request: Request) -> LostCallDetails:
    assert isinstance(request.details, LostCallDetails)
    return request.details


def test_lost_twice_then_served(system: System, caller: str) -> None:
    system.change_rules(short_abandon_seconds=0)
    # It rings for as long as anybody waits.
    system.phone("201", answer_after=0)
    talking = system.call(caller="+393330000001", keys="0")
    wait_until(lambda: "CONNECT" in system.queue_log, "the only phone is busy")

    def entered(times: int) -> bool:
        return system.queue_log.count(f"ENTERQUEUE||{caller}") == times

    def counted(times: int) -> bool:
        return [details(item).calls for item in system.requests(caller)] == [times]

    with system.worker():
        for times in (1, 2):
            # Opening hours by keypad, then a person: the item says what it was about.
            call = system.call(caller=caller, keys="30")
            wait_until(partial(entered, times), "in the queue")
            call.hang_up()
            wait_until(partial(counted, times), "it is counted", 2 * PATIENCE)
        (item,) = system.requests(caller)
        assert item.state is RequestState.RECEIVED
        assert details(item).about == ("Informazioni",)
        talking.hang_up()
        system.call(caller=caller, keys="0")
        wait_until(
            lambda: system.requests(caller)[0].state is RequestState.DONE, "it closed itself", 2 * PATIENCE
        )
    (item,) = system.requests(caller)
    assert details(item).closed is Closed.CALLED_AGAIN
    assert [period.by for period in item.periods] == ["phone", "system"]


def test_who_left_a_message_is_not_lost(system: System, caller: str) -> None:
    system.phone("201")
    call = system.call(caller=caller, keys="0")
    call.hear(system.prompt("message.record"), timeout=3 * PATIENCE)
    system.speak(call, system.prompt("welcome.greeting"))
    call.over()
    with system.worker():

        def unanswered() -> bool:
            with reading(system.database) as session:
                stays = session.query(QueueStay).all()
            return [stay.outcome for stay in stays] == [StayOutcome.UNANSWERED]

        wait_until(unanswered, "the stay is over", 2 * PATIENCE)
    assert [request.kind for request in system.requests(caller)] == ["message"]
