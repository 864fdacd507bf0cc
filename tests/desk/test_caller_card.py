"""What an operator is shown of a call: little while it rings, all that helps afterwards, and audited."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import db
from desk.call_log import CallEnd, CallRecord, log_call
from desk.caller_card import caller_card, ringing_card
from desk.citizens import register_citizen
from desk.hand_over import Answer, HandedOver, hand_over
from desk.models import (
    Audit,
    Channel,
    LostCallDetails,
    MessageDetails,
    QueueStay,
    RequestDetails,
    RequestState,
    StayOutcome,
)
from desk.requests import change_state, file_request, request_by_reference
from desk.to_call_back import waiting_for_call

NUMBER, CALL = "+393331112201", "1795547114.0"


def citizen(session: Session, tax_code: str, first_name: str, now: datetime) -> int:
    return register_citizen(
        session,
        tax_code=tax_code,
        first_name=first_name,
        last_name="Colombo",
        birth_date=date(1980, 3, 15),
        address="Via Brasca 4",
        phone_numbers=[NUMBER],
        now=now,
    ).id


def a_call(session: Session, name: str, now: datetime, *, answered: int | None = None) -> None:
    end = CallEnd(outcome="operator", language="en", last_node="person", at=now)
    log_call(session, CallRecord(unique_id=name, caller=NUMBER, called="100", started_at=now, end=end))
    session.add(
        QueueStay(
            call_unique_id=name,
            caller_e164=NUMBER,
            entered_at=now,
            outcome=StayOutcome.WAITING if answered is None else StayOutcome.ANSWERED,
            answered_at=None if answered is None else now + timedelta(seconds=answered),
            extension=None if answered is None else "201",
        )
    )


def file(session: Session, key: str, now: datetime, citizen_id: int | None, details: RequestDetails) -> str:
    request, _ = file_request(
        session,
        details=details,
        channel=Channel.PHONE,
        citizen_id=citizen_id,
        contact_e164=NUMBER,
        working_days=1,
        idempotency_key=key,
        call_unique_id=None,
        language="it",
        now=now,
    )
    return request.reference


@pytest.fixture
def message() -> MessageDetails:
    return MessageDetails()


def test_nothing_says_who_it_is_while_it_rings(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        citizen(session, "CLMGLI80C55F205N", "Giulia", now)
        assert ringing_card(session, CALL, now=now) is None
        a_call(session, CALL, now)
        hand_over(session, HandedOver(CALL, now, "Cert. nascita [EN ID]", identified=True))
        card = ringing_card(session, CALL, now=now)
        assert card
        assert (card.number, card.summary, card.language) == (NUMBER, "Cert. nascita [EN ID]", "en")
        assert (card.waiting_since, card.waited) == (now, None)
        assert "Colombo" not in repr(card)
        assert session.scalars(select(Audit)).all() == []


def test_all_that_helps_once_somebody_talks_and_who_saw_it(
    sessions: db.Sessions, now: datetime, message: MessageDetails
) -> None:
    before = now - timedelta(days=6)
    with db.transaction(sessions) as session:
        giulia = citizen(session, "CLMGLI80C55F205N", "Giulia", now)
        a_call(session, "1.0", before, answered=30)
        hand_over(session, HandedOver("1.0", before, "Pagamento"))
        reference = file(session, "open", before, giulia, message)
        closed = file(session, "closed", before, giulia, message)
        done = request_by_reference(session, closed)
        assert done
        for state in (RequestState.IN_PROGRESS, RequestState.DONE):
            change_state(session, done, state, by="anna", now=now)
        a_call(session, CALL, now, answered=75)
        given = (Answer("main", "1"), Answer("certificate.kind", "1"))
        hand_over(
            session, HandedOver(CALL, now, "Cert. nascita", identified=True, citizen_id=giulia, answers=given)
        )
        card = caller_card(session, CALL, by="anna", now=now + timedelta(minutes=5))
        assert card
        assert card.ringing.waited == 75
        ((name, sure),) = [(known.name, known.sure) for known in card.citizens]
        assert (name, sure) == ("Giulia Colombo", True)
        assert card.answers == given
        ((open_reference, overdue),) = [(r.reference, r.overdue) for r in card.requests]
        assert (open_reference, overdue) == (reference, True)
        assert [(p.at, p.summary, p.extension) for p in card.past_calls] == [(before, "Pagamento", "201")]
        (look,) = session.scalars(select(Audit))
        assert (look.by, look.citizen_id, look.detail) == ("anna", giulia, "caller card")


def test_of_a_family_that_shares_a_number_nobody_is_picked(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        citizen(session, "CLMGLI80C55F205N", "Giulia", now)
        citizen(session, "CLMMRC77S02F205Q", "Marco", now)
        a_call(session, CALL, now)
        card = caller_card(session, CALL, by="anna", now=now)
        assert card
        assert [known.sure for known in card.citizens] == [False, False]
        assert card.appointments == ()
        (look,) = session.scalars(select(Audit))
        assert look.citizen_id is None
        assert caller_card(session, "9.9", by="anna", now=now) is None


def test_who_waits_for_a_call_of_ours(sessions: db.Sessions, now: datetime, message: MessageDetails) -> None:
    lost = LostCallDetails(calls=3, first_at=now, last_at=now, longest_wait=80, about=("Pratiche",))
    with db.transaction(sessions) as session:
        reference = file(session, "lost", now, None, lost)
        file(session, "message", now, None, message)
        (item,) = waiting_for_call(session)
        assert (item.reference, item.number, item.calls) == (reference, NUMBER, 3)
        assert (item.about, item.asked, item.taken) == (("Pratiche",), False, False)
