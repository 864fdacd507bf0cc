"""Two routes: the first has everything while it is well, the other one takes over, and all workers agree."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from desk import db
from desk.models import Attempted, MessageAttempt, MessageState, SmsRoute
from desk.outbox import InDoubt, Undelivered
from desk.sms.by_mail import MailSender
from desk.sms.limits import Limits
from desk.sms.outbox import send_waiting
from desk.sms.routes import CALM, FEWEST_TRIES, Figures, pick, rebalance
from desk.sms.senders import Text
from tests.desk.sending import NUMBER, Sent, agree, row, write
from tests.desk.test_mail import Inbox, mail_server, mailer

LIMITS = Limits(a_number=1000)

shares = st.integers(0, 100).map(lambda share: {"first": share, "second": 100 - share})
figures = st.builds(
    lambda tries, share: Figures(tries, tries * share // 100), st.integers(0, 50), st.integers(0, 100)
)


@given(shares, figures, figures, st.booleans())
def test_shares_stay_whole_and_move_from_the_failing_to_the_well(
    before: dict[str, int], first: Figures, second: Figures, calm: bool
) -> None:
    after = rebalance(before, {"first": first, "second": second}, calm=calm)
    assert sum(after.values()) == 100
    assert all(0 <= share <= 100 for share in after.values())
    if first.failing and not second.failing:
        assert after["second"] >= before["second"]
        assert after["second"] > before["second"] or before["first"] == 0
    elif first.failing or not calm:
        # Away from one that fails, but not to another one that does.
        assert after["second"] <= before["second"]
    else:
        assert after["first"] >= before["first"]


@given(shares, st.uuids(), st.integers(1, 12))
def test_a_route_without_a_share_has_no_message(
    before: dict[str, int], message: object, attempt: int
) -> None:
    assert before[pick(before, str(message), attempt)] > 0


def test_messages_are_spread_as_the_shares_say() -> None:
    spread = Counter(pick({"first": 70, "second": 30}, f"m{n}", 1) for n in range(2000))
    assert 0.65 < spread["first"] / 2000 < 0.75


def shares_now(sessions: db.Sessions) -> dict[str, int]:
    with db.reading(sessions) as session:
        return {route.name: route.share for route in session.scalars(select(SmsRoute))}


@pytest.mark.parametrize("failure", [Undelivered("busy"), InDoubt("time-out")])
def test_the_other_route_takes_over_and_gives_back(
    sessions: db.Sessions, now: datetime, failure: Exception
) -> None:
    agree(sessions, now)
    first, second = Sent(failure, name="first"), Sent(name="second")
    at = now

    def run(count: int, minutes: float = 1) -> None:
        nonlocal at
        at += timedelta(minutes=minutes)
        write(sessions, at, count)
        send_waiting(sessions, [first, second], now=at, limits=LIMITS)

    run(FEWEST_TRIES)
    assert shares_now(sessions) == {"first": 100, "second": 0}
    assert second.ids == []
    while shares_now(sessions)["first"]:
        run(4 * FEWEST_TRIES)
    assert second.ids
    # Another worker sees the same.
    tried = len(first.ids)
    write(sessions, at, 5)
    send_waiting(sessions, [first, second], now=at, limits=LIMITS)
    assert len(first.ids) == tried
    first.failure = None
    calm = CALM / timedelta(minutes=1)
    run(0, calm)
    assert shares_now(sessions) == {"first": 10, "second": 90}
    for _ in range(9):
        run(0, calm)
    assert shares_now(sessions) == {"first": 100, "second": 0}


def test_refused_messages_say_nothing_against_a_route(sessions: db.Sessions, now: datetime) -> None:
    agree(sessions, now)
    write(sessions, now, 20)
    first, second = Sent(Undelivered("no such number", final=True), name="first"), Sent(name="second")
    for minute in range(5):
        send_waiting(sessions, [first, second], now=now + timedelta(minutes=minute), limits=LIMITS)
    assert shares_now(sessions) == {"first": 100, "second": 0}
    with db.reading(sessions) as session:
        assert set(session.scalars(select(MessageAttempt.outcome))) == {Attempted.REFUSED}


def test_another_set_of_routes_begins_with_its_first_one(sessions: db.Sessions, now: datetime) -> None:
    agree(sessions, now)
    write(sessions, now)
    send_waiting(sessions, [Sent(name="a"), Sent(name="b")], now=now)
    third = Sent(name="c")
    write(sessions, now)
    send_waiting(sessions, [third, Sent(name="a")], now=now)
    assert shares_now(sessions) == {"c": 100, "a": 0}
    assert len(third.ids) == 1


class Gateway(Inbox):
    """Takes mails for the numbers in their addresses, or answers as told."""

    answer = "250 taken"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        await super().handle_DATA(server, session, envelope)
        if self.answer == "none":
            server.transport.abort()
        return self.answer


def by_mail(port: int) -> MailSender:
    return MailSender(mailer(port), "{number}@sms.example", "key 1")


def test_a_mail_to_the_gateway_is_a_message(sessions: db.Sessions, now: datetime) -> None:
    agree(sessions, now)
    (message,) = write(sessions, now)
    gateway = Gateway()
    with mail_server(gateway) as port:
        assert send_waiting(sessions, [by_mail(port)], now=now) == 1
    (mail,) = gateway.mails
    after = row(sessions, message)
    assert gateway.recipients == [f"{NUMBER.removeprefix('+')}@sms.example"]
    assert (mail["Subject"], mail.get_content().strip()) == ("key 1", after.body)
    assert (after.state, after.receipt_due_at) == (MessageState.SENT, None)


@pytest.mark.parametrize(
    ("answer", "error"), [("451 later", Undelivered), ("554 no", Undelivered), ("none", InDoubt)]
)
def test_what_the_gateway_answers_decides(now: datetime, answer: str, error: type[Exception]) -> None:
    gateway = Gateway()
    gateway.answer = answer
    with mail_server(gateway) as port, pytest.raises(error):
        by_mail(port).send(Text("m1", NUMBER, "ciao", now))
    assert len(gateway.mails) == 1


def test_a_number_that_the_gateway_refuses_is_not_tried_again(now: datetime) -> None:
    gateway = Gateway()
    gateway.refuse = "550 unknown"
    with mail_server(gateway) as port, pytest.raises(Undelivered) as caught:
        by_mail(port).send(Text("m1", NUMBER, "ciao", now))
    assert caught.value.final
