"""Courses and rooms on the web."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from desk import db
from desk.models import Channel, Course, Message, Request, RequestKind, RoomBooking
from desk.rooms import approve
from tests.console.fixed import Clock
from tests.webhooks.api.conftest import GIULIA, GIULIAS_NUMBER, MARCO, Site, problem_of

ENROL = {"tax_code": GIULIA, "course": "ceramics", "contact": {"phone": GIULIAS_NUMBER}}
ROOM = {
    "tax_code": GIULIA,
    "room": "civic_hall",
    "purpose": "conference",
    "day": "2026-12-15",
    "part": "evening",
    "people": 30,
}


def test_a_course_is_offered_and_enrolled_in_once(site: Site, town: db.Sessions) -> None:
    course = next(item for item in site.get("/courses").get_json()["items"] if item["code"] == "ceramics")
    assert (course["fee"], course["left"]) == ("85.00", 10)
    answer = site.post("/enrolments", ENROL, "a")
    assert answer.status_code == 201
    assert (answer.get_json()["position"], answer.get_json()["request"]["owed"]) == (None, "85.00")
    assert site.post("/enrolments", ENROL, "a").data == answer.data
    assert problem_of(site.post("/enrolments", ENROL, "b")) == (409, "already-enrolled")
    with db.reading(town) as session:
        request = session.scalars(select(Request)).one()
        assert (request.kind, request.channel) == (RequestKind.COURSE, Channel.WEB)
        assert session.scalar(select(func.count()).select_from(Message)) == 1
    left = next(item for item in site.get("/courses").get_json()["items"] if item["code"] == "ceramics")
    assert left["left"] == 9


def test_a_full_course_has_a_waiting_list(site: Site, town: db.Sessions) -> None:
    with db.transaction(town) as session:
        session.execute(update(Course).where(Course.code == "ceramics").values(places=1, waiting_list=1))
    assert site.post("/enrolments", ENROL, "a").status_code == 201
    marco = ENROL | {"tax_code": MARCO}
    assert problem_of(site.post("/enrolments", marco, "b")) == (409, "course-full")
    assert site.post("/enrolments", marco | {"may_wait": True}, "c").get_json()["position"] == 1
    sofia = ENROL | {"tax_code": "CLMSFO04L61M052N", "may_wait": True}
    assert problem_of(site.post("/enrolments", sofia, "d")) == (409, "course-full")


def test_a_closed_course_is_not_offered(site: Site, town: db.Sessions) -> None:
    with db.transaction(town) as session:
        session.execute(update(Course).where(Course.code == "ceramics").values(active=False))
    assert "ceramics" not in [item["code"] for item in site.get("/courses").get_json()["items"]]
    assert problem_of(site.post("/enrolments", ENROL, "a")) == (422, "invalid")


def test_a_room_is_asked_for_and_given_once(site: Site, town: db.Sessions, clock: Clock) -> None:
    rooms = {item["code"]: item for item in site.get("/rooms").get_json()["items"]}
    assert rooms["civic_hall"]["purposes"] == ["conference", "other"]
    day = "/rooms/civic_hall/day?day=2026-12-15"

    def evening() -> str:
        parts = site.get(day).get_json()["parts"]
        return str(next(part["standing"] for part in parts if part["part"] == "evening"))

    assert evening() == "free"
    filed = site.post("/room-requests", ROOM, "a")
    assert (filed.status_code, filed.get_json()["kind"]) == (201, "room")
    assert evening() == "asked"
    with db.transaction(town) as session:
        approve(session, session.scalars(select(RoomBooking.id)).one(), by="anna", now=clock())
    assert evening() == "taken"
    assert problem_of(site.post("/room-requests", ROOM | {"tax_code": MARCO}, "b")) == (409, "room-taken")
    assert site.post("/room-requests", ROOM, "a").data == filed.data


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"room": "moon"}, "/room"),
        ({"purpose": "marriage"}, "/purpose"),
        ({"people": 41}, "/people"),
        ({"day": "2026-11-24"}, "/day"),
        ({"day": "2026-12-25"}, "/day"),
        ({"day": "2028-01-10"}, "/day"),
        ({"day": "9999-12-31"}, "/day"),
        ({"part": "night"}, "/part"),
    ],
)
def test_a_room_is_lent_by_its_rules(
    site: Site, town: db.Sessions, wrong: dict[str, object], pointer: str
) -> None:
    answer = site.post("/room-requests", ROOM | wrong, "a")
    assert problem_of(answer) == (422, "invalid")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    with db.reading(town) as session:
        assert session.scalars(select(Request)).all() == []


def test_days_of_no_room(site: Site) -> None:
    assert problem_of(site.get("/rooms/moon/day?day=2026-12-15")) == (404, "not-found")
    assert problem_of(site.get("/rooms/civic_hall/day")) == (422, "invalid")
