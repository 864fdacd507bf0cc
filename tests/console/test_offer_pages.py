"""Courses, rooms, certificates and offices in the console."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from desk.courses import EnrolmentOrder, enrol
from desk.db import Sessions, reading, transaction
from desk.demo import load_demo
from desk.models import (
    AppointmentService,
    CertificateKind,
    Course,
    CoursePlace,
    Enrolment,
    IdentifiedBy,
    Message,
    Office,
    PartOfDay,
    Request,
    RequestState,
    Role,
    Room,
    RoomBooking,
    RoomUse,
    TownChange,
)
from desk.rooms import RoomOrder, ask_for_room
from tests.conftest import DEMO_KEYRING
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in

COURSE = {
    "name_it": "Laboratorio di ceramica",
    "name_en": "Ceramics",
    "opens_day": "2026-11-01",
    "opens_time": "00:00",
    "closes_day": "2026-12-20",
    "closes_time": "12:00",
    "lesson_day": "2027-01-10",
    "lesson_time": "18:00",
    "fee": "85,00",
    "places": "1",
    "waiting_list": "5",
    "active": "yes",
}


@pytest.fixture
def town(sessions: Sessions, clock: Clock) -> Sessions:
    with transaction(sessions) as session:
        load_demo(session, DEMO_KEYRING, clock.now)
    return sessions


@pytest.fixture
def manager(client: FlaskClient, town: Sessions) -> FlaskClient:
    an_operator(town, "mara", Role.MANAGER)
    return sign_in(client, "mara")


def enrolled(sessions: Sessions, clock: Clock, citizen: int) -> int:
    with transaction(sessions) as session:
        order = EnrolmentOrder(
            course="ceramics",
            citizen_id=citizen,
            contact_e164="+393331112201",
            idempotency_key=f"e{citizen}",
            identified_by=IdentifiedBy.TAX_CODE,
            language="it",
            may_wait=True,
        )
        return enrol(session, order, now=clock.now).id


def asked(sessions: Sessions, clock: Clock, citizen: int) -> int:
    with transaction(sessions) as session:
        order = RoomOrder(
            room="civic_hall",
            purpose=RoomUse.OTHER,
            day=(clock.now + timedelta(days=10)).date(),
            part=PartOfDay.MORNING,
            citizen_id=citizen,
            contact_e164="+393331112201",
            idempotency_key=f"r{citizen}",
            identified_by=IdentifiedBy.TAX_CODE,
            language="it",
        )
        return ask_for_room(session, order, now=clock.now).id


def test_more_places_move_up_who_waits_and_withdrawing_does_too(
    manager: FlaskClient, town: Sessions, clock: Clock
) -> None:
    address = "/console/courses/ceramics"
    assert manager.post(address, data=COURSE).status_code == 303
    first, second, third = (enrolled(town, clock, citizen) for citizen in (1, 4, 8))
    assert manager.post(f"/console/courses/enrolments/{second}", data={"do": "confirm"}).status_code == 409
    for _ in range(2):
        assert manager.post(address, data={**COURSE, "places": "2"}).status_code == 303

    def placed() -> set[int]:
        with reading(town) as session:
            return set(session.scalars(select(CoursePlace.enrolment_id)))

    assert placed() == {first, second}
    assert manager.post(f"/console/courses/enrolments/{first}", data={"do": "withdraw"}).status_code == 303
    assert placed() == {second, third}
    assert manager.post(f"/console/courses/enrolments/{first}", data={"do": "withdraw"}).status_code == 409
    assert manager.post(f"/console/courses/enrolments/{second}", data={"do": "confirm"}).status_code == 303
    with reading(town) as session:
        assert session.get_one(Enrolment, second).request.state is RequestState.DONE
        changed = session.scalars(select(TownChange).order_by(TownChange.id)).all()
        assert [change.after["places"] for change in changed if change.after] == [1, 2]
        told = session.scalars(select(Message.template)).all()
    assert told.count("course_place") == 2
    page = manager.get(address).text
    assert "Brambilla Luca" in page
    assert "Confermato" in page


def test_a_course_is_added_and_what_is_wrong_is_said(manager: FlaskClient, town: Sessions) -> None:
    new = {**COURSE, "code": "chess", "name_it": "Scacchi"}
    for wrong, field in (
        ({"code": "Scacchi!"}, "code"),
        ({"code": "ceramics"}, "code"),
        ({"fee": "gratis"}, "fee"),
        ({"fee": "-1"}, "fee"),
        ({"fee": "1,005"}, "fee"),
        ({"places": "0"}, "places"),
        ({"closes_day": "2026-10-01"}, "closes_day"),
        ({"lesson_day": "31/02/2027"}, "lesson_day"),
    ):
        answer = manager.post("/console/courses/new", data={**new, **wrong})
        assert answer.status_code == 400, wrong
        assert f'id="{field}-error"' in answer.text
    assert manager.post("/console/courses/new", data=new).status_code == 303
    with reading(town) as session:
        course = session.get_one(Course, "chess")
    assert (course.fee, course.position) == (Decimal("85.00"), 5)
    # No text says its name yet.
    assert "Non al telefono" in manager.get("/console/courses").text


def test_one_of_two_gets_the_room_and_the_other_a_reason(
    manager: FlaskClient, town: Sessions, clock: Clock
) -> None:
    one, other = asked(town, clock, 1), asked(town, clock, 4)
    silent = manager.post(f"/console/rooms/requests/{other}", data={"do": "refuse"})
    assert silent.status_code == 400
    assert manager.post(f"/console/rooms/requests/{one}", data={"do": "approve"}).status_code == 303
    taken = manager.post(f"/console/rooms/requests/{other}", data={"do": "approve"})
    assert taken.status_code == 409
    assert "Già concessa ad altri" in taken.text
    form = {"do": "refuse", "reason": "Già occupata dalla banda"}
    assert manager.post(f"/console/rooms/requests/{other}", data=form).status_code == 303
    assert manager.post(f"/console/rooms/requests/{other}", data=form).status_code == 409
    assert "Già occupata dalla banda" in manager.get("/console/rooms").text
    with reading(town) as session:
        assert session.get_one(RoomBooking, other).decided_by == "mara"
        states = set(session.scalars(select(Request.state)))
    assert states == {RequestState.DONE, RequestState.REJECTED}


def test_a_room_changes_what_it_is_lent_for(manager: FlaskClient, town: Sessions) -> None:
    form = {
        "name_it": "Sala civica",
        "name_en": "Civic hall",
        "capacity": "50",
        "notice_days": "2",
        "horizon_days": "90",
        "active": "yes",
    }
    assert manager.post("/console/rooms/civic_hall", data=form).status_code == 400
    form |= {"for_marriage": "yes", "holidays_marriage": "yes", "for_other": "yes"}
    assert manager.post("/console/rooms/civic_hall", data=form).status_code == 303
    assert manager.post("/console/rooms/new", data={**form, "code": "attic"}).status_code == 303
    with reading(town) as session:
        for code in ("civic_hall", "attic"):
            room = session.get_one(Room, code)
            assert {each.purpose.value: each.on_holidays for each in room.purposes} == {
                "marriage": True,
                "other": False,
            }
            assert room.capacity == 50


def test_certificates_change_fee_and_place(manager: FlaskClient, town: Sessions) -> None:
    form = {
        "position": "1",
        "stamp_duty": "16",
        "secretary_fee": "0,60",
        "working_days": "4",
        "active": "yes",
    }
    address = "/console/certificates/citizenship"
    assert manager.post(address, data={**form, "position": "7"}).status_code == 400
    assert manager.post(address, data={**form, "civil_status": "yes"}).status_code == 400
    assert manager.post(address, data=form).status_code == 303
    with reading(town) as session:
        kinds = session.scalars(select(CertificateKind).order_by(CertificateKind.position)).all()
    assert [kind.code for kind in kinds][:2] == ["citizenship", "birth"]
    assert [kind.position for kind in kinds] == [1, 2, 3, 4, 5, 6]
    assert (kinds[0].secretary_fee, kinds[0].working_days) == (Decimal("0.60"), 4)


def test_offices_and_services_are_added(manager: FlaskClient, town: Sessions) -> None:
    office = {"new": "yes", "code": "taxes", "name_it": "Tributi", "name_en": "Taxes", "place": "Municipio"}
    assert manager.post("/console/offices", data=office).status_code == 303
    assert manager.post("/console/offices", data=office).status_code == 400
    renamed = {**office, "new": "", "name_it": "Ufficio tributi"}
    assert manager.post("/console/offices", data=renamed).status_code == 303
    service = {"new": "yes", "code": "tari", "office": "taxes", "name_it": "TARI", "name_en": "Waste tax"}
    assert manager.post("/console/offices/services", data={**service, "office": "no"}).status_code == 404
    assert manager.post("/console/offices/services", data=service).status_code == 303
    with reading(town) as session:
        assert session.get_one(Office, "taxes").name_it == "Ufficio tributi"
        added = session.get_one(AppointmentService, "tari")
    assert (added.active, added.position) == (False, 5)
    assert "Ufficio tributi" in manager.get("/console/offices").text
