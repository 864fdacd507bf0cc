"""The dialog of appointments, caller by caller."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import pytest

from ivr.agenda import Answer, Slot
from ivr.appointments import appointments, parse_last_digits, parse_reference
from ivr.conversation import Outcome
from ivr.steps import prompt
from tests.ivr.answering import desk
from tests.ivr.decided_appointments import REFERENCE, ROME, at
from tests.ivr.doubles import CITIZEN, DecidedDesk, Script, converse

T = TypeVar("T")

BOOK, OWN, CARD = "1", "2", "4"
BORN = "15031980"


def call(town: DecidedDesk, *keys: str) -> Script:
    """A caller who presses these, each ``-`` a silence, and is through with it."""
    ending, line, _ = converse(appointments(town), [key for group in keys for key in group])
    assert ending.outcome is Outcome.DONE
    return line


def test_a_citizen_books_the_second_of_three() -> None:
    town = desk()
    line = call(town, BOOK, CARD, "2", BORN, "1")
    (slot, identity, sms) = town.appointments.booked[0]
    assert (slot, identity, sms) == (at(13, 15, 45), CITIZEN, True)
    assert prompt("appointments.when", day=slot.day, at=slot.at) in line.prompts
    assert line.prompts.count(prompt("appointments.reference_is", ref=REFERENCE)) == 2
    assert line.heard[-1] == "appointments.sms_sent"
    assert town.appointments.held is None


def test_later_times_and_another_week() -> None:
    town = desk()
    call(town, BOOK, CARD, "4", "9", "1", BORN, "1")
    assert town.appointments.asked == [
        None,
        datetime(2027, 1, 14, 9, 1, tzinfo=ROME),
        datetime(2027, 1, 18, tzinfo=ROME),
    ]


def test_slots_of_one_day_name_it_once() -> None:
    line = call(desk(free=[(at(12, 10), at(12, 10, 20))]), BOOK, CARD, "2", BORN, "1")
    assert line.heard.count("appointments.slot.on") == 1
    assert line.heard.count("appointments.slot.same_day") == 1


def test_who_looks_too_far_ahead_starts_again() -> None:
    town = desk(free=[(at(12, 10),), (), (at(12, 10),)])
    line = call(town, BOOK, CARD, "4", "1", BORN, "1")
    assert "appointments.no_later" in line.heard
    assert town.appointments.asked[-1] is None


def test_nothing_is_free() -> None:
    town = desk(free=[()])
    assert call(town, BOOK, CARD).heard[-1] == "appointments.none"


@pytest.mark.parametrize(
    ("answers", "keys"),
    [
        ({"hold": Answer.TAKEN}, (BOOK, CARD, "1", "2", BORN, "1")),
        ({"hold": [Answer.DONE, Answer.TAKEN]}, (BOOK, CARD, "1", BORN, "2", "1")),
        ({"book": Answer.TAKEN}, (BOOK, CARD, "1", BORN, "1", "2", "1")),
    ],
    ids=["when chosen", "while identifying", "at confirmation"],
)
def test_somebody_else_was_quicker(answers: dict[str, object], keys: tuple[str, ...]) -> None:
    town = desk(**answers)
    line = call(town, *keys)
    assert line.heard.count("appointments.taken") == 1
    # The birth date was typed once: nobody is asked again who they are.
    assert line.heard.count("identify.birth_date") == 1
    assert [slot for slot, *_ in town.appointments.booked] == [at(13, 15, 45)]


def test_another_time_at_the_read_back() -> None:
    town = desk()
    call(town, BOOK, CARD, "1", BORN, "2", "3", "1")
    assert [slot for slot, *_ in town.appointments.booked] == [at(14, 9)]


@pytest.mark.parametrize("answers", [{"may_book": Answer.TOO_MANY}, {"book": Answer.TOO_MANY}])
def test_who_has_enough_appointments_is_told(answers: dict[str, object]) -> None:
    town = desk(**answers)
    line = call(town, BOOK, CARD, "1", BORN, "1" if "book" in answers else "")
    assert line.heard[-1] == "appointments.too_many"
    assert town.appointments.booked == []


@pytest.mark.parametrize(
    ("answers", "keys"),
    [
        ({"free": [None]}, BOOK + CARD),
        ({"hold": Answer.OUT_OF_REACH}, BOOK + CARD + "1"),
        ({"may_book": Answer.OUT_OF_REACH}, BOOK + CARD + "1" + BORN),
        ({"may_book": Answer.NOBODY}, BOOK + CARD + "1" + BORN),
        ({"book": Answer.OUT_OF_REACH}, BOOK + CARD + "1" + BORN + "1"),
        ({"made_by": [None]}, OWN + "2" + BORN),
        ({"cancel": Answer.OUT_OF_REACH}, OWN + "1" + REFERENCE + "21"),
        ({"may_find": False}, OWN + "1"),
        ({"may_identify": [False, False]}, OWN + "2"),
    ],
)
def test_a_person_takes_over_and_nothing_stays_held(answers: dict[str, object], keys: str) -> None:
    town = desk(**answers)
    ending, line, _ = converse(appointments(town), keys)
    assert ending.outcome is Outcome.PERSON
    assert line.dialled
    assert town.appointments.held is None


@pytest.mark.parametrize("last", ["!", "0"])
def test_who_leaves_while_deciding_holds_nothing_any_more(last: str) -> None:
    town = desk()
    held: list[Slot | None] = []
    release = town.appointments.release

    def note_and_release() -> None:
        held.append(town.appointments.held)
        release()

    town.appointments.release = note_and_release  # type: ignore[method-assign]
    converse(appointments(town), [*(BOOK + CARD + "1" + BORN), last])
    assert held == [at(12, 15, 45)]
    assert town.appointments.held is None


def test_moving_by_reference_from_the_own_number() -> None:
    town = desk()
    line = call(town, OWN, "1", REFERENCE, "1", "2", "1")
    ((appointment, slot),) = town.appointments.moved
    assert (appointment.reference, slot) == (REFERENCE, at(13, 15, 45))
    assert line.heard[-1] == "appointments.same_reference"
    assert town.appointments.tried == []


def test_moving_needs_another_try_when_somebody_was_quicker() -> None:
    town = desk(move=Answer.TAKEN)
    line = call(town, OWN, "1", REFERENCE, "1", "2", "1", "3", "2", "3", "1")
    assert "appointments.taken" in line.heard
    assert [slot for _, slot in town.appointments.moved] == [at(14, 9)]


def test_from_another_telephone_the_last_digits_are_asked() -> None:
    town = desk(own=[None, None], find=[None])
    line = call(town, OWN, "1", REFERENCE, "9999", REFERENCE, "2201", "2", "1")
    assert town.appointments.tried == [(REFERENCE, "9999"), (REFERENCE, "2201")]
    assert "appointments.not_found" in line.heard
    assert [appointment.reference for appointment in town.appointments.cancelled] == [REFERENCE]


def test_a_recognised_caller_hears_all_appointments_and_cancels_the_second() -> None:
    town = desk()
    line = call(town, OWN, "2", BORN, "3", "2", "1")
    assert line.heard.count("appointments.reference_is") == 2
    assert [appointment.key for appointment in town.appointments.cancelled] == [2]
    assert line.heard[-1] == "appointments.cancelled"


def test_who_only_listens_need_not_press_anything() -> None:
    town = desk()
    line = call(town, OWN, "2", BORN, "-", "-")
    assert line.heard.count("appointments.when") == 2
    assert (town.appointments.moved, town.appointments.cancelled) == ([], [])


def test_an_appointment_is_not_cancelled_by_mistake() -> None:
    town = desk()
    call(town, OWN, "1", REFERENCE, "2", "2")
    assert town.appointments.cancelled == []


def test_an_appointment_that_somebody_else_has_cancelled_meanwhile() -> None:
    for answers, keys in (({"cancel": Answer.GONE}, "21"), ({"move": Answer.GONE}, "111")):
        line = call(desk(**answers), OWN, "1", REFERENCE, keys)
        assert line.heard[-1] == "appointments.gone"


def test_no_appointments_in_that_name() -> None:
    assert call(desk(made_by=[()]), OWN, "2", BORN).heard[-1] == "appointments.you_have_none"


def test_what_is_told_of_a_citizen_is_not_told_to_a_voice() -> None:
    town = desk(known=False)
    line = call(town, OWN, "2", "7776722801033205", "-", "-")
    assert "identify.way.spoken" not in line.heard
    assert "appointments.when" in line.heard


def test_eight_and_four_digits() -> None:
    assert (parse_reference(REFERENCE), parse_reference("1234")) == (REFERENCE, None)
    assert (parse_last_digits("0123"), parse_last_digits("123")) == ("0123", None)
