"""Working at a place: who sits where, pauses with a reason and an end, and what a phone says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk import db
from desk.models import Device, DutyPeriod, Phone, PlaceStay, Role, Tier
from desk.operators import create_operator
from desk.places import (
    SILENT,
    YIELDS,
    PauseReason,
    Place,
    StayEnd,
    Took,
    end_silent_stays,
    leave_place,
    move_place,
    note_from_phone,
    note_seen,
    note_told,
    pause_place,
    places_now,
    resume_place,
    stay_of,
    take_place,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
#: Of Asterisk.
START = NOW - timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def session(sessions: db.Sessions) -> Iterator[Session]:
    with db.transaction(sessions) as session:
        yield session


@pytest.fixture
def people(session: Session) -> tuple[int, int]:
    """Two operators, and the places 201 and 101."""
    for extension, tier in (("201", Tier.BACK_OFFICE), ("101", Tier.COUNTER)):
        session.add(Phone(extension=extension, tier=tier, label=f"Posto {extension}", ring_seconds=15))
    anna, bruno = (
        create_operator(session, login=login, name=login.title(), password="x", role=Role.OPERATOR).id
        for login in ("anna", "bruno")
    )
    return anna, bruno


def sit(
    session: Session, operator: int, extension: str, device: Device = Device.WEB, at: datetime = NOW
) -> Took:
    return take_place(session, operator_id=operator, extension=extension, device=device, by="anna", now=at)


def only(session: Session) -> Place:
    (place,) = places_now(session)
    return place


def test_one_at_each_place_and_each_at_one(session: Session, people: tuple[int, int]) -> None:
    anna, bruno = people
    assert sit(session, anna, "999") is Took.UNKNOWN
    assert sit(session, anna, "201") is Took.TAKEN
    assert sit(session, anna, "201") is Took.TAKEN
    assert sit(session, bruno, "201", at=NOW + MINUTE) is Took.OCCUPIED
    place = only(session)
    assert (place.extension, place.login, place.device, place.tier) == (
        "201", "anna", Device.WEB, Tier.BACK_OFFICE,
    )  # fmt: skip
    assert (place.duty.reason, place.duty.since, place.duty.told_at) == (None, NOW, None)
    # Elsewhere, and then with the other phone: one stay after the other.
    assert sit(session, anna, "101", at=NOW + MINUTE) is Took.TAKEN
    assert sit(session, anna, "101", Device.DESK, at=NOW + 2 * MINUTE) is Took.TAKEN
    assert only(session).device is Device.DESK
    assert sit(session, bruno, "201", at=NOW + 2 * MINUTE) is Took.TAKEN
    assert leave_place(session, anna, now=NOW + 3 * MINUTE) == "101"
    assert leave_place(session, anna, now=NOW + 3 * MINUTE) is None
    ends = [(s.extension, s.end) for s in session.query(PlaceStay).order_by(PlaceStay.id)]
    assert ends == [("201", StayEnd.MOVED), ("101", StayEnd.MOVED), ("101", StayEnd.LEFT), ("201", None)]
    # No period is left open behind a stay that ended.
    assert session.query(DutyPeriod).filter(DutyPeriod.ended_at.is_(None)).count() == 1


def test_the_database_lets_nobody_sit_on_anybody(session: Session, people: tuple[int, int]) -> None:
    anna, bruno = people
    sit(session, anna, "201")
    for operator, extension in ((bruno, "201"), (anna, "101")):
        another = PlaceStay(
            operator_id=operator, extension=extension, device=Device.WEB, began_at=NOW, seen_at=NOW
        )
        with session.begin_nested() as attempt:
            session.add(another)
            with pytest.raises(IntegrityError):
                session.flush()
            attempt.rollback()


def test_a_page_that_is_not_seen_gives_its_place_away(session: Session, people: tuple[int, int]) -> None:
    anna, bruno = people
    sit(session, anna, "201")
    note_seen(session, anna, now=NOW + MINUTE)
    assert sit(session, bruno, "201", at=NOW + YIELDS) is Took.OCCUPIED
    assert sit(session, bruno, "201", at=NOW + MINUTE + YIELDS) is Took.TAKEN
    assert stay_of(session, anna) is None
    later = NOW + MINUTE + YIELDS + SILENT
    assert end_silent_stays(session, now=later) == []
    assert end_silent_stays(session, now=later + MINUTE) == ["201"]
    assert places_now(session) == []


def test_a_pause_has_a_reason_and_an_end_and_is_forgotten_after_it(
    session: Session, people: tuple[int, int]
) -> None:
    anna, _ = people
    sit(session, anna, "201")
    stay = stay_of(session, anna)
    assert stay
    until = NOW + 5 * MINUTE
    pause_place(session, stay, PauseReason.OTHER, note="x" * 90, until=until, by="anna", now=NOW)
    duty = only(session).duty
    assert (duty.reason, duty.note, duty.until) == (PauseReason.OTHER, "x" * 80, until)
    assert not duty.forgotten(until - MINUTE)
    assert duty.forgotten(until)
    resume_place(session, stay, by="anna", now=until)
    assert not only(session).duty.forgotten(until + timedelta(days=1))
    # One without an end is asked about, sooner or later.
    pause_place(session, stay, PauseReason.WRAP_UP, by="anna", now=until)
    assert [only(session).duty.forgotten(until + n * MINUTE) for n in (4, 5)] == [False, True]
    reasons = [d.reason for d in session.query(DutyPeriod).order_by(DutyPeriod.id)]
    assert reasons == [None, PauseReason.OTHER, None, PauseReason.WRAP_UP]


def test_what_a_phone_says_counts_unless_something_newer_was_said(
    session: Session, people: tuple[int, int]
) -> None:
    anna, _ = people
    sit(session, anna, "201")
    place = only(session)
    note_told(session, place.stay_id, start=START, now=NOW)
    assert (only(session).duty.told_at, only(session).duty.told_start) == (NOW, START)
    later = NOW + MINUTE
    note_from_phone(session, place.stay_id, PauseReason.PHONE, since=place.duty.since, start=START, now=later)
    duty = only(session).duty
    assert (duty.reason, duty.since, duty.told_at) == (PauseReason.PHONE, later, later)
    # Seen before the page said "pause": too late.
    stay = stay_of(session, anna)
    assert stay
    pause_place(session, stay, PauseReason.MEETING, by="anna", now=later + MINUTE)
    note_from_phone(session, place.stay_id, None, since=later, start=START, now=later + 2 * MINUTE)
    duty = only(session).duty
    assert (duty.reason, duty.told_at) == (PauseReason.MEETING, None)
    move_place(stay, Tier.COUNTER)
    assert (only(session).tier, only(session).own_tier) == (Tier.COUNTER, Tier.BACK_OFFICE)
