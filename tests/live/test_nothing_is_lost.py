"""The AGI server dies, the database goes away: what a citizen confirmed or said is there all the same."""

from __future__ import annotations

import pytest

from call_routing.trial.rtp import follow, read_sound
from desk.models import CertificateDetails, MessageDetails
from tests.live.harness import Call, System, wait_until
from tests.live.people import BIRTH_FOR_SELF, CONFIRM, GIULIA, ONE_COPY_NO_SMS

pytestmark = pytest.mark.live


def _waiting(system: System) -> int:
    return len(list((system.settings.home / "spool" / "waiting").glob("*.json")))


def test_server_killed_in_the_middle_of_a_certificate(system: System, caller: str) -> None:
    back_office = system.phone("201", answer_after=0)
    system.give_number(caller, GIULIA.tax_code)
    call = system.call(caller=caller, keys=BIRTH_FOR_SELF + GIULIA.born)
    call.hear(system.prompt("certificate.copies"))
    system.kill_agi()
    call.hear(system.prompt("fallback.sorry"))
    back_office.answered()
    call.hang_up()
    system.start_agi()
    again = system.call(caller=caller, keys="11")
    again.hear(system.prompt("certificate.resume.intro"))
    again.press("1" + GIULIA.born + ONE_COPY_NO_SMS + CONFIRM)
    assert system.request(caller).citizen
    again.hang_up()


def _confirm_without_database(system: System, caller: str) -> Call:
    """A call up to the spooled confirmation; the database goes away after the read-back began."""
    system.give_number(caller, GIULIA.tax_code)
    call = system.call(caller=caller, keys=BIRTH_FOR_SELF + GIULIA.born + "21" + "1")
    call.hear(system.prompt("certificate.confirm.intro"))
    return call


def test_database_gone_at_confirmation(system: System, caller: str) -> None:
    call = _confirm_without_database(system, caller)
    with system.database_gone():
        call.press(CONFIRM)
        call.hear(system.prompt("certificate.spooled"))
        assert not call.sound.has_heard(system.prompt("certificate.filed"))
        assert _waiting(system) >= 1
        call.hang_up()
        wait_until(lambda: not system.calls(), "the line is free")
    assert system.requests(caller) == []
    with system.worker():
        request = system.request(caller)
        wait_until(lambda: _waiting(system) == 0, "the spool is empty")
    assert [found.id for found in system.requests(caller)] == [request.id]
    assert isinstance(request.details, CertificateDetails)
    assert (request.details.copies, request.details.identified_by) == (2, "birth_date")
    (text,) = system.texts(caller)
    assert request.reference in text.body
    assert system.draft(caller) is None


def test_who_calls_again_before_the_spool_is_filed_does_not_ask_twice(system: System, caller: str) -> None:
    call = _confirm_without_database(system, caller)
    with system.database_gone():
        call.press(CONFIRM)
        call.hear(system.prompt("certificate.spooled"))
        call.hang_up()
        wait_until(lambda: not system.calls(), "the line is free")
    # Her consent waits in the spool too, so she is asked once more.
    again = system.call(caller=caller, keys="111" + GIULIA.born + "1")
    again.hear(system.prompt("certificate.confirm.intro"))
    again.press(CONFIRM)
    request = system.request(caller)
    again.hang_up()
    with system.worker():
        wait_until(lambda: _waiting(system) == 0, "the spool is empty")
    assert [found.id for found in system.requests(caller)] == [request.id]
    assert [text.request_id for text in system.texts(caller)] == [request.id]


def test_database_gone_before_the_call(system: System, caller: str) -> None:
    system.give_number(caller, GIULIA.tax_code)
    words = system.prompt("hours.today")
    with system.database_gone():
        call = system.call(caller=caller, keys=BIRTH_FOR_SELF)
        # Nobody can be recognised now: an operator will see to it.
        call.hear(system.prompt("identify.spoken"))
        recording = system.speak(call, words)
        call.hear(system.prompt("certificate.copies"))
        call.press(ONE_COPY_NO_SMS + CONFIRM)
        call.hear(system.prompt("certificate.spooled"))
        call.hang_up()
        wait_until(lambda: not system.calls(), "the line is free")
    with system.worker():
        details = system.request(caller).details
    assert isinstance(details, CertificateDetails)
    assert details.identified_by == "spoken"
    assert details.identity_recording == recording
    assert not follow(read_sound(recording), [words])


def test_a_message_left_when_nobody_answers_is_filed(system: System, caller: str) -> None:
    back_office = system.phone("201")
    words = system.prompt("hours.today")
    call = system.call(caller=caller, keys="0")
    back_office.rings()
    call.hear(system.prompt("message.record"), timeout=60)
    recording = system.speak(call, words)
    call.hear(system.prompt("message.filed"))
    call.over()
    request = system.request(caller)
    assert isinstance(request.details, MessageDetails)
    assert request.details.recording == recording
    assert not follow(read_sound(recording), [words])
    wait_until(lambda: system.story(caller).outcome == "done", "the log says so")
    nodes = [event.node for event in system.story(caller).events if event.event == "entered"]
    offer = ["call_back.why", "call_back.offer"]
    assert nodes == ["welcome", "main", "person", *offer, "message.record", "message.filed"]
    assert request.call_id == system.story(caller).id


def test_a_message_left_without_the_server_is_filed_by_the_worker(system: System, caller: str) -> None:
    system.kill_agi()
    words = system.prompt("hours.today")
    call = system.call(caller=caller)
    call.hear(system.prompt("fallback.leave_message"), timeout=60)
    wait_until(lambda: any(system.settings.messages.glob("*.wav")), "the recording has begun", 30)
    call.say(words)
    call.press("#")
    call.hear(system.prompt("fallback.recorded"))
    call.over()
    assert system.requests(caller) == []
    with system.worker():
        request = system.request(caller)
        wait_until(lambda: not any(system.settings.messages.iterdir()), "its files are put away")
    assert isinstance(request.details, MessageDetails)
    assert request.details.recording
    assert not follow(read_sound(request.details.recording), [words])
    assert len(system.requests(caller)) == 1
