"""The call log, drafts and preferences: written on a call's hot path, again and again, by many at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from desk import db
from desk.call_log import Event, add_events, call_story, end_call, start_call
from desk.drafts import drop_draft, keep_draft, unfinished_draft
from desk.models import CallOutcome
from desk.preferences import language_of, remember_language

CALLER = "+393330000001"
#: CPU seconds that one of these calls may take on SQLite; a generous multiple of what was measured.
QUICK = 0.003


def write(sessions: db.Sessions, unique_id: str, events: list[Event], now: datetime) -> None:
    with db.transaction(sessions, durable=False) as session:
        start_call(session, unique_id=unique_id, caller=CALLER, called="+390200000100", now=now)
        add_events(session, unique_id, events)


def test_the_story_of_a_call_written_in_parts_and_twice(sessions: db.Sessions, now: datetime) -> None:
    events = [Event(n, f"node{n}", "entered", "", now + timedelta(seconds=n)) for n in range(1, 6)]
    write(sessions, "1.1", events[3:], now)
    write(sessions, "1.1", events[:4], now + timedelta(hours=1))
    with db.transaction(sessions) as session:
        end_call(session, "1.1", outcome="done", language="en", last_node="node5", now=now)
    with db.reading(sessions) as session:
        call = call_story(session, "1.1")
        assert call is not None
        assert [event.node for event in call.events] == [f"node{n}" for n in range(1, 6)]
        assert (call.started_at, call.outcome, call.language) == (now, CallOutcome.DONE, "en")
        assert call_story(session, "1.2") is None


def test_a_long_detail_is_cut(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, "1.1", [Event(1, "n", "entered", "x" * 500, now)], now)
    with db.reading(sessions) as session:
        call = call_story(session, "1.1")
        assert call is not None
        assert call.events[0].detail == "x" * 200


def test_many_calls_at_once(sessions: db.Sessions, now: datetime) -> None:
    def call(number: int) -> None:
        for seq in range(1, 6):
            write(sessions, f"1.{number % 8}", [Event(seq, "n", "entered", "", now)], now)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(16)))
    with db.reading(sessions) as session:
        for number in range(8):
            story = call_story(session, f"1.{number}")
            assert story is not None
            assert [event.seq for event in story.events] == [1, 2, 3, 4, 5]


def test_a_draft_is_found_by_its_number_until_it_is_old(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        for copies in (1, 2):
            keep_draft(
                session, key="k", caller=CALLER, kind="certificate", answers={"copies": copies}, now=now
            )
        found = unfinished_draft(session, CALLER, kind="certificate", now=now + timedelta(hours=48), hours=48)
        assert found is not None
        assert (found.key, found.answers) == ("k", {"copies": 2})
        late = now + timedelta(hours=48, seconds=1)
        assert unfinished_draft(session, CALLER, kind="certificate", now=late, hours=48) is None
        assert unfinished_draft(session, "+393330000002", kind="certificate", now=now, hours=48) is None
        assert unfinished_draft(session, CALLER, kind="appointment", now=now, hours=48) is None
        drop_draft(session, "k")
        assert unfinished_draft(session, CALLER, kind="certificate", now=now, hours=48) is None


def test_the_latest_draft_is_offered(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        for hours, key in ((2, "new"), (1, "old")):
            keep_draft(
                session,
                key=key,
                caller=CALLER,
                kind="certificate",
                answers={},
                now=now + timedelta(hours=hours),
            )
        found = unfinished_draft(session, CALLER, kind="certificate", now=now + timedelta(hours=3), hours=48)
        assert found is not None
        assert found.key == "new"


def test_the_language_of_a_number_is_the_last_one_chosen(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        assert language_of(session, CALLER) is None
        remember_language(session, CALLER, "en", now)
        remember_language(session, CALLER, "it", now)
        assert language_of(session, CALLER) == "it"


def test_the_hot_path_is_quick(sqlite_url: str, now: datetime) -> None:
    engine = db.connect(sqlite_url)
    sessions = db.sessions(engine)
    events = [Event(n, "node", "entered", "", now) for n in range(10)]

    def once(number: int) -> None:
        unique_id = f"1.{number}"
        with db.transaction(sessions, durable=False) as session:
            start_call(session, unique_id=unique_id, caller=CALLER, called="100", now=now)
        with db.transaction(sessions, durable=False) as session:
            keep_draft(session, key=unique_id, caller=CALLER, kind="certificate", answers={"n": 1}, now=now)
        with db.transaction(sessions, durable=False) as session:
            add_events(session, unique_id, events)
        with db.transaction(sessions, durable=False) as session:
            end_call(session, unique_id, outcome="done", language="it", last_node="n", now=now)

    for number in range(20):
        once(number)
    began = time.thread_time()
    for number in range(20, 120):
        once(number)
    per_transaction = (time.thread_time() - began) / 400
    engine.dispose()
    assert per_transaction < QUICK
