"""Courses and rooms over the telephone: a place, the last one, the list; a room free, asked for, taken."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import select

from desk.courses import position
from desk.db import reading, transaction
from desk.models import (
    Course,
    CourseDetails,
    Enrolment,
    Message,
    PartOfDay,
    Request,
    RoomBooking,
    RoomDetails,
)
from desk.rooms import approve
from tests.live.harness import OPEN, Call, System, wait_until

pytestmark = pytest.mark.live

GIULIA, LUCA = "+393331112201", "+393331112203"
BORN = {GIULIA: "15031980", LUCA: "30011965"}
#: From the main menu to the ceramics course, and on to the enrolment.
CERAMICS, ENROL = "433", "1"
#: From the main menu to the parts of Saturday 12 December, for 80 people: only one hall holds them.
THAT_SATURDAY = "44280#1212#"


def start(system: System, caller: str, keys: str) -> Call:
    """A call that presses ``keys`` once it was greeted: each goes to the question after the one before."""
    call = system.call(caller=caller)
    call.hear(system.prompt("welcome.greeting"))
    call.press(keys)
    return call


def places(system: System, number: int) -> None:
    with transaction(system.database) as session:
        session.get_one(Course, "ceramics").places = number


def positions(system: System) -> list[int | None]:
    """The positions on the waiting list of all who enrolled, in their order; ``None`` is a place."""
    with reading(system.database) as session:
        enrolments = session.scalars(select(Enrolment).order_by(Enrolment.id)).all()
        return [position(session, enrolment) for enrolment in enrolments]


def templates(system: System, caller: str) -> list[str]:
    return [message.template for message in system.texts(caller)]


def test_enrol_with_a_place_then_hear_what_is_owed(system: System) -> None:
    call = start(system, GIULIA, CERAMICS)
    call.hear(system.prompt("courses.name.ceramics"))
    call.hear(system.prompt("courses.left", left=10))
    call.press(f"{ENROL}{BORN[GIULIA]}1")
    call.hear(system.prompt("courses.enrolled"))
    call.hear(system.prompt("payment.how"), timeout=60)
    call.hang_up()
    request = system.request(GIULIA)
    assert request.kind == "course"
    assert request.citizen_id is not None
    assert positions(system) == [None]
    assert templates(system, GIULIA) == ["course_place"]

    call = start(system, GIULIA, f"14{request.reference}")
    call.hear_all(system.sentence("payment.owed", amount=85))
    call.hang_up()

    # Once its pagoPA notice is there, its number comes by SMS.
    notice = "301" + 15 * "4"
    with transaction(system.database) as session:
        details = session.get_one(Request, request.id).details
        assert isinstance(details, CourseDetails)
        session.get_one(Request, request.id).details = details.model_copy(update={"pagopa_notice": notice})
    call = start(system, GIULIA, f"14{request.reference}")
    call.hear_begin(system.prompt("payment.by_sms"), timeout=60)
    call.press("1")
    call.hear(system.prompt("information.sent"))
    call.hang_up()
    assert templates(system, GIULIA) == ["course_place", "payment_notice"]
    assert notice in system.texts(GIULIA)[-1].body


def test_the_last_place_goes_while_another_caller_decides_and_moves_up_later(system: System) -> None:
    places(system, 1)
    slow = start(system, GIULIA, f"{CERAMICS}{ENROL}{BORN[GIULIA]}")
    slow.hear(system.prompt("courses.confirm.place"))
    quick = start(system, LUCA, f"{CERAMICS}{ENROL}{BORN[LUCA]}1")
    quick.hear(system.prompt("courses.enrolled"))
    slow.press("1")
    slow.hear(system.prompt("courses.wait_instead.intro"))
    slow.press("1")
    slow.hear(system.prompt("courses.waiting", position=1))
    for call in (quick, slow):
        call.hang_up()
    assert positions(system) == [None, 1]
    assert templates(system, GIULIA) == ["course_waiting"]

    # Who calls next hears it before deciding, and who is enrolled is not enrolled again.
    next_one = start(system, LUCA, CERAMICS)
    next_one.hear(system.prompt("courses.full", position=2))
    next_one.press(f"1{BORN[LUCA]}")
    next_one.hear(system.prompt("courses.refused.already"))
    next_one.hang_up()


def test_a_room_is_free_then_asked_for_then_taken(system: System) -> None:
    # The key for going back leads from the number of people to what the room is for.
    call = start(system, GIULIA, "442#")
    call.hear(system.prompt("rooms.purpose.conference"))
    call.hang_up()
    nodes = [event.node for event in system.story(GIULIA).events if event.event == "entered"]
    assert nodes[-3:] == ["rooms", "rooms.people", "rooms"]

    call = start(system, GIULIA, THAT_SATURDAY)
    call.hear(system.prompt("rooms.part.morning.free"))
    call.press(f"1{BORN[GIULIA]}1")
    call.hear(system.prompt("rooms.filed"))
    call.hear(system.prompt("certificate.again"))
    call.hang_up()
    request = system.request(GIULIA)
    assert isinstance(request.details, RoomDetails)
    assert (request.details.day, request.details.part) == (date(2026, 12, 12), PartOfDay.MORNING)
    assert request.details.people == 80
    assert templates(system, GIULIA) == ["room_asked"]

    call = start(system, LUCA, THAT_SATURDAY)
    call.hear(system.prompt("rooms.part.morning.asked"))
    call.hear(system.prompt("rooms.part.afternoon.free"))
    call.hang_up()

    with transaction(system.database) as session:
        booking = session.scalars(select(RoomBooking)).one()
        approve(session, booking.id, by="anna", now=datetime.fromisoformat(OPEN))
    call = start(system, LUCA, THAT_SATURDAY)
    call.hear(system.prompt("rooms.part.morning.taken"))
    # Its key is none any more; the evening's is.
    call.press("1")
    call.hear(system.prompt("again.wrong"))
    call.press(f"3{BORN[LUCA]}1")
    call.hear(system.prompt("rooms.filed"))
    call.hang_up()
    assert system.request(LUCA).kind == "room"


def test_without_the_database_no_place_is_promised_and_a_room_is_asked_for_later(
    system: System,
) -> None:
    course = start(system, GIULIA, f"{CERAMICS}{ENROL}{BORN[GIULIA]}")
    course.hear(system.prompt("courses.confirm.place"))
    room = start(system, LUCA, f"{THAT_SATURDAY}2{BORN[LUCA]}")
    room.hear(system.prompt("rooms.confirm.intro"))
    with system.database_gone():
        course.press("1")
        course.hear(system.prompt("courses.refused.out_of_reach"))
        room.press("1")
        room.hear(system.prompt("certificate.spooled"))
    for call in (course, room):
        call.hang_up()
    with system.worker():
        wait_until(lambda: len(system.requests(LUCA)) == 1, "the room is asked for")
    assert system.requests(GIULIA) == []
    with reading(system.database) as session:
        assert session.scalars(select(Message.template)).all() == ["room_asked"]
        assert session.scalars(select(RoomBooking.part)).all() == [PartOfDay.AFTERNOON]
