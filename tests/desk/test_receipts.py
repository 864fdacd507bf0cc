"""Receipts: stored all, followed only forwards, whatever order they come in."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from desk import db
from desk.consents import Purpose, give_consent, has_consent
from desk.models import Consent, Message, MessageReceipt, MessageState
from desk.sms.outbox import write_message
from desk.sms.receipts import NO_RECEIPT_AFTER, STOPPED, note_receipt, settle_unreceipted

NUMBER = "+393330000001"


def a_message(sessions: db.Sessions, now: datetime, state: MessageState = MessageState.SENT) -> str:
    """The id of a message in that state, to a number that agreed to all messages."""
    with db.transaction(sessions) as session:
        for purpose in Purpose:
            give_consent(
                session,
                e164=NUMBER,
                citizen_id=None,
                purpose=purpose,
                text_version="1",
                how="phone",
                by="call 1",
                now=now,
            )
        message = write_message(
            session,
            to=NUMBER,
            template="certificate_receipt",
            values={"ref": "12345678", "day": "31/12/2026"},
            language="it",
            request_id=None,
            now=now,
        )
        message.state = state
        return message.id


def note(sessions: db.Sessions, message: str, status: str, now: datetime, error: str | None = None) -> bool:
    with db.transaction(sessions) as session:
        return note_receipt(session, message, status=status, error_code=error, provider_id="SM1", at=now)


def state(sessions: db.Sessions, message: str) -> MessageState:
    with db.reading(sessions) as session:
        return session.get_one(Message, message).state


@pytest.mark.parametrize(
    ("statuses", "end"),
    [
        (["queued", "sent", "delivered"], MessageState.DELIVERED),
        (["delivered", "sent", "queued"], MessageState.DELIVERED),
        (["sent", "sent"], MessageState.SENT),
        (["delivered", "undelivered", "failed"], MessageState.DELIVERED),
        (["undelivered", "delivered"], MessageState.UNDELIVERED),
        (["failed", "sent"], MessageState.FAILED),
        (["nonsense", "x" * 200], MessageState.SENT),
        (["read"], MessageState.DELIVERED),
    ],
)
def test_receipts_move_a_message_only_forwards_and_are_all_kept(
    sessions: db.Sessions, now: datetime, statuses: Sequence[str], end: MessageState
) -> None:
    message = a_message(sessions, now)
    for status in statuses:
        assert note(sessions, message, status, now)
    assert state(sessions, message) is end
    with db.reading(sessions) as session:
        kept = session.scalars(select(MessageReceipt.status).order_by(MessageReceipt.id)).all()
    assert kept == [status[:40] for status in statuses]


def test_a_receipt_can_beat_our_own_commit(sessions: db.Sessions, now: datetime) -> None:
    message = a_message(sessions, now, MessageState.SENDING)
    note(sessions, message, "queued", now)
    with db.reading(sessions) as session:
        row = session.get_one(Message, message)
    assert (row.state, row.provider_id, row.sent_at) == (MessageState.SENT, "SM1", now)
    note(sessions, message, "delivered", now)
    assert state(sessions, message) is MessageState.DELIVERED


@pytest.mark.parametrize("before", [MessageState.UNKNOWN, MessageState.CREATED, MessageState.NO_RECEIPT])
def test_a_receipt_ends_a_doubt(sessions: db.Sessions, now: datetime, before: MessageState) -> None:
    message = a_message(sessions, now, before)
    note(sessions, message, "delivered", now)
    assert state(sessions, message) is MessageState.DELIVERED


def test_unknown_ids_are_ignored(sessions: db.Sessions, now: datetime) -> None:
    assert not note(sessions, "nobody", "delivered", now)
    with db.reading(sessions) as session:
        assert session.scalars(select(MessageReceipt)).all() == []


def test_many_at_once_lose_nothing(sessions: db.Sessions, now: datetime) -> None:
    message = a_message(sessions, now, MessageState.SENDING)
    statuses = ["queued", "sent", "delivered", "sent"] * 4
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda status: note(sessions, message, status, now), statuses))
    assert state(sessions, message) is MessageState.DELIVERED
    with db.reading(sessions) as session:
        assert len(session.scalars(select(MessageReceipt)).all()) == len(statuses)


def test_stopped_in_the_callback_withdraws_every_consent(sessions: db.Sessions, now: datetime) -> None:
    message = a_message(sessions, now)
    note(sessions, message, "undelivered", now, STOPPED)
    assert state(sessions, message) is MessageState.STOPPED
    with db.reading(sessions) as session:
        assert not any(has_consent(session, NUMBER, purpose) for purpose in Purpose)
        proof = session.scalars(select(Consent)).all()
    assert {(row.withdrawn_at, row.withdrawn_how, row.withdrawn_by) for row in proof} == {
        (now, "SMS", "receipt 21610")
    }


def test_a_landline_found_by_the_provider_needs_a_voice(sessions: db.Sessions, now: datetime) -> None:
    message = a_message(sessions, now)
    note(sessions, message, "undelivered", now, "30006")
    assert state(sessions, message) is MessageState.VOICE_NOTICE


def test_no_receipt_becomes_a_state_and_a_late_one_is_followed(sessions: db.Sessions, now: datetime) -> None:
    waiting, delivered, without = (a_message(sessions, now, MessageState.SENDING) for _ in range(3))
    note(sessions, waiting, "queued", now)
    note(sessions, delivered, "delivered", now)
    with db.transaction(sessions) as session:
        # A route that gives no receipts.
        session.execute(update(Message).where(Message.id == without).values(state=MessageState.SENT))

    def settle(at: datetime) -> int:
        with db.transaction(sessions) as session:
            return settle_unreceipted(session, now=at)

    assert settle(now + NO_RECEIPT_AFTER - timedelta(seconds=1)) == 0
    assert settle(now + NO_RECEIPT_AFTER) == 1
    assert [state(sessions, message) for message in (waiting, delivered, without)] == [
        MessageState.NO_RECEIPT,
        MessageState.DELIVERED,
        MessageState.SENT,
    ]
    note(sessions, waiting, "sent", now)
    assert state(sessions, waiting) is MessageState.NO_RECEIPT
    note(sessions, waiting, "delivered", now)
    assert state(sessions, waiting) is MessageState.DELIVERED
