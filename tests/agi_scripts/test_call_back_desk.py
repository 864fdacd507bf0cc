"""Call-backs as a call asks for them: limited, spooled without a database, cancelled by the caller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from desk.call_backs import open_call_back
from desk.db import reading
from desk.models import CallBack
from desk.replay import replay_spool
from ivr.waiting import Wait
from tests.agi_scripts.test_routing_desk import FixedQueue

CALLER, OTHER = "+393331112203", "+390290912345"

DeskFor = Callable[[str | None], CallDesk]


def pending(house: House, number: str) -> CallBack | None:
    with reading(house.sessions) as session:
        return open_call_back(session, number)


def test_filed_with_the_place_in_the_queue_and_cancelled(house: House) -> None:
    since = house.clock() - timedelta(minutes=5)
    desk = CallDesk(house, CallJournal(house, "1.1", CALLER, "100"), CALLER, since=since)
    assert desk.call_backs.number() == CALLER
    assert not desk.call_backs.pending()
    assert desk.call_backs.file(CALLER)
    found = pending(house, CALLER)
    assert found is not None
    assert (found.waiting_since, found.asked_by) == (since, CALLER)
    assert desk.call_backs.pending()
    desk.call_backs.cancel()
    assert not desk.call_backs.pending()


def test_who_calls_again_has_the_place_of_the_call_back(house: House) -> None:
    def a_call(caller: str | None, name: str) -> tuple[CallDesk, FixedQueue]:
        queue = FixedQueue()
        return CallDesk(house, CallJournal(house, name, caller, "100"), caller, queue=queue), queue

    first, queue = a_call(CALLER, "1.1")
    first.call_backs.take_place()
    assert (queue.place, queue.gone) == (None, False)
    asked_at = house.clock()
    assert first.call_backs.file(CALLER)
    # From now on a hang-up is no giving up.
    assert queue.gone
    house.clock = lambda: asked_at + timedelta(hours=2)
    again, queue = a_call(CALLER, "2.1")
    assert again.routing.wait() == Wait(0, 4)
    again.call_backs.take_place()
    assert (queue.place, queue.gone) == (asked_at, False)
    again.call_backs.keep()
    assert queue.gone
    for caller in (OTHER, None):
        other, queue = a_call(caller, f"3.{caller}")
        assert other.routing.wait() == Wait(2, 11)
        other.call_backs.take_place()
        assert queue.place is None
    again.call_backs.cancel()
    after, queue = a_call(CALLER, "4.1")
    after.call_backs.take_place()
    assert queue.place is None


def test_what_is_refused_lets_nobody_go(house: House) -> None:
    queue = FixedQueue()
    desk = CallDesk(house, CallJournal(house, "1.1", CALLER, "100"), CALLER, queue=queue)
    for last in range(house.settings.call_backs_per_caller_and_day):
        assert desk.call_backs.file(f"+39029091234{last}")
    queue.gone = False
    assert not desk.call_backs.file(OTHER)
    assert not queue.gone


def test_not_more_than_the_limit_of_a_day(desk_for: DeskFor, house: House) -> None:
    call_backs = desk_for(CALLER).call_backs
    for last in range(house.settings.call_backs_per_caller_and_day):
        assert call_backs.may_offer()
        assert call_backs.file(f"+39029091234{last}")
    assert not call_backs.may_offer()
    assert not call_backs.file(OTHER)
    assert desk_for(OTHER).call_backs.may_offer()


def test_only_lines_that_are_called_back(desk_for: DeskFor) -> None:
    assert desk_for("+33142345678").call_backs.number() is None
    assert desk_for(None).call_backs.number() is None
    assert desk_for(None).call_backs.read("0290912345") == OTHER
    assert desk_for(None).call_backs.read("899123456") is None


def test_without_the_database_it_is_spooled_and_filed_once(
    desk_for: DeskFor, house: House, tmp_path: Path
) -> None:
    call_backs = desk_for(CALLER).call_backs
    away = tmp_path / "away"
    database = tmp_path / "centralino.sqlite"
    database.rename(away)
    assert call_backs.may_offer()
    assert not call_backs.pending()
    assert call_backs.file(OTHER)
    call_backs.cancel()
    away.rename(database)
    assert replay_spool(house.sessions, house.spool) == 1
    found = pending(house, OTHER)
    assert found is not None
    assert found.waiting_since == found.asked_at == house.clock()
