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
