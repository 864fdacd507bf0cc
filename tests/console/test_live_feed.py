"""The stream of what goes on: one thread asks the database for all pages, and none while there is no page."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from console import live_feed
from console.live_feed import LiveFeed, TooManyPages
from desk import db
from desk.desk_now import Member, OnCall, OnCallState, PhoneState, QueueNow, note_queue
from desk.models import Channel, Device, LostCallDetails, Phone, PlaceStay, Role, Tier
from desk.places import PauseReason, pause_place, stay_of, take_place
from desk.requests import file_request
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in


@pytest.fixture
def feed(sessions: db.Sessions, clock: Clock) -> Iterator[LiveFeed]:
    with db.transaction(sessions) as session:
        session.add(Phone(extension="201", tier=Tier.BACK_OFFICE, label="Back office", ring_seconds=15))
    feed = LiveFeed(sessions, clock=clock)
    yield feed
    feed.stopping = lambda: True
    for thread in threading.enumerate():
        if thread.name == "live feed":
            thread.join(5)


def news(stream: Iterator[str]) -> dict[str, Any]:
    """What the next message says."""
    for part in stream:
        for line in part.splitlines():
            if line.startswith("data: "):
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found
    raise AssertionError("the stream ended")


def test_fifty_pages_cost_the_database_as_much_as_one(
    feed: LiveFeed, sessions: db.Sessions, clock: Clock
) -> None:
    operator = an_operator(sessions, "anna", Role.OPERATOR)
    streams = [feed.follow(operator.id) for _ in range(50)]
    assert [news(stream)["known"] for stream in streams] == [False] * 50
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    bind = sessions.kw["bind"]
    event.listen(bind, "before_cursor_execute", count)
    time.sleep(4 * live_feed.EVERY)
    event.remove(bind, "before_cursor_execute", count)
    # About 20 statements at each of at most six looks; for each page it would be 50 times that.
    assert 0 < asked < 200

    with db.transaction(sessions) as session:
        take_place(
            session, operator_id=operator.id, extension="201", device=Device.WEB, by="anna", now=clock.now
        )
        on = OnCall("1.1", "201", OnCallState.TALKING, clock.now, citizen=True)
        members = {"201": Member(PhoneState.BUSY)}
        note_queue(session, QueueNow(clock.now, 2, clock.now, members, on_calls=(on,)))
    told = [news(stream) for stream in streams]
    assert all(each == told[0] for each in told)
    assert (told[0]["known"], told[0]["waiting"]) == (True, 2)
    assert told[0]["phones"][0]["state"] == "busy"
    assert (told[0]["places"][0]["name"], told[0]["places"][0]["reason"]) == (operator.name, None)
    assert (told[0]["calls"][0]["call"], told[0]["calls"][0]["citizen"]) == ("1.1", True)
    with db.transaction(sessions) as session:
        stay = stay_of(session, operator.id)
        assert stay
        pause_place(session, stay, PauseReason.BREAK, by="anna", now=clock.now)
    paused = news(streams[0])
    assert paused["places"][0]["reason"] == "break"
    with db.transaction(sessions) as session:
        lost = LostCallDetails(calls=1, first_at=clock.now, last_at=clock.now, longest_wait=9, about=())
        file_request(
            session,
            details=lost,
            channel=Channel.PHONE,
            citizen_id=None,
            contact_e164="+393331234567",
            working_days=1,
            idempotency_key="lost",
            call_unique_id=None,
            language="it",
            now=clock.now,
        )
    # Pages are told that the list of who is to be called back has changed, and no number.
    changed = news(streams[0])
    assert changed["toCall"] != paused["toCall"]
    assert "333" not in json.dumps(changed)
    with db.reading(sessions) as session:
        # Whose page is open is seen to be there.
        assert session.query(PlaceStay).one().seen_at == clock.now

    for _ in streams:
        feed.leave(operator.id)
    deadline = time.monotonic() + 5
    while any(thread.name == "live feed" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "nobody is there, and it still looks"
        time.sleep(0.05)


def test_no_more_pages_than_there_are_threads_for(feed: LiveFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveFeed, "most", 2)
    feed.follow(1)
    feed.follow(2)
    with pytest.raises(TooManyPages):
        feed.follow(3)
    feed.leave(1)
    feed.follow(3)


def test_a_stream_ends_when_the_server_is_stopped(feed: LiveFeed) -> None:
    stream = feed.follow(1)
    news(stream)
    feed.stopping = lambda: True
    began = time.monotonic()
    assert list(stream) == []
    assert time.monotonic() - began < 2


def test_who_is_not_logged_in_gets_no_stream(client: FlaskClient, sessions: db.Sessions) -> None:
    assert client.get("/console/live").status_code == 401
    an_operator(sessions, "capo", Role.MANAGER)
    sign_in(client, "capo")
    assert client.get("/console/live").status_code == 403
