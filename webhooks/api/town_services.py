"""Courses and rooms of the town on the web: the same places, waiting lists and rules as by telephone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from desk import courses, models, rooms
from desk.models import PartOfDay, RoomUse, Scope
from desk.settings import ROME
from webhooks.api.filing import ordered_by, shown, whose
from webhooks.api.operations import Asked, Operation
from webhooks.problems import (
    ALREADY_ENROLLED,
    COURSE_FULL,
    NOT_ENROLLED,
    NOT_IN_REGISTER,
    ROOM_TAKEN,
    UNKNOWN,
    Refused,
    wrong,
)
from webhooks.schemas import (
    Course,
    Courses,
    Enrolment,
    EnrolmentRequest,
    Enrolments,
    FiledRequest,
    LookUp,
    PartOfRoom,
    Room,
    RoomDay,
    RoomQuery,
    RoomRequest,
    Rooms,
)


def _courses(session: Session, _: None, asked: Asked) -> Courses:
    found = []
    for course in session.scalars(select(models.Course).order_by(models.Course.position)):
        try:
            there = courses.offer(session, course.code, now=asked.now)
        except courses.NotOpen:
            continue
        found.append(
            Course(
                code=course.code,
                name_it=course.name_it,
                name_en=course.name_en,
                first_lesson=there.first_lesson,
                fee=f"{there.fee:.2f}",
                left=there.left,
                next_position=there.next_position,
            )
        )
    return Courses(items=found)


def _enrol(session: Session, body: EnrolmentRequest, asked: Asked) -> Enrolment:
    order = courses.EnrolmentOrder(
        **ordered_by(session, body, asked),
        course=body.course,
        may_wait=body.may_wait,
    )
    try:
        enrolment = courses.enrol(session, order, now=asked.now)
    except courses.NotOpen as e:
        raise wrong("/course", "one cannot enrol in that now") from e
    except courses.AlreadyEnrolled as e:
        raise Refused(ALREADY_ENROLLED) from e
    except (courses.Full, courses.ListFull) as e:
        raise Refused(COURSE_FULL) from e
    return _shown(session, enrolment)


def _enrolments_of_citizen(session: Session, body: LookUp, _: Asked) -> Enrolments:
    who = whose(session, body.tax_code)
    return Enrolments(items=[_shown(session, enrolment) for enrolment in courses.enrolments_of(session, who)])


def _withdraw(session: Session, body: LookUp, asked: Asked) -> Enrolment:
    who = whose(session, body.tax_code)
    reference = asked.path["reference"]
    enrolment = next(
        (each for each in courses.enrolments_of(session, who) if each.request.reference == reference),
        None,
    )
    if enrolment is None:
        raise Refused(UNKNOWN)
    try:
        courses.withdraw(session, enrolment.id, by=models.Channel.WEB.value, now=asked.now)
    except courses.NotEnrolled as e:
        raise Refused(NOT_ENROLLED) from e
    return _shown(session, enrolment)


def _shown(session: Session, enrolment: models.Enrolment) -> Enrolment:
    state: Literal["placed", "waiting", "withdrawn"] = "waiting"
    if enrolment.cancelled_at is not None:
        state = "withdrawn"
    elif enrolment.placed_at is not None:
        state = "placed"
    return Enrolment(
        request=shown(enrolment.request),
        course=enrolment.course_code,
        state=state,
        position=courses.position(session, enrolment),
    )


def _rooms(session: Session, _: None, __: Asked) -> Rooms:
    return Rooms(
        items=[
            Room(
                code=room.code,
                name_it=room.name_it,
                name_en=room.name_en,
                capacity=room.capacity,
                purposes=sorted(lent.purpose.value for lent in room.purposes),
            )
            for room in _lent(session)
        ]
    )


def _standing(session: Session, query: RoomQuery, asked: Asked) -> RoomDay:
    if _room(session, asked.path["room"]) is None:
        raise Refused(UNKNOWN)
    parts = rooms.standing(session, asked.path["room"], query.day)
    return RoomDay(
        day=query.day,
        parts=[PartOfRoom(part=part.value, standing=standing.value) for part, standing in parts.items()],
    )


def _ask_for_room(session: Session, body: RoomRequest, asked: Asked) -> FiledRequest:
    _check(session, body, asked)
    order = rooms.RoomOrder(
        **ordered_by(session, body, asked),
        room=body.room,
        purpose=RoomUse(body.purpose),
        day=body.day,
        part=PartOfDay(body.part),
        people=body.people,
    )
    try:
        return shown(rooms.ask_for_room(session, order, now=asked.now).request)
    except rooms.RoomTaken as e:
        raise Refused(ROOM_TAKEN) from e


def _check(session: Session, body: RoomRequest, asked: Asked) -> None:
    """What the dialog checks before it offers anything."""
    room = _room(session, body.room)
    if room is None:
        raise wrong("/room", "there is no such room")
    lent = next((lent for lent in room.purposes if lent.purpose.value == body.purpose), None)
    if lent is None:
        raise wrong("/purpose", "the room is not lent for that")
    if body.people is not None and body.people > room.capacity:
        raise wrong("/people", "the room does not hold so many")
    why = rooms.unsuitable(
        body.day,
        today=asked.now.astimezone(ROME).date(),
        notice_days=room.notice_days,
        horizon_days=room.horizon_days,
        on_holidays=lent.on_holidays,
        closed=set(session.scalars(select(models.Closure.day))),
    )
    if why is not None:
        raise wrong("/day", f"the day cannot be asked for: {why}")


def _room(session: Session, code: str) -> models.Room | None:
    return next((room for room in _lent(session) if room.code == code), None)


def _lent(session: Session) -> Sequence[models.Room]:
    return session.scalars(
        select(models.Room)
        .where(models.Room.active)
        .order_by(models.Room.position)
        .options(selectinload(models.Room.purposes))
    ).all()


OPERATIONS = (
    Operation(
        name="list_courses",
        method="GET",
        path="/courses",
        summary="The courses in which one can enrol now, with the places left",
        scope=None,
        answer=Courses,
        handler=_courses,
    ),
    Operation(
        name="enrol",
        method="POST",
        path="/enrolments",
        summary="Enrol in a course, or wait for a place",
        scope=Scope.COURSES_WRITE,
        body=EnrolmentRequest,
        answer=Enrolment,
        status=201,
        changes=True,
        handler=_enrol,
        problems=(NOT_IN_REGISTER, ALREADY_ENROLLED, COURSE_FULL),
    ),
    Operation(
        name="look_up_enrolments",
        method="POST",
        path="/enrolments/look-up",
        summary="A citizen's enrolments of all channels, the newest first",
        scope=Scope.REQUESTS_READ,
        body=LookUp,
        answer=Enrolments,
        looks=True,
        handler=_enrolments_of_citizen,
    ),
    Operation(
        name="withdraw_enrolment",
        method="POST",
        path="/enrolments/{reference}/withdraw",
        summary="Withdraw an enrolment; who waits moves up",
        scope=Scope.COURSES_WRITE,
        body=LookUp,
        answer=Enrolment,
        changes=True,
        handler=_withdraw,
        problems=(UNKNOWN, NOT_ENROLLED),
    ),
    Operation(
        name="list_rooms",
        method="GET",
        path="/rooms",
        summary="The rooms of the town",
        scope=None,
        answer=Rooms,
        handler=_rooms,
    ),
    Operation(
        name="read_room_day",
        method="GET",
        path="/rooms/{room}/day",
        summary="How a room stands on a day",
        scope=None,
        query=RoomQuery,
        answer=RoomDay,
        handler=_standing,
        problems=(UNKNOWN,),
    ),
    Operation(
        name="ask_for_room",
        method="POST",
        path="/room-requests",
        summary="Ask for a room; the office decides",
        scope=Scope.ROOMS_WRITE,
        body=RoomRequest,
        answer=FiledRequest,
        status=201,
        changes=True,
        handler=_ask_for_room,
        problems=(NOT_IN_REGISTER, ROOM_TAKEN),
    ),
)
