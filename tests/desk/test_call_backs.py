"""Call-backs in the database: one for a number, so many a day, closed whichever way they are settled."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from desk import db
from desk.call_backs import (
    Asked,
    CallBackLimits,
    CallBackOrder,
    ask_call_back,
    begin_attempt,
    cancel_call_back,
    close_settled,
    may_ask,
    note_failed_try,
    note_served,
    on_the_line,
    open_call_back,
    open_call_backs,
    unwanted_attempts,
)
from desk.models import (
    CallBack,
    CallBackDetails,
    CallBackResult,
    CallBackState,
    QueueStay,
    Request,
    RequestState,
    StayOutcome,
)
from desk.replay import CALL_BACK, replay_spool
from desk.requests import change_state
from desk.spool import Spool

NUMBER, CALLER = "+393331112203", "+390290912345"
LIMITS = CallBackLimits(per_number=3, per_caller=2)


def order(key: str, now: datetime, *, number: str = NUMBER, caller: str | None = CALLER) -> CallBackOrder:
    return CallBackOrder(number=number, caller=caller, waiting_since=now, idempotency_key=key)


def ask(sessions: db.Sessions, key: str, now: datetime, **changes: object) -> Asked:
    wanted = order(key, now).model_copy(update=changes)
    with db.transaction(sessions) as session:
        return ask_call_back(session, wanted, limits=LIMITS, now=now)


def the_one(sessions: db.Sessions) -> tuple[CallBack, Request]:
    with db.reading(sessions) as session:
        call_back = session.scalars(select(CallBack)).one()
        return call_back, call_back.request


def test_it_stands_in_the_list_with_its_place(sessions: db.Sessions, now: datetime) -> None:
    since = now - timedelta(minutes=7)
    assert ask(sessions, "k1", now, waiting_since=since) is Asked.FILED
    call_back, request = the_one(sessions)
    assert (call_back.e164, call_back.asked_by, call_back.waiting_since) == (NUMBER, CALLER, since)
    assert call_back.state is CallBackState.WAITING
    assert request.contact_e164 == NUMBER
    assert request.details == CallBackDetails(number=NUMBER, waiting_since=since)


def test_the_same_wish_is_filed_once(sessions: db.Sessions, now: datetime) -> None:
    assert ask(sessions, "k1", now) is Asked.FILED
    assert ask(sessions, "k1", now) is Asked.FILED
    assert ask(sessions, "k2", now, caller=None) is Asked.ALREADY
    the_one(sessions)


def test_fifty_who_ask_for_one_number_at_once_get_one(sessions: db.Sessions, now: datetime) -> None:
    start = threading.Barrier(10)

    def work(key: int) -> Asked:
        start.wait()
        return ask(sessions, f"k{key}", now, caller=None)

    with ThreadPoolExecutor(10) as pool:
        asked = list(pool.map(work, range(50)))
    assert (asked.count(Asked.FILED), asked.count(Asked.ALREADY)) == (1, 49)
    _, request = the_one(sessions)
    with db.reading(sessions) as session:
        assert session.scalars(select(Request.id)).all() == [request.id]


def test_the_database_itself_refuses_a_second_open_one(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "k1", now)
    ask(sessions, "k2", now, number="+393331112204")
    with pytest.raises(IntegrityError), db.transaction(sessions) as session:
        session.scalars(select(CallBack).where(CallBack.e164 != NUMBER)).one().e164 = NUMBER
    with db.transaction(sessions) as session:
        cancel_call_back(session, NUMBER, by="phone", now=now)
    with db.transaction(sessions) as session:
        session.scalars(select(CallBack).where(CallBack.e164 != NUMBER)).one().e164 = NUMBER


def test_limits_of_a_day(sessions: db.Sessions, now: datetime) -> None:
    for key in range(2):
        assert ask(sessions, f"k{key}", now, number=f"+39333111220{key}") is Asked.FILED
    assert ask(sessions, "k3", now) is Asked.REFUSED
    with db.reading(sessions) as session:
        assert not may_ask(session, CALLER, limits=LIMITS, now=now)
        assert may_ask(session, None, limits=LIMITS, now=now)
        assert may_ask(session, CALLER, limits=LIMITS, now=now + timedelta(days=1))
    # One number is not called more often, whoever asks.
    for key in range(6, 9):
        assert ask(sessions, f"k{key}", now, caller=f"+39029091234{key}") is Asked.FILED
        with db.transaction(sessions) as session:
            cancel_call_back(session, NUMBER, by="phone", now=now)
    assert ask(sessions, "k9", now, caller="+390290912341") is Asked.REFUSED
    assert ask(sessions, "k10", now + timedelta(days=1), caller="+390290912341") is Asked.FILED


def test_the_longest_wait_comes_first(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "late", now)
    ask(sessions, "early", now, number="+393331112204", waiting_since=now - timedelta(hours=1))
    with db.reading(sessions) as session:
        assert [found.e164 for found in open_call_backs(session)] == ["+393331112204", NUMBER]


def test_tries_and_the_end_of_them(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "k1", now)
    names = []
    for at in (now + timedelta(minutes=10), None):
        with db.transaction(sessions) as session:
            (call_back,) = open_call_backs(session, lock=True)
            names.append(begin_attempt(session, call_back, known_by=now))
            note_failed_try(call_back, CallBackResult.BUSY, next_try_at=at)
    call_back, request = the_one(sessions)
    assert names == [f"call-back-{request.id}-1", f"call-back-{request.id}-2"]
    assert (call_back.state, call_back.not_reached) == (CallBackState.FAILED, 2)
    assert request.state is RequestState.RECEIVED
    assert isinstance(request.details, CallBackDetails)
    assert (request.details.tries, request.details.result) == (2, "busy")


def test_what_failed_on_our_side_is_no_try_in_vain(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "k1", now)
    with db.transaction(sessions) as session:
        (call_back,) = open_call_backs(session, lock=True)
        note_failed_try(call_back, CallBackResult.NO_OPERATOR, next_try_at=now)
    assert the_one(sessions)[0].not_reached == 0


def test_served_closes_the_request(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "k1", now)
    with db.transaction(sessions) as session:
        (call_back,) = open_call_backs(session, lock=True)
        note_served(session, call_back, CallBackResult.SERVED, now=now)
    call_back, request = the_one(sessions)
    assert (call_back.state, request.state) == (CallBackState.DONE, RequestState.DONE)


def test_cancelled_by_the_citizen(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "k1", now)
    with db.transaction(sessions) as session:
        (call_back,) = open_call_backs(session, lock=True)
        name = begin_attempt(session, call_back, known_by=now)
        assert cancel_call_back(session, NUMBER, by="phone", now=now)
        assert not cancel_call_back(session, NUMBER, by="phone", now=now)
    call_back, request = the_one(sessions)
    assert (call_back.state, request.state) == (CallBackState.CANCELLED, RequestState.REJECTED)
    with db.reading(sessions) as session:
        assert unwanted_attempts(session, [name, "call-back-99-1"]) == [name]
        assert open_call_back(session, NUMBER) is None


@pytest.mark.parametrize("state", [RequestState.IN_PROGRESS, RequestState.REJECTED])
def test_an_operator_who_takes_or_closes_the_request_cancels_it(
    sessions: db.Sessions, now: datetime, state: RequestState
) -> None:
    ask(sessions, "k1", now)
    with db.transaction(sessions) as session:
        change_state(session, session.scalars(select(Request)).one(), state, by="anna", now=now)
    with db.transaction(sessions) as session:
        close_settled(session, now=now)
    call_back, request = the_one(sessions)
    assert (call_back.state, request.state) == (CallBackState.CANCELLED, state)


@pytest.mark.parametrize(
    ("caller", "call", "minutes", "outcome", "settled"),
    [
        (NUMBER, "1795535213.4", 1, StayOutcome.ANSWERED, True),
        (NUMBER, "1795535213.4", -1, StayOutcome.ANSWERED, False),
        (NUMBER, "1795535213.4", 1, StayOutcome.ABANDONED, False),
        (NUMBER, "call-back-1-1;2", 1, StayOutcome.ANSWERED, False),
        (CALLER, "1795535213.4", 1, StayOutcome.ANSWERED, False),
    ],
)
def test_who_reaches_an_operator_meanwhile_is_not_called_back(
    sessions: db.Sessions,
    now: datetime,
    caller: str,
    call: str,
    minutes: int,
    outcome: StayOutcome,
    settled: bool,
) -> None:
    ask(sessions, "k1", now)
    at = now + timedelta(minutes=minutes)
    with db.transaction(sessions) as session:
        answered = at if outcome is StayOutcome.ANSWERED else None
        session.add(
            QueueStay(
                call_unique_id=call, caller_e164=caller, entered_at=at, outcome=outcome, answered_at=answered
            )
        )
    with db.transaction(sessions) as session:
        close_settled(session, now=now)
    call_back, request = the_one(sessions)
    assert (call_back.last_result is CallBackResult.SERVED_MEANWHILE) is settled
    assert (request.state is RequestState.DONE) is settled


def test_who_waits_in_the_queue_is_not_called_meanwhile(sessions: db.Sessions, now: datetime) -> None:
    ask(sessions, "k1", now)
    ask(sessions, "k2", now, number="+393331112204")
    with db.transaction(sessions) as session:
        hers, other = open_call_backs(session, lock=True)
        names = [begin_attempt(session, each, known_by=now) for each in (hers, other)]
        assert (on_the_line(session), unwanted_attempts(session, names)) == ([], [])
        # Left over from the call in which it was asked for; and the call-back's own call in the queue.
        session.add(
            QueueStay(
                call_unique_id="1.1",
                caller_e164=NUMBER,
                entered_at=now - timedelta(minutes=2),
                outcome=StayOutcome.WAITING,
            )
        )
        session.add(
            QueueStay(
                call_unique_id=names[0],
                caller_e164=NUMBER,
                entered_at=now + timedelta(minutes=1),
                outcome=StayOutcome.WAITING,
            )
        )
        session.flush()
        assert on_the_line(session) == []
        again = QueueStay(
            call_unique_id="2.1",
            caller_e164=NUMBER,
            entered_at=now + timedelta(minutes=2),
            outcome=StayOutcome.WAITING,
        )
        session.add(again)
        session.flush()
        assert (on_the_line(session), unwanted_attempts(session, names)) == ([hers.id], names[:1])
        # Who gives up is called back after all.
        again.outcome = StayOutcome.ABANDONED
        session.flush()
        assert (on_the_line(session), unwanted_attempts(session, names)) == ([], [])
        # A talk that has begun is not cut off by somebody else of the family who calls.
        again.outcome = StayOutcome.WAITING
        note_served(session, hers, CallBackResult.SERVED, now=now)
        session.flush()
        assert unwanted_attempts(session, names) == []


def test_a_spooled_wish_is_filed_once(
    sessions: db.Sessions, now: datetime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spool = Spool(tmp_path_factory.mktemp("home") / "spool")
    for _ in range(2):
        spool.put(CALL_BACK, "k1", order("k1", now), now=now)
        assert replay_spool(sessions, spool) == 1
    call_back, _ = the_one(sessions)
    assert (call_back.asked_at, call_back.waiting_since) == (now, now)


def test_what_is_spooled_beyond_the_limits_is_not_filed(
    sessions: db.Sessions, now: datetime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    spool = Spool(tmp_path_factory.mktemp("home") / "spool")
    spool.put(CALL_BACK, "k1", order("k1", now), now=now)
    assert replay_spool(sessions, spool, CallBackLimits(per_caller=0)) == 1
    with db.reading(sessions) as session:
        assert open_call_backs(session) == []
