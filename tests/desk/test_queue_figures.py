"""The figures that estimates are made of, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from desk.call_backs import (
    CallBackLimits,
    CallBackOrder,
    ask_call_back,
    begin_attempt,
    open_call_backs,
)
from desk.db import Sessions, reading, transaction
from desk.models import CALL_BACK_CALL, QueueStay, StayOutcome
from desk.queue_figures import place_in_queue, recent_talks
from desk.queue_history import FOR_GOOD

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def stay(
    call: str, seconds_ago: float, outcome: StayOutcome, *, waited: float = 0, talked: float | None = None
) -> QueueStay:
    entered = NOW - timedelta(seconds=seconds_ago)
    answered = entered + timedelta(seconds=waited) if outcome is StayOutcome.ANSWERED else None
    return QueueStay(
        call_unique_id=call,
        entered_at=entered,
        outcome=outcome,
        answered_at=answered,
        ended_at=answered + timedelta(seconds=talked) if answered and talked is not None else None,
    )


def test_the_latest_conversations_that_are_over_count(sessions: Sessions) -> None:
    with transaction(sessions) as session:
        session.add_all(
            [
                stay("1", 900, StayOutcome.ANSWERED, waited=30, talked=100),
                stay("2", 800, StayOutcome.ANSWERED, waited=5, talked=60),
                stay("3", 700, StayOutcome.ANSWERED, talked=80),
                stay("4", 600, StayOutcome.ANSWERED),
                stay("5", 500, StayOutcome.ABANDONED),
                stay("6", 400, StayOutcome.WAITING),
            ]
        )
    with reading(sessions) as session:
        assert recent_talks(session, 2) == [80, 60]
        assert recent_talks(session, 50) == [80, 60, 100]


def test_the_place_is_behind_those_who_came_before_and_still_wait(sessions: Sessions) -> None:
    with transaction(sessions) as session:
        session.add_all(
            [
                # Left over from a day on which its end was lost.
                stay("old", FOR_GOOD.total_seconds() + 200, StayOutcome.WAITING),
                stay("1", 90, StayOutcome.ANSWERED, talked=10),
                stay("2", 80, StayOutcome.WAITING),
                stay("3", 70, StayOutcome.ABANDONED),
                stay("4", 60, StayOutcome.WAITING),
                stay("5", 50, StayOutcome.WAITING),
            ]
        )
    with reading(sessions) as session:
        places = {call: place_in_queue(session, call) for call in ("2", "4", "5", "1", "never")}
    assert places == {"2": 1, "4": 2, "5": 3, "1": None, "never": None}


def test_a_call_back_stands_where_its_citizen_stood(sessions: Sessions) -> None:
    """Its call came into the queue last, and is in front of whoever began to wait later."""
    limits = CallBackLimits()
    with transaction(sessions) as session:
        for number, seconds_ago in ((1, 200), (2, 100), (3, 300)):
            order = CallBackOrder(
                number=f"+39333000000{number}",
                waiting_since=NOW - timedelta(seconds=seconds_ago),
                idempotency_key=str(number),
            )
            ask_call_back(session, order, limits=limits, now=NOW)
        last, first, later = open_call_backs(session)
        for call_back in (last, first):
            begin_attempt(session, call_back, known_by=NOW)
        session.flush()
        assert first.channel_id
        assert last.channel_id
        session.add_all(
            [
                stay("1", 150, StayOutcome.WAITING),
                stay(first.channel_id, 2, StayOutcome.WAITING),
                # An operator has picked up this one.
                stay(last.channel_id, 2, StayOutcome.ANSWERED),
            ]
        )
        assert later.channel_id is None
    assert first.channel_id.startswith(CALL_BACK_CALL)
    with reading(sessions) as session:
        assert place_in_queue(session, "1") == 2
        # Came back from a transfer: nobody waits for longer but the call-back.
        session.add(stay("9", 500, StayOutcome.ANSWERED, talked=90))
        session.flush()
        assert place_in_queue(session, "9") is None
        assert place_in_queue(session, "9", since=NOW - timedelta(seconds=180)) == 2


def test_who_calls_again_has_the_place_of_the_call_back(sessions: Sessions) -> None:
    number = "+393330000001"
    with transaction(sessions) as session:
        order = CallBackOrder(number=number, waiting_since=NOW - timedelta(seconds=900), idempotency_key="1")
        ask_call_back(session, order, limits=CallBackLimits(), now=NOW - timedelta(seconds=800))
        (call_back,) = open_call_backs(session)
        begin_attempt(session, call_back, known_by=NOW)
        session.add_all([stay("1", 90, StayOutcome.WAITING), stay("2", 60, StayOutcome.WAITING)])
    with transaction(sessions) as session:
        # Before the queue has seen the new call; and nobody else has that place.
        assert place_in_queue(session, "3", number=number) == 1
        assert place_in_queue(session, "3", number="+393330000009") is None
        assert place_in_queue(session, "1") == 2
        again = stay("3", 30, StayOutcome.WAITING)
        again.caller_e164 = number
        session.add(again)
        session.flush()
        # Its call, that waits too, counts no more: one person stands in front of the others.
        places = [place_in_queue(session, call) for call in ("1", "2")]
        assert (places, place_in_queue(session, "3", number=number)) == ([2, 3], 1)
        again.outcome = StayOutcome.ABANDONED
        session.flush()
        assert [place_in_queue(session, call) for call in ("1", "2")] == [2, 3]
