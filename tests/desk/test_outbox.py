"""The SMS outbox: sent once each, tried again where it helps, never sent in doubt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from desk import db
from desk.consents import Purpose, has_consent, stop_texts
from desk.models import Attempted, Message, MessageAttempt, MessageState
from desk.outbox import LOST_AFTER, InDoubt, Undelivered
from desk.settings import ROME, Settings
from desk.sms.limits import Limits, day_ends, sms_limits_of
from desk.sms.outbox import ASK_AGAIN, TRIES, send_waiting, write_message
from desk.sms.receipts import note_receipt
from desk.sms.senders import FileSender, Text
from tests.desk.conftest import NOW
from tests.desk.sending import NUMBER, VALUES, Sent, agree, row, write


@pytest.fixture(autouse=True)
def _agreed(request: pytest.FixtureRequest) -> None:
    if "sessions" in request.fixturenames:
        agree(request.getfixturevalue("sessions"), NOW)


def only(sessions: db.Sessions) -> Message:
    with db.reading(sessions) as session:
        return session.scalars(select(Message)).one()


def test_a_message_is_sent_once(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    sender = Sent()
    assert send_waiting(sessions, [sender], now=now) == 1
    assert send_waiting(sessions, [sender], now=now) == 0
    message = only(sessions)
    assert (message.state, message.sent_at) == (MessageState.SENT, now)
    assert message.provider_id == f"p-{message.id}"


def test_two_workers_send_nothing_twice(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now, 12)
    sender, limits = Sent(), Limits(a_number=12)
    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda _: send_waiting(sessions, [sender], now=now, limits=limits), range(4)))
    assert sent == len(sender.ids) == len(set(sender.ids)) == 12


def test_a_passing_failure_is_tried_again_later_and_not_for_ever(
    sessions: db.Sessions, now: datetime
) -> None:
    write(sessions, now)
    sender = Sent(Undelivered("busy"))
    assert send_waiting(sessions, [sender], now=now) == 0
    assert len(sender.ids) == 1
    assert only(sessions).state is MessageState.CREATED
    assert send_waiting(sessions, [sender], now=now + timedelta(seconds=59)) == 0
    assert len(sender.ids) == 1
    for day in range(1, 20):
        send_waiting(sessions, [sender], now=now + timedelta(days=day))
    assert len(sender.ids) == TRIES
    assert (only(sessions).state, only(sessions).failure) == (MessageState.FAILED, "busy")


def test_the_waits_between_tries_grow(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    sender, at, waits = Sent(Undelivered("busy")), now, []
    for _ in range(TRIES - 1):
        send_waiting(sessions, [sender], now=at)
        due = only(sessions).not_before
        waits.append((due - at) / timedelta(minutes=1))
        at = due
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


def test_a_worker_that_is_killed_while_sending_leaves_no_second_message(
    sessions: db.Sessions, now: datetime
) -> None:
    write(sessions, now, 2)

    class Killed(BaseException):
        pass

    dying, next_worker = Sent(Killed()), Sent()
    with pytest.raises(Killed):
        send_waiting(sessions, [dying], now=now)
    send_waiting(sessions, [next_worker], now=now)
    send_waiting(sessions, [next_worker], now=now + timedelta(hours=1))
    assert not set(dying.ids) & set(next_worker.ids)
    with db.reading(sessions) as session:
        states = {message.id: message.state for message in session.scalars(select(Message))}
    assert states == {dying.ids[0]: MessageState.UNKNOWN, next_worker.ids[0]: MessageState.SENT}


def test_a_final_failure_is_not_tried_again(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    sender = Sent(Undelivered("no such number", final=True))
    send_waiting(sessions, [sender], now=now)
    send_waiting(sessions, [sender], now=now + timedelta(days=1))
    assert len(sender.ids) == 1
    assert only(sessions).state is MessageState.FAILED


def test_the_file_is_asked_whether_a_message_got_into_it(
    sessions: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    inside, outside = write(sessions, now, 2)
    sender = FileSender(tmp_path / "sms.txt")
    sender.send(Text(inside, NUMBER, "x", now))
    with db.transaction(sessions) as session:
        session.execute(
            update(Message).values(
                state=MessageState.SENDING, claimed_at=now - timedelta(hours=1), route="file", attempts=1
            )
        )
    for _ in range(2):
        send_waiting(sessions, [sender], now=now)
    assert [row(sessions, message).state for message in (inside, outside)] == [MessageState.SENT] * 2
    text = (tmp_path / "sms.txt").read_text(encoding="utf-8")
    assert (text.count(inside), text.count(outside)) == (1, 1)


def test_the_file_sender_writes_for_the_owner_only(
    sessions: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    write(sessions, now)
    assert send_waiting(sessions, [FileSender(tmp_path / "sms.txt")], now=now) == 1
    assert (tmp_path / "sms.txt").stat().st_mode & 0o777 == 0o600
    assert VALUES["ref"] in (tmp_path / "sms.txt").read_text(encoding="utf-8")


def attempts(sessions: db.Sessions) -> list[tuple[str, Attempted]]:
    with db.reading(sessions) as session:
        found = session.scalars(select(MessageAttempt).order_by(MessageAttempt.id))
        return [(attempt.route, attempt.outcome) for attempt in found]


def test_every_try_is_kept_with_its_end(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    send_waiting(sessions, [Sent(Undelivered("busy"))], now=now)
    send_waiting(sessions, [Sent()], now=now + timedelta(minutes=1))
    assert attempts(sessions) == [("test", Attempted.FAILED), ("test", Attempted.ACCEPTED)]


# What is asked again at the moment of sending.


def test_consent_withdrawn_before_sending_stops_the_message(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now)
    with db.transaction(sessions) as session:
        stop_texts(session, e164=NUMBER, how="SMS", by="text 1", now=now)
    sender = Sent()
    send_waiting(sessions, [sender], now=now)
    assert sender.ids == []
    assert row(sessions, message).state is MessageState.NO_CONSENT


def test_what_nobody_agreed_to_is_not_sent(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now, to="+393330000002")
    sender = Sent()
    send_waiting(sessions, [sender], now=now)
    assert sender.ids == []
    assert row(sessions, message).state is MessageState.NO_CONSENT


def test_a_message_to_a_landline_is_a_voice_notice_at_once(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now, to="+39029090101")
    sender = Sent()
    send_waiting(sessions, [sender], now=now)
    assert sender.ids == []
    assert row(sessions, message).state is MessageState.VOICE_NOTICE


def test_what_comes_too_late_is_not_sent(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now, not_after=now + timedelta(hours=1))
    sender = Sent()
    send_waiting(sessions, [sender], now=now + timedelta(hours=1))
    assert sender.ids == []
    assert (row(sessions, message).state, row(sessions, message).failure) == (MessageState.FAILED, "too late")


def test_on_trial_only_the_listed_numbers_get_messages(sessions: db.Sessions, now: datetime) -> None:
    agree(sessions, now, "+393330000002")
    listed, other = write(sessions, now)[0], write(sessions, now, to="+393330000002")[0]
    sender = Sent()
    send_waiting(sessions, [sender], now=now, limits=Limits(only_to=frozenset({NUMBER})))
    assert sender.ids == [listed]
    assert row(sessions, other).state is MessageState.TRIAL


def test_the_limit_of_a_number_lets_the_rest_wait_until_tomorrow(
    sessions: db.Sessions, now: datetime
) -> None:
    agree(sessions, now, "+393330000002")
    write(sessions, now, 3)
    write(sessions, now, to="+393330000002")
    sender, limits = Sent(), Limits(a_number=2)
    assert send_waiting(sessions, [sender], now=now, limits=limits) == 3
    assert send_waiting(sessions, [sender], now=day_ends(now) - timedelta(seconds=1), limits=limits) == 0
    assert send_waiting(sessions, [sender], now=day_ends(now), limits=limits) == 1


def test_the_limit_of_a_day_lets_the_rest_wait_until_tomorrow(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now, 3)
    sender, limits = Sent(), Limits(a_day=2)
    assert send_waiting(sessions, [sender], now=now, limits=limits) == 2
    assert send_waiting(sessions, [sender], now=day_ends(now) - timedelta(seconds=1), limits=limits) == 0
    assert send_waiting(sessions, [sender], now=day_ends(now), limits=limits) == 1


def test_in_the_quiet_hours_only_answers_go_out(sessions: db.Sessions, now: datetime) -> None:
    night = now.replace(hour=22)
    answer, own = write(sessions, night, 2)
    with db.transaction(sessions) as session:
        session.execute(update(Message).where(Message.id == own).values(template="appointment_reminder"))
    sender = Sent()
    send_waiting(sessions, [sender], now=night)
    assert sender.ids == [answer]
    send_waiting(sessions, [sender], now=night + timedelta(hours=9))
    assert sender.ids == [answer, own]


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until", "quiet"),
    [(21, 8, [0, 7, 21, 23]), (1, 3, [1, 2]), (0, 0, [])],
)
def test_quiet_hours(quiet_from: int, quiet_until: int, quiet: list[int]) -> None:
    limits = Limits(time(quiet_from), time(quiet_until))
    found = [hour for hour in range(24) if limits.is_quiet(datetime(2026, 7, 1, hour, 30, tzinfo=ROME))]
    assert set(found) >= set(quiet)
    assert len(found) == (quiet_until - quiet_from) % 24


# In doubt: sent again only if the provider does not have it.


def test_no_answer_is_a_doubt_and_the_provider_is_asked(sessions: db.Sessions, now: datetime) -> None:
    taken, lost = write(sessions, now, 2)
    sender = Sent(InDoubt("time-out"), can_find=True)
    send_waiting(sessions, [sender], now=now)
    assert {row(sessions, message).state for message in (taken, lost)} == {MessageState.UNKNOWN}
    sender.failure, sender.has = None, [taken]
    # What was sent late may still arrive there.
    send_waiting(sessions, [sender], now=now + LOST_AFTER - timedelta(seconds=1))
    assert len(sender.ids) == 2
    send_waiting(sessions, [sender], now=now + LOST_AFTER)
    assert sorted(sender.ids) == sorted([taken, lost, lost])
    for message in (taken, lost):
        after = row(sessions, message)
        assert (after.state, after.provider_id) == (MessageState.SENT, f"p-{message}")


def test_who_cannot_be_asked_leaves_the_doubt(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now)
    sender = Sent(InDoubt("time-out"))
    for day in range(5):
        send_waiting(sessions, [sender], now=now + timedelta(days=day))
    assert sender.ids == [message]
    assert row(sessions, message).state is MessageState.UNKNOWN


def test_a_provider_that_does_not_answer_is_asked_again(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now)
    sender = Sent(InDoubt("time-out"), can_find=True)
    send_waiting(sessions, [sender], now=now)
    asked = []

    def not_now(text: Text) -> list[str]:
        asked.append(text.id)
        raise Undelivered("down")

    sender.find = not_now  # type: ignore[method-assign]
    for minutes in (10, 11, 15, 20):
        send_waiting(sessions, [sender], now=now + timedelta(minutes=minutes))
    assert len(asked) == 3
    assert timedelta(minutes=5) == ASK_AGAIN
    assert row(sessions, message).state is MessageState.UNKNOWN


def test_two_messages_of_the_same_words_are_told_apart(sessions: db.Sessions, now: datetime) -> None:
    both = write(sessions, now, 2)
    sender = Sent(InDoubt("time-out"), can_find=True)
    send_waiting(sessions, [sender], now=now)
    # It has one of them, and cannot say which.
    sender.failure, sender.find = None, lambda text: ["p-one"]  # type: ignore[method-assign]
    send_waiting(sessions, [sender], now=now + LOST_AFTER)
    assert len(sender.ids) == 3
    assert "p-one" in {row(sessions, message).provider_id for message in both}
    assert {row(sessions, message).state for message in both} == {MessageState.SENT}


def test_a_receipt_that_beats_our_commit_stays(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now)

    def delivered(text: Text) -> None:
        with db.transaction(sessions) as session:
            note_receipt(
                session, text.id, status="delivered", error_code=None, provider_id=f"p-{text.id}", at=now
            )

    sender = Sent()
    sender.meanwhile = delivered
    assert send_waiting(sessions, [sender], now=now) == 1
    assert row(sessions, message).state is MessageState.DELIVERED
    assert row(sessions, message).provider_id == f"p-{message}"


def test_a_receipt_ends_the_doubt_of_a_time_out(sessions: db.Sessions, now: datetime) -> None:
    (message,) = write(sessions, now)

    def accepted(text: Text) -> None:
        with db.transaction(sessions) as session:
            note_receipt(session, text.id, status="queued", error_code=None, provider_id="p", at=now)

    sender = Sent(InDoubt("time-out"))
    sender.meanwhile = accepted
    send_waiting(sessions, [sender], now=now)
    assert row(sessions, message).state is MessageState.SENT


def test_stopped_in_the_answer_withdraws_the_consent(sessions: db.Sessions, now: datetime) -> None:
    first, second = write(sessions, now, 2)
    sender = Sent(Undelivered("twilio: 400 21610", final=True, state=MessageState.STOPPED))
    send_waiting(sessions, [sender], now=now)
    states = {row(sessions, message).state for message in (first, second)}
    assert (len(sender.ids), states) == (1, {MessageState.STOPPED, MessageState.NO_CONSENT})
    with db.reading(sessions) as session:
        assert not any(has_consent(session, NUMBER, purpose) for purpose in Purpose)


def test_one_key_writes_one_message(sessions: db.Sessions, now: datetime) -> None:
    def once(_: int) -> str:
        with db.transaction(sessions) as session:
            return write_message(
                session,
                to=NUMBER,
                template="certificate_receipt",
                values=VALUES,
                language="it",
                request_id=None,
                now=now,
                key="k",
            ).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(once, range(8)))) == 1
    assert only(sessions).idempotency_key == "k"


def test_limits_as_they_are_set() -> None:
    limits = sms_limits_of(Settings(sms_trial_numbers="333 0000001, +393330000002", sms_quiet_from="20:30"))
    assert limits.only_to == {NUMBER, "+393330000002"}
    assert limits.is_quiet(datetime(2026, 7, 1, 20, 31, tzinfo=ROME))
    assert not limits.is_quiet(datetime(2026, 7, 1, 20, 29, tzinfo=ROME))
