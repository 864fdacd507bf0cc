"""Courses of a call: on the demo town's database, and without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from agi_scripts.courses_desk import CoursesDesk
from agi_scripts.house import House
from desk.db import reading, transaction
from desk.models import Course, CourseDetails, Enrolment, Message
from desk.replay import replay_spool
from desk.settings import ROME
from ivr.courses import CourseDesk, CourseNow, Enrolled, Refused
from ivr.find_request import FoundRequest
from ivr.ports import IdentifiedBy, Identity
from ivr.steps import Recording
from tests.agi_scripts.conftest import DeskFor

#: Has agreed to messages; has not.
LUCA, PAOLO = "+393331112203", "+393331112204"
CERAMICS = "ceramics"
CITIZEN = Identity(IdentifiedBy.BIRTH_DATE, citizen_id=4)
SPOKEN = Identity(IdentifiedBy.SPOKEN, spoken=Recording(Path("/recordings/who.wav"), 4.0))


def enrol(
    courses: CoursesDesk, identity: Identity = CITIZEN, *, may_wait: bool = False
) -> Enrolled | Refused:
    return courses.enrol(CERAMICS, identity, may_wait=may_wait, sms=True)


def limit(house: House, **changes: object) -> None:
    with transaction(house.sessions) as session:
        course = session.get_one(Course, CERAMICS)
        for name, value in changes.items():
            setattr(course, name, value)
    # Read by the next question.
    house._town = None


#: What a caller gets from each method while the database is away.
AWAY: dict[str, tuple[Callable[[CoursesDesk], object], object]] = {
    "offered": (lambda courses: courses.offered()[-1:], ["photography"]),
    "about": (lambda courses: courses.about(CERAMICS), Refused.OUT_OF_REACH),
    "may_enrol": (lambda courses: courses.may_enrol(CERAMICS, CITIZEN), Refused.OUT_OF_REACH),
    "enrol": (enrol, Refused.OUT_OF_REACH),
}


def test_every_method_is_tried_without_a_database() -> None:
    methods = {name for name, _ in inspect.getmembers(CourseDesk, inspect.isfunction) if name[0] != "_"}
    assert set(AWAY) == methods


@pytest.mark.parametrize("name", AWAY)
def test_without_a_database_the_dialog_is_told_and_nothing_waits_in_the_spool(
    desk_for: DeskFor, house: House, tmp_path: Path, name: str
) -> None:
    method, expected = AWAY[name]
    courses = desk_for(PAOLO).courses
    assert house.town()
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    file.rename(away)
    assert method(courses) == expected
    away.rename(file)
    assert replay_spool(house.sessions, house.spool) == 0


def test_what_is_offered(desk_for: DeskFor, house: House) -> None:
    courses = desk_for(PAOLO).courses
    assert list(courses.offered()) == ["italian", "english", "ceramics", "photography"]
    begins = datetime(2027, 1, 7, 17, 0, tzinfo=ROME)
    assert courses.about(CERAMICS) == CourseNow(CERAMICS, begins, Decimal("85.00"), 10, 1)
    limit(house, active=False)
    assert courses.about(CERAMICS) is Refused.CLOSED
    assert enrol(courses) is Refused.CLOSED
    assert CERAMICS not in desk_for(PAOLO).courses.offered()


def test_a_course_without_texts_is_not_offered(
    desk_for: DeskFor, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction(house.sessions) as session:
        known = session.get_one(Course, CERAMICS)
        columns = {column.key: getattr(known, column.key) for column in Course.__table__.columns}
        session.add(Course(**{**columns, "code": "astrology"}))
    house._town = None
    assert "astrology" not in desk_for(PAOLO).courses.offered()
    assert "courses.course.astrology, courses.name.astrology" in caplog.text


def test_a_citizen_enrols_and_hears_of_it_everywhere(desk_for: DeskFor, house: House) -> None:
    desk = desk_for(LUCA)
    done = enrol(desk.courses)
    assert isinstance(done, Enrolled)
    assert done.position is None
    with reading(house.sessions) as session:
        enrolment = session.scalars(select(Enrolment)).one()
        request = enrolment.request
        message = session.scalars(select(Message)).one()
    assert (request.reference, request.citizen_id, request.contact_e164) == (done.reference, 4, LUCA)
    assert request.call_id is None or request.call_id > 0
    assert (message.template, message.to_e164) == ("course_place", LUCA)
    found = desk.filed.find_own(done.reference)
    assert isinstance(found, FoundRequest)
    assert found.owed == Decimal("85.00")
    assert enrol(desk.courses) is Refused.ALREADY
    assert desk.courses.may_enrol(CERAMICS, CITIZEN) is Refused.ALREADY
    assert desk.courses.may_enrol("english", CITIZEN) is None


def test_the_last_place_and_the_list(desk_for: DeskFor, house: House) -> None:
    limit(house, places=1, waiting_list=1)
    courses = desk_for(PAOLO).courses
    assert isinstance(enrol(courses), Enrolled)
    second, third = (Identity(IdentifiedBy.TAX_CODE, citizen_id=number) for number in (5, 6))
    assert enrol(courses, second) is Refused.FULL
    waiting = enrol(courses, second, may_wait=True)
    assert isinstance(waiting, Enrolled)
    assert waiting.position == 1
    assert enrol(courses, third, may_wait=True) is Refused.LIST_FULL
    about = courses.about(CERAMICS)
    assert isinstance(about, CourseNow)
    assert (about.left, about.next_position) == (0, None)


def test_an_unknown_caller_speaks_and_is_known_by_the_number(desk_for: DeskFor, house: House) -> None:
    withheld = desk_for(None).courses
    assert withheld.may_enrol(CERAMICS, SPOKEN) is Refused.NOBODY
    assert enrol(withheld, SPOKEN) is Refused.NOBODY
    assert isinstance(enrol(withheld, CITIZEN), Enrolled)
    assert isinstance(enrol(desk_for(PAOLO).courses, SPOKEN), Enrolled)
    with reading(house.sessions) as session:
        details = session.scalars(select(Enrolment).order_by(Enrolment.id.desc())).first()
        assert details is not None
        assert isinstance(details.request.details, CourseDetails)
        assert details.request.details.identity_recording == Path("/recordings/who.wav")


def test_consent_given_in_the_call_sends_the_receipt(desk_for: DeskFor, house: House) -> None:
    desk = desk_for(PAOLO)
    assert isinstance(enrol(desk.courses), Enrolled)
    desk.give_consent()
    done = desk.courses.enrol("english", CITIZEN, may_wait=False, sms=True)
    assert isinstance(done, Enrolled)
    with reading(house.sessions) as session:
        body = session.scalars(select(Message.body)).one()
    assert done.reference in body
