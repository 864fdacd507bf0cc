"""The dialog of courses, caller by caller."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ivr.conversation import Outcome
from ivr.courses import Enrolled, Refused, courses
from ivr.steps import prompt
from tests.ivr.answering import desk
from tests.ivr.decided_courses import REFERENCE, course
from tests.ivr.doubles import CITIZEN, DecidedDesk, Script, converse

CERAMICS, BORN = "3", "15031980"
ENROL, OTHER, AGAIN, NOTHING = "1", "2", "3", "-"


def call(town: DecidedDesk, *keys: str) -> Script:
    """A caller who presses these, each ``-`` a silence, and is through with it."""
    ending, line, _ = converse(courses(town), [key for group in keys for key in group])
    assert ending.outcome is Outcome.DONE
    return line


def transferred(town: DecidedDesk, *keys: str) -> Script:
    """A caller for whom a person takes over."""
    ending, line, _ = converse(courses(town), [key for group in keys for key in group])
    assert ending.outcome is Outcome.PERSON
    return line


def test_a_citizen_hears_a_course_and_enrols() -> None:
    town = desk()
    line = call(town, CERAMICS, ENROL, BORN, "1")
    assert town.courses.enrolled == [("ceramics", CITIZEN, False, True)]
    assert prompt("courses.left", left=3) in line.prompts
    assert line.prompts.count(prompt("certificate.reference", ref=REFERENCE)) == 2
    end = line.heard[line.heard.index("courses.enrolled") :]
    assert prompt("courses.fee", fee=Decimal("85.00")) in line.prompts[-5:]
    assert end[-3:] == ["payment.how", "payment.no_card", "certificate.sms_sent"]


def test_a_free_course_has_nothing_to_pay() -> None:
    line = call(desk(course=course(fee="0.00")), CERAMICS, ENROL, BORN, "1")
    assert "courses.free" in line.heard
    assert "payment.how" not in line.heard


def test_who_only_listens_is_not_enrolled() -> None:
    town = desk()
    line = call(town, CERAMICS, AGAIN, OTHER, "1", NOTHING)
    assert line.heard.count("courses.name.ceramics") == 2
    assert line.heard.count("courses.name.italian") == 1
    assert town.courses.enrolled == []


def test_a_full_course_has_a_waiting_list() -> None:
    town = desk(course=course(left=0, next_position=4), enrol=Enrolled(REFERENCE, 4))
    line = call(town, CERAMICS, ENROL, BORN, "1")
    assert town.courses.enrolled == [("ceramics", CITIZEN, True, True)]
    assert prompt("courses.full", position=4) in line.prompts
    assert prompt("courses.waiting", position=4) in line.prompts
    assert "payment.how" not in line.heard


def test_a_full_list_cannot_be_joined() -> None:
    line = call(desk(course=course(left=0, next_position=None)), CERAMICS, "1", NOTHING)
    assert "again.wrong" in line.heard
    assert "courses.enrol" not in line.heard
    assert "courses.wait" not in line.heard


def test_the_last_place_goes_while_the_caller_decides() -> None:
    town = desk(enrol=[Refused.FULL, Enrolled(REFERENCE, 1)])
    line = call(town, CERAMICS, ENROL, BORN, "1", "1")
    assert town.courses.enrolled == [("ceramics", CITIZEN, True, True)]
    assert prompt("courses.waiting", position=1) in line.prompts
    unwilling = desk(enrol=[Refused.FULL])
    call(unwilling, CERAMICS, ENROL, BORN, "1", "2")
    assert unwilling.courses.enrolled == []


def test_who_does_not_confirm_is_not_enrolled() -> None:
    town = desk()
    call(town, CERAMICS, ENROL, BORN, "2")
    assert town.courses.enrolled == []


@pytest.mark.parametrize("why", [Refused.LIST_FULL, Refused.ALREADY, Refused.CLOSED])
def test_the_caller_hears_why_not(why: Refused) -> None:
    assert call(desk(enrol=why), CERAMICS, ENROL, BORN, "1").heard[-1] == f"courses.refused.{why}"


def test_who_is_enrolled_already_is_told_before_anything_else_is_asked() -> None:
    line = call(desk(may_enrol=Refused.ALREADY), CERAMICS, ENROL, BORN)
    assert line.heard[-1] == "courses.refused.already"


@pytest.mark.parametrize(
    ("answers", "keys"),
    [
        ({"course": Refused.OUT_OF_REACH}, (CERAMICS,)),
        ({"may_enrol": Refused.OUT_OF_REACH}, (CERAMICS, ENROL, BORN)),
        ({"enrol": Refused.OUT_OF_REACH}, (CERAMICS, ENROL, BORN, "1")),
    ],
)
def test_without_the_database_no_place_is_promised_and_a_person_takes_over(
    answers: dict[str, object], keys: tuple[str, ...]
) -> None:
    line = transferred(desk(**answers), *keys)
    assert line.heard[-1] == "courses.refused.out_of_reach"
    assert "courses.enrolled" not in line.heard


def test_a_caller_without_name_and_number_reaches_a_person() -> None:
    transferred(desk(may_enrol=Refused.NOBODY), CERAMICS, ENROL, BORN)


def test_more_courses_than_keys_have_a_second_page() -> None:
    town = desk(courses=("a", "b", "c", "d", "e"))
    assert "courses.course.e" not in call(town, "1", NOTHING).heard
    town = desk(courses=("a", "b", "c", "d", "e"))
    assert "courses.name.e" in call(town, "4", "2", NOTHING).heard
