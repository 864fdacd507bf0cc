"""A person takes over: the phone shows what it is about, and goes on showing it on every phone after that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from desk.db import reading, transaction
from desk.hand_over import HandedOver, handed_over
from desk.models import QueueStay, StayOutcome
from tests.live.harness import OPEN, PATIENCE, Call, System, wait_until
from tests.live.people import GIULIA

pytestmark = pytest.mark.live


def kept(town: System, caller: str) -> HandedOver:
    """The record kept of the caller's last call."""
    call = town.story(caller)
    with reading(town.database) as session:
        found = handed_over(session, call.unique_id, now=datetime.now(UTC))
    assert found
    return found


def walk(town: System, call: Call, *steps: tuple[str, str], language: str = "it") -> None:
    """Press keys once the prompt before them has begun: a server's first call loses what comes sooner."""
    for prompt, keys in steps:
        call.hear_begin(town.prompt(prompt, language), timeout=2 * PATIENCE)
        call.press(keys)


def leave_at_the_subject(town: System, caller: str) -> None:
    """A certificate of birth, and then a person after all."""
    steps = (("main.language", "1"), ("requests.civil_status", "1"), ("certificate.kind.intro", "1"))
    walk(town, town.call(caller=caller), *steps, ("certificate.subject.intro", "0"))


def test_what_it_is_about_is_shown_and_kept(town: System, caller: str) -> None:
    phone = town.phone("201", answer_after=0)
    leave_at_the_subject(town, caller)
    phone.answered()
    assert phone.displays == [f"Cert. nascita {caller}"]
    record = kept(town, caller)
    assert record.summary == "Cert. nascita"
    assert [(answer.node, answer.answer) for answer in record.answers] == [
        ("main", "1"),
        ("requests", "1"),
        ("certificate.kind", "1"),
    ]
    assert record.draft_key
    assert not record.identified


def test_an_identified_citizen_who_speaks_english_is_shown_without_a_name(town: System, caller: str) -> None:
    phone = town.phone("201", answer_after=0)
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller)
    walk(town, call, ("main.language", "9"))
    steps = (
        ("main.requests", "1"),
        ("requests.civil_status", "1"),
        ("certificate.kind.intro", "1"),
        ("certificate.subject.intro", "1"),
        ("identify.birth_date", GIULIA.born),
        ("certificate.copies", "0"),
    )
    walk(town, call, *steps, language="en")
    phone.answered()
    assert phone.displays == [f"Cert. nascita [EN ID] {caller}"]
    record = kept(town, caller)
    assert record.identified
    assert GIULIA.born not in repr(record)


def test_a_withheld_number_stays_withheld_and_the_topic_is_shown(town: System) -> None:
    phone = town.phone("201", answer_after=0)
    town.call(caller=None, keys="30")
    phone.answered()
    assert phone.displays == ["Informazioni anonymous"]


def test_a_reference_number_that_was_typed_is_shown_on_the_next_phone_too(town: System, caller: str) -> None:
    phone, office = town.phone("201", answer_after=0), town.phone("301", answer_after=0)
    # Where is my request; its number, and three times wrong digits of the telephone number on it.
    call = town.call(caller=caller, keys="13")
    call.answered()
    call.press("123456741111" * 3)
    phone.device.wait_for("answered", 4 * PATIENCE)
    assert phone.displays == [f"Stato pratica 12345674 {caller}"]
    phone.hand_to("301")
    office.answered()
    assert office.displays == [f"Stato pratica 12345674 {caller}"]


def test_asked_before_the_next_phone_learns_what_it_is_about(town: System, caller: str) -> None:
    phone, office = town.phone("201", answer_after=0), town.phone("301", answer_after=0)
    leave_at_the_subject(town, caller)
    phone.answered()
    asking = town.call_from_phone("201", "301")
    office.answered()
    phone.hand_to("301", asked=asking.line.dialogs[-1])
    wait_until(lambda: f'"Cert. nascita" <sip:{caller}@' in office.device.messages, "the display is told")


def known_to(town: System, caller: str, extension: str) -> None:
    """That phone answered the caller yesterday."""
    yesterday = datetime.fromisoformat(OPEN) - timedelta(days=1)
    with transaction(town.database) as session:
        session.add(
            QueueStay(
                call_unique_id=f"1.{caller}",
                caller_e164=caller,
                entered_at=yesterday,
                answered_at=yesterday,
                ended_at=yesterday,
                outcome=StayOutcome.ANSWERED,
                extension=extension,
            )
        )


def ask_for_person(town: System, caller: str) -> Call:
    return town.call(caller=caller, keys="0")


def test_who_knows_the_caller_is_tried_first(town: System, caller: str) -> None:
    back_office, counter = town.phone("201", answer_after=0), town.phone("103", answer_after=0)
    known_to(town, caller, "103")
    ask_for_person(town, caller)
    counter.answered()
    assert back_office.events == []


def test_who_knows_the_caller_does_not_answer_the_back_office_does(town: System, caller: str) -> None:
    back_office, counter = town.phone("201", answer_after=0), town.phone("103")
    known_to(town, caller, "103")
    ask_for_person(town, caller)
    back_office.answered()
    assert counter.events[:2] == ["ringing", "cancelled"]


@pytest.mark.parametrize("why", ["talking", "not registered", "paused", "switched off by the town"])
def test_who_knows_the_caller_is_not_free(system: System, caller: str, why: str) -> None:
    town = system
    back_office = town.phone("201", answer_after=0)
    if why == "switched off by the town":
        town.change_rules(same_operator_days=0)
    if why in {"paused", "switched off by the town"}:
        counter = town.phone("103", answer_after=0)
    if why == "paused":
        # Of the desk's queue only: the phone's own queue would ring it.
        town.ask("queue pause member PJSIP/103 queue desk reason lunch")
    if why == "talking":
        counter = town.phone("103", answer_after=0)
        colleague = town.phone("104", answer_after=0)
        town.call_from_phone("103", "104")
        colleague.answered()
    known_to(town, caller, "103")
    ask_for_person(town, caller)
    back_office.answered()
    if why != "not registered":
        assert counter.events == []
