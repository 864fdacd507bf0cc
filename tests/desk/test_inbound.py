"""Texts from citizens: STOP and START, the state of a request, messages for the operators."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from desk import db
from desk.consents import Purpose, give_consent, has_consent
from desk.models import Channel, InboundKind, InboundText, MessageDetails, Request, RequestState
from desk.preferences import remember_language
from desk.requests import change_state
from desk.sms.inbound import ANSWER_AGAIN, take_text, understand
from desk.sms.templates import segments

#: Giulia Colombo's mobile in the demo town, who agreed to receipts; somebody whom nobody knows.
GIULIA, STRANGER = "+393331112201", "+393339990001"


def take(
    sessions: db.Sessions, body: str, now: datetime, *, sender: str = GIULIA, provider_id: str = "SM1"
) -> str | None:
    with db.transaction(sessions) as session:
        return take_text(session, sender=sender, body=body, provider_id=provider_id, now=now)


def agreed(sessions: db.Sessions, number: str = GIULIA) -> set[Purpose]:
    with db.reading(sessions) as session:
        return {purpose for purpose in Purpose if has_consent(session, number, purpose)}


def only_request(sessions: db.Sessions) -> Request:
    with db.reading(sessions) as session:
        return session.scalars(select(Request)).one()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("STOP", InboundKind.STOP),
        (" stop. ", InboundKind.STOP),
        ("Stop SMS, grazie!", InboundKind.STOP),
        ("Arresto", InboundKind.STOP),
        ("BASTA messaggi", InboundKind.STOP),
        ("unsubscribe", InboundKind.STOP),
        ("stop al traffico in via Roma", InboundKind.MESSAGE),
        ("basta così", InboundKind.MESSAGE),
        ("Start", InboundKind.START),
        ("stato 7654 3210", InboundKind.STATUS),
        ("STATUS: 76543210", InboundKind.STATUS),
        ("STATO 123", InboundKind.MESSAGE),
        ("STATO", InboundKind.MESSAGE),
        ("il mio STATO 76543210", InboundKind.MESSAGE),
        ("", InboundKind.MESSAGE),
        ("☃", InboundKind.MESSAGE),
    ],
)
def test_what_a_text_means(body: str, kind: InboundKind) -> None:
    assert understand(body)[0] is kind


@given(st.text(max_size=40))
def test_every_text_means_something(body: str) -> None:
    kind, reference = understand(body)
    assert (reference is not None) is (kind is InboundKind.STATUS)


def test_stop_and_start(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        give_consent(
            session,
            e164=GIULIA,
            citizen_id=None,
            purpose=Purpose.NOTICES,
            text_version="1",
            how="counter",
            by="anna",
            now=now,
        )
    assert take(town, "Stop", now) is None
    assert agreed(town) == set()
    answer = take(town, "start", now, provider_id="SM2")
    assert answer is not None
    assert "STOP" in answer
    assert agreed(town) == set(Purpose)
    with db.reading(town) as session:
        assert session.scalars(select(Request)).all() == []


def test_start_from_a_number_that_never_agreed_is_for_receipts(town: db.Sessions, now: datetime) -> None:
    take(town, "START", now, sender=STRANGER)
    assert agreed(town, STRANGER) == {Purpose.RECEIPTS}


def test_a_message_is_filed_for_the_operators_with_its_citizen(town: db.Sessions, now: datetime) -> None:
    answer = take(town, "Il lampione di via Dante è spento", now)
    request = only_request(town)
    assert isinstance(request.details, MessageDetails)
    assert request.details.text == "Il lampione di via Dante è spento"
    assert (request.channel, request.contact_e164) == (Channel.SMS, GIULIA)
    assert request.citizen_id is not None
    assert answer is not None
    assert request.reference in answer


def test_the_same_text_delivered_twice_is_one_request_and_one_answer(
    town: db.Sessions, now: datetime
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(lambda _: take(town, "Buongiorno", now), range(4)))
    assert len(answers) == 1
    assert only_request(town).reference in str(answers.pop())


def test_two_machines_do_not_answer_each_other_for_ever(town: db.Sessions, now: datetime) -> None:
    assert take(town, "Sono in ferie", now)
    assert take(town, "Sono in ferie", now + timedelta(minutes=1), provider_id="SM2") is None
    with db.reading(town) as session:
        assert len(session.scalars(select(Request)).all()) == 2
    assert take(town, "Sono in ferie", now + ANSWER_AGAIN + timedelta(minutes=2), provider_id="SM3")


@pytest.mark.parametrize("sender", ["INFO", "4888", "+39029090101"])
def test_who_cannot_read_an_answer_gets_none(town: db.Sessions, now: datetime, sender: str) -> None:
    assert take(town, "Messaggio", now, sender=sender) is None
    with db.reading(town) as session:
        assert session.scalars(select(InboundText.sender)).one() == sender
        assert session.scalars(select(Request)).one()


def test_the_state_of_a_request_for_who_made_it_and_nobody_else(town: db.Sessions, now: datetime) -> None:
    take(town, "Buongiorno", now, sender=STRANGER)
    request = only_request(town)
    ask = f"STATO {request.reference[:4]} {request.reference[4:]}"

    def answer(at: datetime, number: str, sender: str = STRANGER) -> str:
        text = take(town, ask, at, sender=sender, provider_id=number)
        assert text is not None
        assert segments(text) == 1
        return text

    assert "ricevuta" in answer(now, "a")
    assert "non risulta" in answer(now, "b", GIULIA)
    assert "ritardo" in answer(now + timedelta(days=9), "c")
    with db.transaction(town) as session:
        for state in (RequestState.IN_PROGRESS, RequestState.DONE):
            change_state(session, session.get_one(Request, request.id), state, by="anna", now=now)
    assert "conclusa" in answer(now + timedelta(days=9), "d")
    with db.transaction(town) as session:
        remember_language(session, STRANGER, "en", now)
    assert "is done" in answer(now, "e")


def test_a_number_that_is_no_reference_has_no_request(town: db.Sessions, now: datetime) -> None:
    assert "non risulta" in str(take(town, "STATO 12345678", now))
