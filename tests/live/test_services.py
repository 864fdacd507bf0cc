"""Services by keypad on real calls: information, where is my request, reports, notices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from desk.cli.noticing import render_notices
from desk.consents import Purpose, has_consent
from desk.db import reading, transaction
from desk.models import Consent, Email, Message, ReportDetails, Request
from desk.notices import set_notice, sound_of
from desk.requests import MessageOrder, file_message
from tests.live.harness import System, wait_until

pytestmark = pytest.mark.live

#: Has agreed to receive messages.
AGREED = "+393331112203"


def test_an_answer_is_heard_and_sent(system: System) -> None:
    call = system.call(caller=AGREED, keys="32")
    call.hear(system.prompt("answer.identity_card.first"))
    # A key skips the rest of the answer.
    call.press("1")
    call.hear(system.prompt("information.sent"))
    with reading(system.database) as session:
        message = session.scalars(select(Message)).one()
    assert (message.to_e164, message.template) == (AGREED, "info_identity_card")
    call.hang_up()


def test_texts_are_agreed_to_and_withdrawn_by_one_key(system: System, caller: str) -> None:
    def agrees() -> list[bool]:
        with reading(system.database) as session:
            return [has_consent(session, caller, purpose) for purpose in (Purpose.RECEIPTS, Purpose.NOTICES)]

    for number, (told, agreed) in enumerate((("given", [False, True]), ("withdrawn", [False, False])), 1):
        call = system.call(caller=caller)
        call.hear(system.prompt("welcome.greeting"))
        call.press("422")
        call.hear(system.prompt(f"sms.{told}"))
        # Told, asked whether that was all, and said goodbye to.
        call.over(timeout=60)
        assert "sms.changed" in [event.node for event in system.story(caller, number=number).events]
        assert agrees() == agreed
    # The proof of both stays.
    with reading(system.database) as session:
        (consent,) = session.scalars(select(Consent).where(Consent.e164 == caller)).all()
    assert consent.given_how == consent.withdrawn_how == "phone keypad"
    # A landline cannot be texted: it is called.
    landline = system.call(caller="+390290901234", keys="42")
    landline.hear(system.prompt("sms.by_voice"))
    landline.hang_up()


def test_where_is_my_request(system: System) -> None:
    order = MessageOrder(recording=Path("m.wav"), caller=AGREED, idempotency_key="m")
    with transaction(system.database) as session:
        reference = file_message(session, order, now=datetime.now(UTC)).reference
    owner = system.call(caller=AGREED, keys=f"13{reference}")
    owner.hear(system.prompt("where.received"))
    owner.hang_up()
    other = system.call(caller="+393331112204", keys=f"13{reference}")
    other.hear(system.prompt("find.last_digits"))
    other.press("2203")
    other.hear(system.prompt("where.received"))
    other.hang_up()


def test_a_report_is_recorded_checked_and_forwarded(system: System) -> None:
    long, short = system.prompt("report.message"), system.prompt("hours.today")

    def say_after_the_tone(words: Path, takes: int) -> None:
        files = system.settings.recordings
        wait_until(lambda: len(list(files.glob("*-report.*.wav"))) == takes, "the recording has begun", 40)
        call.say(words)
        call.press("#")

    call = system.call(caller=AGREED, keys="411")
    say_after_the_tone(short, 1)
    # What is too short is no report, and is not kept.
    say_after_the_tone(short, 2)
    call.hear(system.prompt("again.unheard"), timeout=40)
    wait_until(lambda: len(list(system.settings.recordings.glob("*-report.*.wav"))) == 1, "it is removed")
    say_after_the_tone(long, 2)
    call.hear(system.prompt("report.check.send"))
    call.press("11")
    call.hear(system.prompt("report.filed"))
    with reading(system.database) as session:
        request = session.scalars(select(Request)).one()
        mail = session.scalars(select(Email)).one()
    assert isinstance(request.details, ReportDetails)
    assert request.details.call_back
    assert request.details.seconds is not None
    assert request.details.seconds > 2
    assert request.details.message_recording is not None
    assert request.details.message_recording.exists()
    assert mail.to_address == "tecnico@comune.example"
    call.hang_up()


def test_a_notice_is_heard_before_the_welcome(system: System) -> None:
    now = datetime.now(UTC)
    with transaction(system.database) as session:
        notice = set_notice(
            session,
            texts={"it": "Oggi manca l'acqua in via Roma."},
            expires_at=now + timedelta(days=3),
            by="bruno",
            now=now,
        )
    render_notices(system.database, system.settings, now=now)
    sound = sound_of(system.settings, notice.id, "it")
    call = system.call()
    call.hear(sound)
    assert not call.sound.has_heard(system.prompt("welcome.greeting"))
    call.hear(system.prompt("welcome.greeting"))
    call.hang_up()
    wait_until(lambda: not system.calls(), "the line is free again")
