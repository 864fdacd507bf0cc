"""A citizen asks for a certificate, with everything that is said, filed and texted."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import select

from call_routing.trial.rtp import follow, read_sound
from desk.db import reading
from desk.models import CertificateDetails, Consent, MessageState, Purpose, RequestState
from tests.live.harness import OPEN, System, wait_until
from tests.live.people import BIRTH_FOR_SELF, CONFIRM, GIULIA, LUCA, ONE_COPY_NO_SMS

pytestmark = pytest.mark.live


def _details(system: System, caller: str) -> CertificateDetails:
    details = system.request(caller).details
    assert isinstance(details, CertificateDetails)
    return details


def _consents(system: System, caller: str) -> list[Consent]:
    with reading(system.database) as session:
        return list(session.scalars(select(Consent).where(Consent.e164 == caller)))


def _assert_never_logged(system: System, caller: str, secret: str) -> None:
    events = system.story(caller).events
    assert any(event.event == "answered" and event.detail.endswith(" keys") for event in events)
    assert not any(secret in event.detail for event in events)
    home = system.settings.home
    logs = [home / "agi.out", home / "asterisk.out", *(home / "asterisk" / "log").glob("*")]
    assert (home / "asterisk" / "log" / "messages.log") in logs
    for log in logs:
        if log.is_file():
            text = log.read_text(encoding="utf-8", errors="replace")
            assert secret not in text, log
            assert caller.removeprefix("+39") not in text, log


def test_by_birth_date_from_the_greeting_to_the_reference(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller)
    for prompt, keys in (
        ("welcome.greeting", "11"),
        ("certificate.notice", "1"),
        ("certificate.subject.intro", "1"),
        ("identify.birth_date", GIULIA.born),
        ("certificate.copies", "2"),
        ("certificate.delivery.intro", "1"),
        ("certificate.sms.intro", "1"),
    ):
        call.hear(town.prompt(prompt))
        call.press(keys)
    call.hear_all(
        [
            town.prompt("certificate.confirm.intro"),
            town.prompt("certificate.read_back.birth"),
            town.prompt("certificate.read_back.for_self"),
            *town.sentence("certificate.read_back.copies", copies=2),
            town.prompt("certificate.read_back.counter"),
        ]
    )
    assert town.requests(caller) == []
    call.press(CONFIRM)

    request = town.request(caller)
    reference = town.sentence("certificate.reference", ref=request.reference)
    call.hear_all(
        [
            town.prompt("certificate.filed"),
            *reference,
            town.prompt("certificate.again"),
            *reference,
            *town.sentence("certificate.ready", day=request.due_on),
            town.prompt("certificate.sms_sent"),
            town.prompt("more.intro"),
        ],
        timeout=60,
    )
    call.hang_up()

    details = _details(town, caller)
    assert (details.certificate, details.subject, details.copies) == ("birth", "self", 2)
    assert (details.delivery, details.stamp, details.fee) == ("counter", "free", "0")
    assert details.identified_by == "birth_date"
    assert request.citizen
    assert request.citizen.tax_code == GIULIA.tax_code
    assert request.channel == "phone"
    assert request.state is RequestState.RECEIVED
    assert [(period.state, period.by, period.ended_at) for period in request.periods] == [
        (RequestState.RECEIVED, "phone", None)
    ]
    # A Tuesday, and two working days.
    assert request.due_on == date(2026, 11, 26)
    (text,) = town.texts(caller)
    assert text.state is MessageState.CREATED
    assert text.request_id == request.id
    assert request.reference in text.body
    assert town.draft(caller) is None

    story = town.story(caller)
    assert request.call_id == story.id
    assert (story.outcome, story.last_node, story.language) == ("hung_up", "more", "it")
    assert [event.node for event in story.events if event.event == "entered"] == [
        "welcome",
        "main",
        "requests",
        "certificate.notice",
        "certificate.kind",
        "certificate.subject",
        "identify.birth_date",
        "certificate.copies",
        "certificate.delivery",
        "certificate.sms",
        "certificate.confirm",
        "certificate.filed",
        "more",
    ]
    (consent,) = _consents(town, caller)
    assert consent.purpose is Purpose.RECEIPTS
    assert (consent.text_version, consent.given_how) == ("phone-1", "phone")
    assert consent.given_by == story.unique_id
    assert consent.citizen_id == request.citizen_id
    assert (consent.given_at - datetime.fromisoformat(OPEN)).days == 0
    _assert_never_logged(town, caller, GIULIA.born)


def test_by_tax_code_from_an_unknown_number(town: System, caller: str) -> None:
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF)
    call.hear(town.prompt("identify.way.intro"))
    call.press("1")
    call.hear(town.prompt("identify.tax_code"))
    # Some press # at the end although the sixteenth key was enough.
    call.press(LUCA.tax_code_keys + "#")
    call.hear(town.prompt("certificate.copies"))
    call.press(ONE_COPY_NO_SMS + CONFIRM)
    request = town.request(caller)
    call.hear(town.prompt("certificate.filed"))
    call.hang_up()
    assert request.citizen
    assert request.citizen.tax_code == LUCA.tax_code
    assert _details(town, caller).identified_by == "tax_code"
    assert town.texts(caller) == []
    assert _consents(town, caller) == []
    _assert_never_logged(town, caller, LUCA.tax_code_keys)


def test_a_withheld_number_is_identified_but_neither_texted_nor_resumed(system: System) -> None:
    call = system.call(caller=None, keys=BIRTH_FOR_SELF + "1" + LUCA.tax_code_keys + "11")
    call.hear(system.prompt("certificate.confirm.intro"))
    call.hang_up()
    again = system.call(caller=None, keys="11*")
    again.hear(system.prompt("certificate.kind.intro"))
    assert not again.sound.has_heard(system.prompt("certificate.resume.intro"))
    again.press("11" + "1" + LUCA.tax_code_keys + "11" + CONFIRM)
    again.hear(system.prompt("certificate.filed"))
    again.hang_up()


def test_by_spoken_name_and_address(town: System, caller: str) -> None:
    words = town.prompt("hours.today")
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + "2")
    call.hear(town.prompt("identify.spoken"))
    recording = town.speak(call, words)
    call.hear(town.prompt("certificate.copies"))
    call.press(ONE_COPY_NO_SMS + CONFIRM)
    request = town.request(caller)
    call.hang_up()
    details = _details(town, caller)
    assert request.citizen is None
    assert details.identified_by == "spoken"
    # Asterisk wrote it under its own account; the console plays it under ours, and nobody else gets at it.
    assert details.identity_recording == recording
    assert not follow(read_sound(recording), [words])
    assert recording.stat().st_mode & 0o007 == 0 or recording.parent.stat().st_mode & 0o007 == 0


def test_for_somebody_else_delivered_at_home(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    words = town.prompt("hours.today")
    call = town.call(caller=caller, keys="1122")
    call.hear(town.prompt("certificate.subject_name"))
    recording = town.speak(call, words)
    call.hear(town.prompt("identify.birth_date"))
    call.press(GIULIA.born + "322")
    call.hear_all(town.prompt(f"certificate.read_back.{key}") for key in ("marriage", "for_other", "home"))
    call.press(CONFIRM)
    town.request(caller)
    call.hang_up()
    details = _details(town, caller)
    assert (details.certificate, details.subject, details.copies) == ("marriage", "other", 3)
    assert details.delivery == "home"
    assert details.subject_recording == recording
    assert not follow(read_sound(recording), [words])


@pytest.mark.parametrize(("key", "stamp", "fee"), [("1", "paid", "33.04"), ("2", "exempt", "0")])
def test_a_certificate_with_a_fee(town: System, caller: str, key: str, stamp: str, fee: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    kind = next(kind for kind in town.town.certificate_kinds if kind.code == "residence")
    per_copy = kind.stamp_duty + kind.secretary_fee
    call = town.call(caller=caller, keys="121")
    call.hear_all(town.sentence("certificate.stamp.intro", fee=per_copy))
    call.press(key + "1" + GIULIA.born + "212")
    call.hear_all(
        town.sentence("certificate.read_back.fee", fee=2 * per_copy)
        if stamp == "paid"
        else town.sentence("certificate.read_back.exempt")
    )
    call.press(CONFIRM)
    town.request(caller)
    call.hang_up()
    details = _details(town, caller)
    assert (details.certificate, details.stamp, details.fee) == ("residence", stamp, fee)


def test_who_has_consented_is_not_asked_again(town: System) -> None:
    # Luca's own number; he has agreed to receipts.
    caller = "+393331112203"
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + LUCA.born + "11")
    call.hear(town.prompt("certificate.confirm.intro"))
    call.press(CONFIRM)
    request = town.request(caller)
    call.hang_up()
    (text,) = town.texts(caller)
    assert request.reference in text.body
    assert "certificate.sms" not in {event.node for event in town.story(caller).events}


def test_everything_typed_ahead(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + GIULIA.born + "#" + ONE_COPY_NO_SMS + CONFIRM)
    request = town.request(caller)
    # The reference itself cannot be cut off by keys that were meant for something else.
    call.hear_all(town.sentence("certificate.reference", ref=request.reference))
    call.hang_up()
    assert not call.sound.has_heard(town.prompt("main.requests"))
    assert _details(town, caller).copies == 1


def test_no_at_the_read_back_begins_again_without_a_new_identification(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + GIULIA.born + ONE_COPY_NO_SMS)
    call.hear(town.prompt("certificate.confirm.intro"))
    call.press("2" + "1" + "31" + "212" + CONFIRM)
    town.request(caller)
    call.hang_up()
    details = _details(town, caller)
    assert (details.certificate, details.copies) == ("death", 2)


def test_english_is_remembered(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    first = town.call(caller=caller, keys="9")
    first.hear(town.prompt("main.requests", "en"))
    first.hang_up()
    call = town.call(caller=caller)
    call.hear(town.prompt("welcome.greeting", "en"))
    call.press(BIRTH_FOR_SELF + GIULIA.born + "11" + "1" + CONFIRM)
    request = town.request(caller)
    call.hear_all(town.sentence("certificate.reference", "en", ref=request.reference))
    call.hang_up()
    assert request.language == "en"
    (text,) = town.texts(caller)
    assert text.language == "en"
    assert town.story(caller, number=2).language == "en"


def test_opening_hours_are_told(town: System, caller: str) -> None:
    call = town.call(caller=caller, keys="31")
    tuesday = next(span for span in town.town.opening_hours if span.weekday == 1)
    call.hear_all(
        [
            town.prompt("hours.today"),
            *town.sentence("hours.span", opens=tuesday.opens, closes=tuesday.closes),
            town.prompt("hours.week"),
        ]
    )
    call.hang_up()
    wait_until(lambda: not town.calls(), "the line is free again")
