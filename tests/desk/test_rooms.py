"""Rooms on both databases: many may ask, one gets it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from desk import db
from desk.calendar import is_holiday
from desk.models import (
    Base,
    Message,
    PartOfDay,
    Request,
    RequestState,
    Room,
    RoomBooking,
    RoomDecision,
    RoomDetails,
)
from desk.replay import ROOM, replay_spool
from desk.requests import request_by_reference
from desk.rooms import (
    Decided,
    RoomOrder,
    RoomTaken,
    Standing,
    UnknownRoom,
    Unsuitable,
    approve,
    ask_for_room,
    refuse,
    standing,
    unsuitable,
)
from desk.spool import Spool
from desk.town import read_town
from tests.desk.crowds import at_once

HALL = "conference_hall"
DAY = date(2026, 12, 12)
NUMBER = "+393339998887"


def order(key: str = "k1", **changes: object) -> RoomOrder:
    values: dict[str, object] = {
        "room": HALL,
        "purpose": "conference",
        "day": DAY,
        "part": "morning",
        "people": 80,
        "contact_e164": NUMBER,
        "identified_by": "spoken",
        "idempotency_key": key,
        "sms": True,
        "consent_text": "phone-1",
    }
    return RoomOrder.model_validate({**values, **changes})


def asked(sessions: db.Sessions, wanted: RoomOrder, now: datetime) -> int:
    with db.transaction(sessions) as session:
        return ask_for_room(session, wanted, now=now).id


def approved(sessions: db.Sessions, booking: int, now: datetime) -> None:
    with db.transaction(sessions) as session:
        approve(session, booking, by="anna", now=now)


def parts(sessions: db.Sessions, day: date = DAY) -> list[Standing]:
    with db.reading(sessions) as session:
        return [standing(session, HALL, day)[part] for part in PartOfDay]


def count(sessions: db.Sessions, model: type[Base]) -> int:
    with db.reading(sessions) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def texts(sessions: db.Sessions) -> list[str]:
    with db.reading(sessions) as session:
        return list(session.scalars(select(Message.template).order_by(Message.created_at)))


def test_a_request_is_filed_for_approval(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        reference = ask_for_room(session, order(), now=now).request.reference
    with db.reading(town) as session:
        request = request_by_reference(session, reference)
        assert request is not None
        assert request.state is RequestState.RECEIVED
        assert isinstance(request.details, RoomDetails)
        assert (request.details.day, request.details.people) == (DAY, 80)
        body = session.scalars(select(Message.body)).one()
    assert reference in body
    assert "12/12/2026" in body
    assert parts(town) == [Standing.ASKED, Standing.FREE, Standing.FREE]
    assert parts(town, DAY + timedelta(days=1)) == [Standing.FREE] * 3


def test_of_eight_who_ask_for_one_morning_one_gets_it(town: db.Sessions, now: datetime) -> None:
    bookings = [
        asked(town, order(f"k{caller}", contact_e164=f"+39333000000{caller}"), now) for caller in range(8)
    ]

    def decide(caller: int) -> str:
        approved(town, bookings[caller], now)
        return "approved"

    results = at_once(8, decide, RoomTaken)
    assert results.count("approved") == 1
    assert results.count(RoomTaken) == 7
    with db.reading(town) as session:
        decisions = session.scalars(select(RoomBooking.decision)).all()
        states = session.scalars(select(Request.state)).all()
    assert sorted(decisions) == [RoomDecision.APPROVED, *[RoomDecision.REQUESTED] * 7]
    assert sorted(states) == [RequestState.DONE, *[RequestState.RECEIVED] * 7]
    assert texts(town).count("room_approved") == 1
    assert parts(town)[0] is Standing.TAKEN


def test_the_database_itself_refuses_a_second_approval(town: db.Sessions, now: datetime) -> None:
    first, second = asked(town, order("a"), now), asked(town, order("b"), now)
    approved(town, first, now)
    with pytest.raises(IntegrityError), db.transaction(town) as session:
        session.get_one(RoomBooking, second).decision = RoomDecision.APPROVED


def test_other_parts_days_and_rooms_are_approved_beside_it(town: db.Sessions, now: datetime) -> None:
    beside: list[dict[str, object]] = [
        {},
        {"part": "evening"},
        {"day": DAY + timedelta(days=1)},
        {"room": "civic_hall"},
    ]
    for key, changes in enumerate(beside):
        approved(town, asked(town, order(f"k{key}", **changes), now), now)
    assert parts(town) == [Standing.TAKEN, Standing.FREE, Standing.TAKEN]


def test_what_is_taken_cannot_be_asked_for_and_what_is_refused_is_free(
    town: db.Sessions, now: datetime
) -> None:
    first, second = asked(town, order("a"), now), asked(town, order("b"), now)
    with db.transaction(town) as session:
        refused = refuse(session, first, by="anna", now=now)
        assert refused.request.state is RequestState.REJECTED
    assert parts(town)[0] is Standing.ASKED
    approved(town, second, now)
    with pytest.raises(RoomTaken):
        asked(town, order("c"), now)
    for booking in (first, second):
        with pytest.raises(Decided):
            approved(town, booking, now)
    assert count(town, Request) == 2
    assert texts(town) == ["room_asked", "room_asked", "room_refused", "room_approved"]
    with pytest.raises(UnknownRoom):
        asked(town, order("d", room="ballroom"), now)


def test_asking_again_with_one_key_is_one_request(town: db.Sessions, now: datetime) -> None:
    booking = asked(town, order(), now)
    approved(town, booking, now)
    assert asked(town, order(), now) == booking
    assert [count(town, model) for model in (Request, RoomBooking)] == [1, 1]
    assert texts(town) == ["room_asked", "room_approved"]


def test_a_request_from_the_spool_is_filed_once_even_if_the_room_is_taken_by_then(
    town: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put(ROOM, "k2", order("k2"), now=now)
    approved(town, asked(town, order("k1"), now), now)
    assert replay_spool(town, spool) == 1
    spool.put(ROOM, "k2", order("k2"), now=now)
    assert replay_spool(town, spool) == 1
    assert [count(town, model) for model in (Request, RoomBooking)] == [2, 2]
    assert parts(town)[0] is Standing.TAKEN


def test_what_is_lent_for_what(town: db.Sessions) -> None:
    with db.transaction(town) as session:
        session.get_one(Room, "civic_hall").active = False
        found = {room.code: dict(room.purposes) for room in read_town(session).rooms}
    assert found == {
        "wedding_hall": {"marriage": True},
        "conference_hall": {"conference": False, "other": False},
    }


TODAY = date(2026, 11, 23)
DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))


@given(
    day=DAYS,
    notice=st.integers(0, 30),
    horizon=st.integers(0, 400),
    closed=st.frozensets(DAYS, max_size=3),
    on_holidays=st.booleans(),
)
def test_a_day_is_suitable_if_it_is_neither_past_nor_too_soon_nor_too_far_nor_a_holiday(
    day: date, notice: int, horizon: int, closed: frozenset[date], on_holidays: bool
) -> None:
    why = unsuitable(
        day,
        today=TODAY,
        notice_days=notice,
        horizon_days=horizon,
        on_holidays=on_holidays,
        closed=closed | {date(2026, 12, 14)},
    )
    ahead = (day - TODAY).days
    if ahead < 0:
        assert why is Unsuitable.PAST
    elif ahead < notice:
        assert why is Unsuitable.TOO_SOON
    elif ahead > horizon:
        assert why is Unsuitable.TOO_FAR
    else:
        off = is_holiday(day) or day in closed or day == date(2026, 12, 14)
        assert (why is Unsuitable.HOLIDAY) == (off and not on_holidays)
        assert why in (None, Unsuitable.HOLIDAY)
