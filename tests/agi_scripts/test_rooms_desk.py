"""Rooms of a call: on the demo town's database, and without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from agi_scripts.house import House
from agi_scripts.rooms_desk import RoomsDesk
from desk.db import reading, transaction
from desk.models import Closure, Request, Room, RoomBooking, RoomDetails, RoomPurpose, RoomUse
from desk.replay import replay_spool
from desk.rooms import approve
from ivr.ports import Filed, IdentifiedBy, Identity, Spooled
from ivr.rooms import Part, Purpose, RoomDesk, RoomWish, Standing, Unsuitable
from ivr.steps import Recording
from tests.agi_scripts.conftest import NOW, DeskFor

#: Has agreed to messages.
LUCA = "+393331112203"
HALL = "conference_hall"
#: A Saturday, and the holiday of the Immaculate Conception.
DAY, HOLIDAY = date(2026, 12, 12), date(2026, 12, 8)
WISH = RoomWish(Purpose.CONFERENCE, 80, HALL, DAY, Part.MORNING)
SPOKEN = Identity(IdentifiedBy.SPOKEN, spoken=Recording(Path("/recordings/who.wav"), 4.0))


def forget_town(house: House) -> None:
    """What was changed is read by the next question."""
    house._town = None


def ask(rooms: RoomsDesk, wish: RoomWish = WISH) -> Filed | Spooled | None:
    return rooms.ask(wish, SPOKEN, sms=True)


#: What a caller gets from each method while the database is away.
AWAY: dict[str, tuple[Callable[[RoomsDesk], object], object]] = {
    "purposes": (lambda rooms: list(rooms.purposes()), list(Purpose)),
    "rooms": (lambda rooms: list(rooms.rooms(Purpose.OTHER, 60)), [HALL]),
    "most_people": (lambda rooms: rooms.most_people(Purpose.OTHER), 120),
    "today": (lambda rooms: rooms.today(), NOW.date()),
    "unsuitable": (lambda rooms: rooms.unsuitable(HALL, Purpose.OTHER, HOLIDAY), Unsuitable.HOLIDAY),
    "standing": (lambda rooms: rooms.standing(HALL, DAY), dict.fromkeys(Part, Standing.UNKNOWN)),
    "ask": (ask, Spooled()),
}


def test_every_method_is_tried_without_a_database() -> None:
    methods = {name for name, _ in inspect.getmembers(RoomDesk, inspect.isfunction) if name[0] != "_"}
    assert set(AWAY) == methods


@pytest.mark.parametrize("name", AWAY)
def test_without_a_database_the_caller_goes_on(
    desk_for: DeskFor, house: House, tmp_path: Path, name: str
) -> None:
    method, expected = AWAY[name]
    assert house.town()
    rooms = desk_for(LUCA).rooms
    (tmp_path / "centralino.sqlite").unlink()
    assert method(rooms) == expected


def test_what_is_asked_without_a_database_is_filed_once_when_it_is_back(
    desk_for: DeskFor, house: House, tmp_path: Path
) -> None:
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    rooms = desk_for(LUCA).rooms
    file.rename(away)
    assert ask(rooms) == Spooled()
    away.rename(file)
    assert replay_spool(house.sessions, house.spool) == 1
    assert replay_spool(house.sessions, house.spool) == 0
    with reading(house.sessions) as session:
        request = session.scalars(select(Request)).one()
        booking = session.scalars(select(RoomBooking)).one()
    assert (booking.room_code, booking.day, booking.part) == (HALL, DAY, "morning")
    assert booking.request_id == request.id
    assert isinstance(request.details, RoomDetails)
    assert request.details.identity_recording == Path("/recordings/who.wav")


def test_what_is_offered(desk_for: DeskFor, house: House, caplog: pytest.LogCaptureFixture) -> None:
    rooms = desk_for(LUCA).rooms
    assert list(rooms.rooms(Purpose.MARRIAGE, None)) == ["wedding_hall"]
    assert list(rooms.rooms(Purpose.CONFERENCE, 40)) == [HALL, "civic_hall"]
    assert list(rooms.rooms(Purpose.CONFERENCE, 121)) == []
    with transaction(house.sessions) as session:
        session.get_one(Room, "wedding_hall").active = False
        session.add(
            Room(
                code="cellar",
                position=9,
                name_it="x",
                name_en="x",
                capacity=9,
                notice_days=1,
                horizon_days=9,
                purposes=[RoomPurpose(purpose=RoomUse.OTHER)],
            )
        )
    forget_town(house)
    assert desk_for(LUCA).rooms.purposes() == [Purpose.CONFERENCE, Purpose.OTHER]
    assert "cellar is not offered by telephone: no text rooms.name.cellar" in caplog.text


def test_which_days(desk_for: DeskFor, house: House) -> None:
    rooms = desk_for(LUCA).rooms

    def why(day: date, room: str = HALL, purpose: Purpose = Purpose.CONFERENCE) -> Unsuitable | None:
        return rooms.unsuitable(room, purpose, day)

    today = rooms.today()
    assert why(today - timedelta(days=1)) is Unsuitable.PAST
    assert why(today + timedelta(days=4)) is Unsuitable.TOO_SOON
    assert why(today + timedelta(days=5)) is None
    assert why(today + timedelta(days=181)) is Unsuitable.TOO_FAR
    assert why(HOLIDAY) is Unsuitable.HOLIDAY
    assert why(HOLIDAY, "wedding_hall", Purpose.MARRIAGE) is None
    with transaction(house.sessions) as session:
        session.add(Closure(day=DAY, reason_it="Chiuso", reason_en="Closed"))
    forget_town(house)
    assert why(DAY) is Unsuitable.HOLIDAY


def test_free_then_asked_for_then_taken(desk_for: DeskFor, house: House) -> None:
    rooms = desk_for(LUCA).rooms
    assert set(rooms.standing(HALL, DAY).values()) == {Standing.FREE}
    filed = ask(rooms)
    assert isinstance(filed, Filed)
    assert filed.due_on > NOW.date()
    assert rooms.standing(HALL, DAY)[Part.MORNING] is Standing.ASKED
    # A second one may ask all the same.
    assert isinstance(ask(rooms), Filed)
    with transaction(house.sessions) as session:
        first = session.scalars(select(RoomBooking).order_by(RoomBooking.id)).first()
        assert first is not None
        approve(session, first.id, by="anna", now=datetime.now(NOW.tzinfo))
    assert rooms.standing(HALL, DAY)[Part.MORNING] is Standing.TAKEN
    assert ask(rooms) is None
