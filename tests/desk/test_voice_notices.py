"""When landlines are called, how often, and what becomes of a notice; the calls themselves are live tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select

from desk import db
from desk.consents import Purpose, has_consent, stop_texts
from desk.models import Attempted, Consent, Message, MessageAttempt, MessageState
from desk.sms.limits import Limits
from desk.sms.outbox import write_message
from desk.sms.voice_notices import (
    CallingRules,
    begin_calls,
    called,
    lost_calls,
    note_heard,
    note_in_vain,
    note_refused,
)
from tests.desk.sending import agree, row

LANDLINE, OTHER, THIRD = "+390290912345", "+390290912346", "+390290912347"
LIMITS = Limits(time(21), time(8), 100, 3)
RULES = CallingRules(time(9), time(20), 2, LIMITS)
KNOWN = timedelta(seconds=5)
#: A working day at ten.
MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def write(
    sessions: db.Sessions, *numbers: str, template: str = "request_done", not_after: datetime | None = None
) -> Sequence[str]:
    with db.transaction(sessions) as session:
        return [
            write_message(
                session,
                to=number,
                template=template,
                values={"ref": "12345674"},
                language="it",
                request_id=None,
                now=MORNING,
                not_after=not_after,
            ).id
            for number in numbers
        ]


def begin(
    sessions: db.Sessions, now: datetime = MORNING, rules: CallingRules = RULES
) -> Sequence[tuple[str, str]]:
    with db.transaction(sessions) as session:
        return list(begin_calls(session, rules, now=now, known_by=now + KNOWN))


@pytest.mark.parametrize(
    ("when", "called"),
    [
        ("2026-11-24T08:59:59+01:00", False),
        ("2026-11-24T09:00:00+01:00", True),
        ("2026-11-24T19:59:59+01:00", True),
        ("2026-11-24T20:00:00+01:00", False),
        # A Saturday, Christmas, a summer evening.
        ("2026-11-28T10:00:00+01:00", False),
        ("2026-12-25T10:00:00+01:00", False),
        ("2026-07-01T19:59:00+02:00", True),
    ],
)
def test_landlines_are_called_at_decent_hours(when: str, called: bool) -> None:
    assert RULES.is_time(datetime.fromisoformat(when)) is called


def test_a_few_at_a_time_and_one_call_per_number(sessions: db.Sessions) -> None:
    agree(sessions, MORNING, LANDLINE, OTHER, THIRD)
    ids = write(sessions, LANDLINE, LANDLINE, OTHER, THIRD)
    begun = begin(sessions)
    assert len(begun) == 2
    assert len({number for _, number in begun}) == 2
    assert begin(sessions) == []
    states = [row(sessions, message).state for message in ids]
    assert states.count(MessageState.CALLING) == 2
    # One ends: another number is next.
    with db.transaction(sessions) as session:
        note_heard(session, begun[0][0], now=MORNING)
    (third,) = begin(sessions)
    assert third[1] not in {begun[1][1]}


def test_nobody_is_called_who_may_not_be(sessions: db.Sessions) -> None:
    swiss, premium = "+41446681800", "+39899123456"
    agree(sessions, MORNING, LANDLINE, swiss, premium)
    foreign, dear = write(sessions, swiss, premium)
    (late,) = write(sessions, LANDLINE, not_after=MORNING)
    (unsaid,) = write(sessions, LANDLINE, template="reply_done")
    (stopped,) = write(sessions, OTHER)
    assert begin(sessions) == []
    assert (row(sessions, foreign).state, row(sessions, foreign).failure) == (
        MessageState.FAILED,
        "voice: not an Italian number",
    )
    assert row(sessions, dear).state is MessageState.FAILED
    assert (row(sessions, late).state, row(sessions, late).failure) == (MessageState.FAILED, "too late")
    assert row(sessions, unsaid).failure == "voice: cannot be said"
    assert row(sessions, stopped).state is MessageState.NO_CONSENT
    (old,) = write(sessions, LANDLINE)
    assert begin(sessions, MORNING + timedelta(days=7)) == []
    assert row(sessions, old).failure == "voice: too late"


def test_on_trial_and_above_the_limit_of_a_number_nobody_is_called(sessions: db.Sessions) -> None:
    agree(sessions, MORNING, LANDLINE)
    (trial,) = write(sessions, LANDLINE)
    on_trial = CallingRules(time(9), time(20), 2, Limits(only_to=frozenset({OTHER})))
    assert begin(sessions, rules=on_trial) == []
    assert row(sessions, trial).state is MessageState.TRIAL
    for _ in range(LIMITS.a_number):
        write(sessions, LANDLINE)
        ((channel, _),) = begin(sessions)
        with db.transaction(sessions) as session:
            note_heard(session, channel, now=MORNING)
    (more,) = write(sessions, LANDLINE)
    assert begin(sessions) == []
    assert row(sessions, more).state is MessageState.VOICE_NOTICE
    assert row(sessions, more).not_before > MORNING


def test_each_try_has_a_name_of_its_own_and_a_late_word_of_an_old_one_changes_nothing(
    sessions: db.Sessions,
) -> None:
    agree(sessions, MORNING, LANDLINE)
    (message,) = write(sessions, LANDLINE)
    ((first, _),) = begin(sessions)
    later = MORNING + timedelta(hours=2)
    with db.transaction(sessions) as session:
        waiting = called(session, first)
        assert waiting
        note_in_vain(session, waiting, "busy", next_try_at=later, now=MORNING)
    assert begin(sessions) == []
    ((second, _),) = begin(sessions, later)
    assert first != second
    with db.transaction(sessions) as session:
        assert called(session, first) is None
        note_heard(session, first, now=later)
    assert row(sessions, message).state is MessageState.CALLING
    with db.transaction(sessions) as session:
        note_heard(session, second, now=later)
        # The dialplan's note of the same call comes after.
        assert called(session, second) is None
    found = row(sessions, message)
    assert (found.state, found.attempts, found.sent_at) == (MessageState.HEARD, 2, later)
    with db.reading(sessions) as session:
        tries = session.execute(select(MessageAttempt.outcome).order_by(MessageAttempt.id)).scalars().all()
        assert tries == [Attempted.FAILED, Attempted.ACCEPTED]


def test_a_call_that_asterisk_does_not_know_is_lost(sessions: db.Sessions) -> None:
    agree(sessions, MORNING, LANDLINE)
    write(sessions, LANDLINE)
    ((channel, _),) = begin(sessions)
    with db.transaction(sessions) as session:
        # Asterisk may not know of it yet.
        assert lost_calls(session, [], now=MORNING) == []
        assert lost_calls(session, [channel], now=MORNING + KNOWN) == []
        assert [lost.provider_id for lost in lost_calls(session, [], now=MORNING + KNOWN)] == [channel]


@pytest.mark.parametrize("heard", [False, True])
def test_9_withdraws_all_consent_of_the_number(sessions: db.Sessions, heard: bool) -> None:
    agree(sessions, MORNING, LANDLINE)
    (message,) = write(sessions, LANDLINE)
    ((channel, _),) = begin(sessions)
    with db.transaction(sessions) as session:
        if heard:
            note_heard(session, channel, now=MORNING)
        note_refused(session, channel, now=MORNING)
    expected = MessageState.HEARD if heard else MessageState.STOPPED
    assert row(sessions, message).state is expected
    with db.reading(sessions) as session:
        assert not any(has_consent(session, LANDLINE, purpose) for purpose in Purpose)
        assert set(session.scalars(select(Consent.withdrawn_how))) == {"phone keypad"}


def test_consent_that_was_withdrawn_while_it_waited_is_asked_for_again(sessions: db.Sessions) -> None:
    agree(sessions, MORNING, LANDLINE)
    (message,) = write(sessions, LANDLINE)
    with db.transaction(sessions) as session:
        stop_texts(session, e164=LANDLINE, how="counter", by="anna", now=MORNING)
    assert begin(sessions) == []
    assert row(sessions, message).state is MessageState.NO_CONSENT
    with db.reading(sessions) as session:
        assert session.scalars(select(Message.attempts)).all() == [0]
