"""Lost calls on both databases: one item for each number, until the number was served."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from desk import db
from desk.call_backs import CallBackLimits, CallBackOrder, ask_call_back
from desk.call_log import end_call, start_call
from desk.hand_over import HandedOver, hand_over
from desk.lost_calls import SYSTEM, close_served, note_lost_calls
from desk.models import (
    Channel,
    LostCall,
    LostCallDetails,
    MessageDetails,
    OpenLostCall,
    QueueStay,
    Request,
    RequestKind,
    RequestPeriod,
    RequestState,
    RoutingRules,
    StayOutcome,
)
from desk.models.details import Closed
from desk.references import new_reference
from desk.requests import MessageOrder, change_state, file_message

NUMBER = "+393339998887"
ABANDONED, UNANSWERED, ANSWERED = StayOutcome.ABANDONED, StayOutcome.UNANSWERED, StayOutcome.ANSWERED


def stay(
    sessions: db.Sessions,
    call: str,
    entered: datetime,
    *,
    outcome: StayOutcome = ABANDONED,
    caller: str | None = NUMBER,
    seconds: int = 60,
) -> None:
    ended = entered + timedelta(seconds=seconds)
    with db.transaction(sessions) as session:
        session.add(
            QueueStay(
                call_unique_id=call,
                caller_e164=caller,
                entered_at=entered,
                outcome=outcome,
                ended_at=ended,
                answered_at=ended if outcome is ANSWERED else None,
                extension="201" if outcome is ANSWERED else None,
            )
        )


def look(sessions: db.Sessions, now: datetime) -> tuple[int, int]:
    """What the worker does: how many calls were lost, and how many items closed."""
    with db.transaction(sessions) as session:
        return note_lost_calls(session, now=now), close_served(session, now=now)


def items(sessions: db.Sessions) -> Sequence[Request]:
    with db.reading(sessions) as session:
        return session.scalars(
            select(Request).where(Request.kind == RequestKind.LOST_CALL).order_by(Request.id)
        ).all()


def details(request: Request) -> LostCallDetails:
    assert isinstance(request.details, LostCallDetails)
    return request.details


def test_a_caller_who_gave_up_is_an_item_and_repeats_are_counted_in(
    sessions: db.Sessions, now: datetime
) -> None:
    stay(sessions, "1.1", now, seconds=30)
    with db.transaction(sessions) as session:
        hand_over(session, HandedOver("1.1", now, "Cert. nascita"))
        hand_over(session, HandedOver("1.2", now, "Operatore"))
    assert look(sessions, now + timedelta(minutes=2)) == (1, 0)
    assert look(sessions, now + timedelta(minutes=3)) == (0, 0)
    stay(sessions, "1.2", now + timedelta(hours=1), outcome=UNANSWERED, seconds=95)
    assert look(sessions, now + timedelta(hours=2)) == (1, 0)
    (item,) = items(sessions)
    assert item.state is RequestState.RECEIVED
    assert item.contact_e164 == NUMBER
    assert details(item) == LostCallDetails(
        calls=2,
        first_at=now + timedelta(seconds=30),
        last_at=now + timedelta(hours=1, seconds=95),
        longest_wait=95,
        about=("Cert. nascita", "Operatore"),
    )


def test_who_gave_up_at_once_is_not_lost(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        session.add(RoutingRules(short_abandon_seconds=10))
    stay(sessions, "1.1", now, seconds=9)
    stay(sessions, "1.2", now, seconds=9, outcome=UNANSWERED, caller="+393330000001")
    stay(sessions, "1.3", now, seconds=10, caller="+393330000002")
    look(sessions, now + timedelta(minutes=1))
    assert [item.contact_e164 for item in items(sessions)] == ["+393330000001", "+393330000002"]


def test_who_left_a_message_is_not_lost(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        start_call(session, unique_id="1.1", caller=NUMBER, called=None, now=now)
        order = {"recording": "m.wav", "caller": NUMBER, "idempotency_key": "m", "call_unique_id": "1.1"}
        file_message(session, MessageOrder.model_validate(order), now=now)
    stay(sessions, "1.1", now, outcome=UNANSWERED)
    assert look(sessions, now + timedelta(minutes=2)) == (0, 0)


def test_who_waits_for_a_call_back_is_not_lost(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        order = CallBackOrder(number=NUMBER, waiting_since=now, idempotency_key="k")
        ask_call_back(session, order, limits=CallBackLimits(), now=now)
    # Gave up after having called again, and was content with the call-back.
    stay(sessions, "1.1", now + timedelta(minutes=1))
    stay(sessions, "1.2", now + timedelta(minutes=9), outcome=UNANSWERED)
    stay(sessions, "1.3", now + timedelta(minutes=1), caller="+393331112299")
    assert look(sessions, now + timedelta(minutes=20)) == (1, 0)
    assert [item.contact_e164 for item in items(sessions)] == ["+393331112299"]


def test_who_hung_up_while_being_put_through_is_lost(sessions: db.Sessions, now: datetime) -> None:
    for call, node in (("1.1", "person"), ("1.2", "main")):
        with db.transaction(sessions) as session:
            start_call(session, unique_id=call, caller=NUMBER, called=None, now=now)
            end_call(session, call, outcome="hung_up", language="en", last_node=node, now=now)
    assert look(sessions, now + timedelta(minutes=2)) == (1, 0)
    (item,) = items(sessions)
    assert (details(item).calls, details(item).longest_wait, item.language) == (1, 0, "en")


def test_a_withheld_number_is_counted_and_no_item(sessions: db.Sessions, now: datetime) -> None:
    stay(sessions, "1.1", now, caller=None)
    assert look(sessions, now + timedelta(minutes=2)) == (1, 0)
    assert items(sessions) == []
    with db.reading(sessions) as session:
        assert session.scalar(select(func.count()).select_from(LostCall)) == 1


def test_it_closes_itself_when_the_number_was_answered(sessions: db.Sessions, now: datetime) -> None:
    stay(sessions, "1.1", now)
    look(sessions, now + timedelta(minutes=2))
    # Another number, and an earlier call of this one, change nothing.
    stay(sessions, "1.2", now + timedelta(minutes=5), outcome=ANSWERED, caller="+393330000001")
    stay(sessions, "1.3", now - timedelta(hours=1), outcome=ANSWERED)
    assert look(sessions, now + timedelta(minutes=6)) == (0, 0)
    stay(sessions, "1.4", now + timedelta(minutes=7), outcome=ANSWERED)
    assert look(sessions, now + timedelta(minutes=9)) == (0, 1)
    (item,) = items(sessions)
    assert item.state is RequestState.DONE
    assert details(item).closed is Closed.CALLED_AGAIN
    with db.reading(sessions) as session:
        periods = session.scalars(select(RequestPeriod).order_by(RequestPeriod.id)).all()
    assert [(period.state, period.by, period.ended_at) for period in periods] == [
        (RequestState.RECEIVED, "phone", now + timedelta(minutes=9)),
        (RequestState.DONE, SYSTEM, None),
    ]
    # The next lost call is a new item.
    stay(sessions, "1.5", now + timedelta(hours=1))
    look(sessions, now + timedelta(hours=2))
    assert [details(item).calls for item in items(sessions)] == [1, 1]


def test_who_was_answered_before_anybody_looked_is_no_item(sessions: db.Sessions, now: datetime) -> None:
    stay(sessions, "1.1", now)
    stay(sessions, "1.2", now + timedelta(minutes=5), outcome=ANSWERED)
    assert look(sessions, now + timedelta(minutes=9)) == (1, 0)
    assert items(sessions) == []


def test_it_closes_itself_when_the_number_was_called_back(sessions: db.Sessions, now: datetime) -> None:
    stay(sessions, "1.1", now)
    look(sessions, now + timedelta(minutes=2))
    with db.transaction(sessions) as session:
        called_back = now + timedelta(minutes=30)
        session.add(
            Request(
                reference=new_reference(),
                channel=Channel.PHONE,
                kind=RequestKind.CALL_BACK,
                details=MessageDetails(recording="unused"),
                contact_e164=NUMBER,
                state=RequestState.DONE,
                due_on=date(2026, 11, 24),
                filed_at=now,
                idempotency_key="back",
                language="it",
                periods=[RequestPeriod(state=RequestState.DONE, started_at=called_back, by="201")],
            )
        )
    # The calls that we place for it are nobody's lost calls, and reach nobody by themselves.
    stay(sessions, "call-back-7-1", now + timedelta(minutes=10))
    stay(sessions, "call-back-7-2", now + timedelta(minutes=20), outcome=ANSWERED)
    assert look(sessions, now + timedelta(minutes=31)) == (0, 1)
    assert details(items(sessions)[0]).closed is Closed.CALLED_BACK


def test_it_stays_until_an_operator_has_handled_it(sessions: db.Sessions, now: datetime) -> None:
    stay(sessions, "1.1", now)
    look(sessions, now + timedelta(minutes=2))
    (item,) = items(sessions)
    with db.transaction(sessions) as session:
        request = session.get_one(Request, item.id)
        change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=now)
    stay(sessions, "1.2", now + timedelta(minutes=5))
    look(sessions, now + timedelta(days=3))
    (item,) = items(sessions)
    assert (item.state, details(item).calls) == (RequestState.IN_PROGRESS, 2)
    with db.transaction(sessions) as session:
        request = session.get_one(Request, item.id)
        change_state(session, request, RequestState.DONE, by="anna", now=now)
    stay(sessions, "1.3", now + timedelta(days=4))
    look(sessions, now + timedelta(days=5))
    assert [(item.state, details(item).calls) for item in items(sessions)] == [
        (RequestState.DONE, 2),
        (RequestState.RECEIVED, 1),
    ]
    with db.reading(sessions) as session:
        assert session.scalars(select(OpenLostCall.request_id)).all() == [items(sessions)[1].id]


@pytest.mark.parametrize("workers", [8])
def test_workers_that_look_at_the_same_moment_make_one_item(
    sessions: db.Sessions, now: datetime, workers: int
) -> None:
    for number in range(20):
        stay(sessions, f"1.{number}", now + timedelta(minutes=number), caller=f"+39333000000{number % 2}")
    together = threading.Barrier(workers)

    def work(_: int) -> int:
        together.wait()
        return look(sessions, now + timedelta(hours=1))[0]

    with ThreadPoolExecutor(workers) as pool:
        assert sum(pool.map(work, range(workers))) == 20
    assert [details(item).calls for item in items(sessions)] == [10, 10]
