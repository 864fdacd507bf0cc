"""Keys that are wrong, missing, or ask for something to be said again; and who is not recognised."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivr.conversation import FIRST_KEY, SLOW
from tests.live.harness import System
from tests.live.people import BIRTH_FOR_SELF, GIULIA

pytestmark = pytest.mark.live

WRONG_DATE = "01011990"


def _happenings(town: System, caller: str, node: str) -> list[str]:
    return [event.event for event in town.story(caller).events if event.node == node]


def test_silence_at_a_menu_leads_to_a_person(system: System, caller: str) -> None:
    back_office = system.phone("201", answer_after=0)
    call = system.call(caller=caller, keys="111")
    intro = system.prompt("certificate.subject.intro")
    call.hear_all([intro, system.prompt("again.silence"), intro, system.prompt("person.failed")], timeout=90)
    back_office.answered()
    call.hang_up()
    assert _happenings(system, caller, "certificate.subject") == [
        "entered",
        "silence",
        "silence",
        "gave_up",
    ]
    assert system.story(caller).outcome == "operator"
    # Whoever is cut off after all of that can go on the next time.
    assert system.draft(caller)
    # And has more time: in that call already, and in the next one from the beginning.
    events = system.story(caller).events
    entered, first, second, *_ = (event.at for event in events if event.node == "certificate.subject")
    assert second - first > timedelta(seconds=SLOW * FIRST_KEY)
    again = system.call(caller=caller)
    again.hear(system.prompt("again.silence"), timeout=60)
    again.hang_up()
    main = [event.at for event in system.story(caller, number=2).events if event.node == "main"]
    assert main[1] - main[0] > timedelta(seconds=SLOW * FIRST_KEY)
    assert first > entered


def test_wrong_keys_lead_to_a_person(system: System, caller: str) -> None:
    back_office = system.phone("201", answer_after=0)
    call = system.call(caller=caller, keys="6")
    call.hear_all([system.prompt("again.wrong"), system.prompt("main.language")])
    call.press("7")
    call.hear(system.prompt("person.failed"))
    back_office.answered()
    call.hang_up()
    assert _happenings(system, caller, "main") == ["entered", "wrong", "wrong", "gave_up"]


def test_one_wrong_key_is_forgiven(town: System, caller: str) -> None:
    call = town.call(caller=caller, keys="8")
    call.hear(town.prompt("again.wrong"))
    call.press("31")
    call.hear(town.prompt("hours.today"))
    call.hang_up()


def test_star_says_it_again(town: System, caller: str) -> None:
    intro = town.prompt("certificate.kind.intro")
    call = town.call(caller=caller, keys="11*")
    call.hear(intro)
    call.press("*")
    call.hear_all([intro, intro])
    assert not call.sound.has_heard(town.prompt("again.wrong"))
    call.hang_up()
    assert _happenings(town, caller, "certificate.kind")[:3] == ["entered", "repeated", "repeated"]


def test_star_in_the_middle_of_digits_begins_them_again(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + "1503")
    call.press("*")
    call.hear(town.prompt("identify.birth_date"))
    call.press(GIULIA.born)
    call.hear(town.prompt("certificate.copies"))
    call.hang_up()


def test_no_such_date_is_no_wrong_identification(town: System, caller: str) -> None:
    town.give_number(caller, GIULIA.tax_code)
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + "31021980")
    call.hear(town.prompt("again.wrong"))
    call.press(GIULIA.born)
    call.hear(town.prompt("certificate.copies"))
    call.hang_up()
    assert "identify.no_match" not in {event.node for event in town.story(caller).events}


def test_zero_in_the_middle_of_a_certificate_reaches_the_back_office(system: System, caller: str) -> None:
    back_office = system.phone("201", answer_after=0)
    call = system.call(caller=caller, keys="1110")
    call.hear(system.prompt("person.transfer"))
    back_office.answered()
    call.hang_up()
    assert _happenings(system, caller, "certificate.subject")[-1] == "asked_for_person"


def test_three_wrong_identifications_lead_to_a_person_and_six_a_day_are_the_limit(
    system: System, caller: str
) -> None:
    back_office = system.phone("201", answer_after=0)
    system.give_number(caller, GIULIA.tax_code)
    wrong = f"{WRONG_DATE}3{WRONG_DATE}3{WRONG_DATE}"
    for number, keys in enumerate((BIRTH_FOR_SELF + wrong, "111" + wrong), 1):
        call = system.call(caller=caller, keys=keys)
        call.hear(system.prompt("person.not_identified"))
        back_office.device.wait_for("answered", 20, times=number)
        call.hang_up()
        assert system.story(caller, number=number).outcome == "operator"
    third = system.call(caller=caller, keys="111")
    third.hear(system.prompt("identify.spoken"))
    assert not third.sound.has_heard(system.prompt("identify.birth_date"))
    third.hang_up()
    # Another number is not held responsible.
    other = "+393335558888"
    system.give_number(other, GIULIA.tax_code)
    call = system.call(caller=other, keys=BIRTH_FOR_SELF + GIULIA.born)
    call.hear(system.prompt("certificate.copies"))
    call.hang_up()


def test_two_of_a_family_who_share_a_number_are_told_apart(town: System) -> None:
    # Sofia, not Marco.
    caller = "+39029090101"
    # No mobile phone: instead of an SMS a call is offered, and not wanted.
    call = town.call(caller=caller, keys=BIRTH_FOR_SELF + "21072004" + "11" + "2")
    call.hear(town.prompt("certificate.confirm.intro"))
    call.press("1")
    request = town.request(caller)
    call.hang_up()
    assert request.citizen
    assert request.citizen.first_name == "Sofia"
