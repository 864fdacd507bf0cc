"""A landline is called and told what it cannot be texted, a few times at most, and never against its will."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from desk.consents import Purpose, give_consent, has_consent
from desk.db import reading, transaction
from desk.models import Message, MessageState
from desk.sms.outbox import write_message
from tests.live.harness import OPEN, PATIENCE, Call, System, Telephone, wait_until

pytestmark = pytest.mark.live

LANDLINE, NOT_ITALIAN = "+390290912345", "+41446681800"
#: How long the greeting may take until nobody has pressed anything.
PATIENT = 60.0
VALUES = {"ref": "12345674"}
#: An hour at which nobody is called.
NIGHT = "2026-11-24T21:30+01:00"


def _agree(system: System, *numbers: str) -> None:
    with transaction(system.database) as session:
        for number in numbers:
            give_consent(
                session,
                e164=number,
                citizen_id=None,
                purpose=Purpose.RECEIPTS,
                text_version="phone-voice-1",
                how="phone keypad",
                by="call 1",
                now=datetime.fromisoformat(OPEN),
            )


def _write(system: System, to: str = LANDLINE, language: str = "it") -> str:
    with transaction(system.database) as session:
        message = write_message(
            session,
            to=to,
            template="certificate_ready",
            values=VALUES,
            language=language,
            request_id=None,
            now=datetime.fromisoformat(OPEN),
        )
        assert message.state is MessageState.VOICE_NOTICE
        return message.id


def _message(system: System, message: str) -> Message:
    with reading(system.database) as session:
        return session.get_one(Message, message)


def _becomes(system: System, message: str, state: MessageState, **values: Any) -> None:
    def right() -> bool:
        found = _message(system, message)
        return found.state is state and all(getattr(found, name) == value for name, value in values.items())

    wait_until(right, f"the notice is {state} ({values})", PATIENT)


def _hears(system: System, citizen: Telephone, key: str, language: str = "it", **values: str) -> None:
    Call(citizen.device, citizen.sound).hear_all(system.sentence(key, language, **values))


def test_heard_by_who_presses_1_and_never_again_for_who_presses_9(system: System) -> None:
    _agree(system, LANDLINE)
    first = _write(system)
    citizen = system.citizen(answer_after=0.5)
    with system.worker(NIGHT):
        wait_until(lambda: "connected to Asterisk" in system.worker_output, "the worker has looked")
        wait_until(lambda: system.queue_now() is not None, "and again")
        assert citizen.events == []
    assert _message(system, first).state is MessageState.VOICE_NOTICE
    with system.worker():
        citizen.answered()
        _hears(system, citizen, "voice_notice.greeting")
        citizen.sound.press("1")
        _hears(system, citizen, "voice_notice.said.certificate_ready", **VALUES)
        _becomes(system, first, MessageState.HEARD, attempts=1, failure=None, route="voice")
        citizen.device.wait_for("ended", PATIENT)
        # In English, and this time there is enough of it.
        second = _write(system, language="en")
        citizen.device.wait_for("answered", PATIENCE, times=2)
        _hears(system, citizen, "voice_notice.greeting", "en")
        citizen.sound.press("9")
        _hears(system, citizen, "voice_notice.stopped", "en")
        _becomes(system, second, MessageState.STOPPED)
        third, foreign = _write(system), _write(system, NOT_ITALIAN)
        _becomes(system, third, MessageState.NO_CONSENT)
        _becomes(system, foreign, MessageState.FAILED, failure="voice: not an Italian number")
        wait_until(lambda: not any(system.settings.voice_notices.iterdir()), "the notes are put away")
    with reading(system.database) as session:
        assert not has_consent(session, LANDLINE, Purpose.RECEIPTS)
    assert citizen.events.count("answered") == 2
    assert LANDLINE.removeprefix("+39") not in system.worker_output + system.agi_output


def test_in_vain_it_is_tried_again_and_then_an_operator_sees_it(system: System) -> None:
    _agree(system, LANDLINE)
    notice = _write(system)
    busy = system.citizen(busy=True)
    with system.worker():
        busy.device.wait_for("refused", PATIENCE)
        _becomes(system, notice, MessageState.VOICE_NOTICE, attempts=1, failure="voice: busy")
        busy.device.close()
        mailbox = system.citizen(answer_after=0)
        mailbox.answered()
        mailbox.device.wait_for("ended", PATIENT)
        assert not mailbox.sound.has_heard(
            system.sentence("voice_notice.said.certificate_ready", **VALUES)[0]
        )
        mailbox.device.close()
        silent = system.citizen()
        silent.rings()
        wait_until(lambda: _message(system, notice).attempts == 3, "it is the last call", PATIENT)
        _becomes(system, notice, MessageState.FAILED, attempts=3, failure="voice: no_answer")


def test_the_server_is_down_and_the_worker_is_killed_in_mid_call(system: System) -> None:
    _agree(system, LANDLINE)
    notice = _write(system)
    system.kill_agi()
    citizen = system.citizen(answer_after=0)
    with system.worker() as worker:
        _hears(system, citizen, "voice_notice.broken")
        worker.kill()
        worker.wait()
        wait_until(lambda: not system.calls(), "the line is free")
    system.start_agi()
    with system.worker():
        citizen.device.wait_for("answered", PATIENCE, times=2)
        _hears(system, citizen, "voice_notice.greeting")
        citizen.sound.press("1")
        _becomes(system, notice, MessageState.HEARD, attempts=2)
