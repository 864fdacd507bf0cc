"""What an office's people see of its agenda, and changes that know whom they strand, on both databases."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import db
from desk.agenda import OfficeDay, offices, read_days
from desk.agenda_rules import (
    Overlaps,
    Rules,
    WouldStrand,
    add_absence,
    add_pattern,
    change_rules,
    remove_absence,
    remove_pattern,
    stranded,
)
from desk.appointments import BookingOrder, NotBooked, SlotTaken, book, cancel, free_slots, hold, note_came
from desk.models import (
    Absence,
    AppointmentService,
    Booking,
    Channel,
    Closure,
    Office,
    SlotPattern,
    TownChange,
)
from desk.settings import ROME
from desk.town_changes import changes

CARD, BUILDING = "identity_card", "building_technician"
#: The morning on which the technician receives next.
TUESDAY = date(2026, 11, 24)
FIRST = datetime(2026, 11, 24, 9, 0, tzinfo=ROME)


def booked(sessions: db.Sessions, service: str, starts: datetime, now: datetime, citizen: int = 1) -> Booking:
    order = BookingOrder(
        service=service,
        starts_at=starts,
        holder=f"{service} {starts} {citizen}",
        citizen_id=citizen,
        contact_e164="+393331112201",
        channel=Channel.COUNTER,
    )
    with db.transaction(sessions) as session:
        return book(session, order, now=now, by="anna")


def day_of(sessions: db.Sessions, office: str, day: date, now: datetime) -> OfficeDay:
    with db.reading(sessions) as session:
        (found,) = read_days(session, session.get_one(Office, office), first=day, days=1, now=now)
    return found


def service_of(session: Session, code: str) -> AppointmentService:
    return session.get_one(AppointmentService, code)


def rules_of(service: AppointmentService, **changed: int) -> Rules:
    values = {name: getattr(service, name) for name in Rules.__slots__}
    return Rules(**{**values, **changed})


def change(sessions: db.Sessions, code: str, now: datetime, **changed: int) -> None:
    with db.transaction(sessions) as session:
        service = service_of(session, code)
        change_rules(session, service, rules_of(service, **changed), by="c", now=now, accepted=False)


def away(sessions: db.Sessions, now: datetime, *, accepted: bool) -> Absence:
    """The technician is away in the first hour of that morning."""
    with db.transaction(sessions) as session:
        return add_absence(
            session,
            session.get_one(Office, "private_building"),
            begins_at=FIRST,
            ends_at=FIRST + timedelta(hours=1),
            reason="Ferie",
            by="c",
            now=now,
            accepted=accepted,
        )


def test_a_day_shows_who_comes_what_is_held_and_what_is_free(town: db.Sessions, now: datetime) -> None:
    booking = booked(town, BUILDING, FIRST, now)
    gone = booked(town, BUILDING, FIRST + timedelta(minutes=30), now)
    with db.transaction(town) as session:
        cancel(session, gone.id, by="anna", now=now)
        hold(session, BUILDING, FIRST + timedelta(hours=1), holder="a caller", now=now)

    day = day_of(town, "private_building", TUESDAY, now)
    (service,) = day.services
    assert [row.starts.astimezone(ROME).strftime("%H:%M") for row in service.rows] == [
        "09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "12:00",
    ]  # fmt: skip
    assert [len(row.bookings) for row in service.rows] == [1, 0, 0, 0, 0, 0, 0]
    assert [row.held for row in service.rows] == [0, 0, 1, 0, 0, 0, 0]
    assert [row.free for row in service.rows] == [0, 1, 0, 1, 1, 1, 1]
    assert (service.booked, service.free) == (1, 5)
    assert service.rows[0].bookings[0].reference == booking.reference
    assert service.rows[0].bookings[0].who == "Colombo Giulia"
    assert [each.reference for each in day.cancelled] == [gone.reference]


def test_a_past_day_and_a_closed_one_give_nothing(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        session.add(Closure(day=TUESDAY, reason_it="Neve", reason_en="Snow"))
    assert day_of(town, "private_building", TUESDAY, now).services[0].rows == []
    past = day_of(town, "private_building", TUESDAY - timedelta(days=4), now)
    assert [row.free for row in past.services[0].rows] == [0] * 7


def test_offices_come_in_the_order_of_their_services(town: db.Sessions) -> None:
    with db.reading(town) as session:
        assert [office.code for office in offices(session)] == [
            "social_services",
            "private_building",
            "land_registry",
            "counters",
        ]


def test_an_operator_may_book_within_the_earliest_notice(town: db.Sessions, now: datetime) -> None:
    soon = now + timedelta(minutes=20)
    with db.reading(town) as session:
        by_phone = free_slots(session, CARD, now=now, limit=1)[0].starts
        at_the_desk = free_slots(session, CARD, now=now, limit=1, channel=Channel.COUNTER)[0].starts
    assert at_the_desk < soon < by_phone
    booking = booked(town, CARD, at_the_desk, now)
    with db.reading(town) as session:
        history = session.get_one(Booking, booking.id).history
        assert [(step.by, step.step.value) for step in history] == [("anna", "booked")]


def test_whoever_is_stranded_by_a_change_is_named_before_it_is_made(town: db.Sessions, now: datetime) -> None:
    booking = booked(town, BUILDING, FIRST + timedelta(minutes=30), now)
    with pytest.raises(WouldStrand) as refused:
        change(town, BUILDING, now, slot_minutes=40)
    assert [each.reference for each in refused.value.bookings] == [booking.reference]
    with db.reading(town) as session:
        assert service_of(session, BUILDING).slot_minutes == 30
        assert changes(session, limit=5) == []

    with db.transaction(town) as session:
        service = service_of(session, BUILDING)
        change_rules(session, service, rules_of(service, slot_minutes=40), by="carla", now=now, accepted=True)
    with db.transaction(town) as session:
        service = service_of(session, BUILDING)
        (noted,) = changes(session, limit=5)
        assert (noted.by, noted.what, noted.which) == ("carla", "appointment_services", BUILDING)
        assert (noted.before, noted.after) == ({"slot_minutes": 30}, {"slot_minutes": 40})
        assert [each.id for each in stranded(session, [service], now=now)] == [booking.id]
        # What is lost already is not asked about again.
        change_rules(session, service, rules_of(service, horizon_days=30), by="c", now=now, accepted=False)
    day = day_of(town, "private_building", TUESDAY, now)
    assert [row.is_slot for row in day.services[0].rows if row.bookings] == [False]


def test_a_lower_capacity_strands_who_booked_last(town: db.Sessions, now: datetime) -> None:
    with db.reading(town) as session:
        starts = free_slots(session, CARD, now=now, limit=1)[0].starts
    booked(town, CARD, starts, now, citizen=1)
    last = booked(town, CARD, starts, now + timedelta(minutes=1), citizen=4)
    with pytest.raises(WouldStrand) as refused:
        change(town, CARD, now, capacity=1)
    assert [each.id for each in refused.value.bookings] == [last.id]


def test_absences_and_spans_come_and_go(town: db.Sessions, now: datetime) -> None:
    booking = booked(town, BUILDING, FIRST, now)
    with pytest.raises(WouldStrand) as refused:
        away(town, now, accepted=False)
    assert [each.id for each in refused.value.bookings] == [booking.id]
    absence = away(town, now, accepted=True)
    with pytest.raises(SlotTaken):
        booked(town, BUILDING, FIRST + timedelta(minutes=30), now, citizen=4)
    with db.transaction(town) as session:
        remove_absence(session, session.merge(absence), by="c", now=now)
    booked(town, BUILDING, FIRST + timedelta(minutes=30), now, citizen=4)

    with db.transaction(town) as session:
        morning = session.scalars(
            select(SlotPattern).where(SlotPattern.service_code == BUILDING, SlotPattern.weekday == 1)
        ).one()
        with pytest.raises(WouldStrand):
            remove_pattern(session, morning, by="c", now=now, accepted=False)
        session.rollback()
    with db.transaction(town) as session:
        with pytest.raises(Overlaps):
            add_pattern(
                session,
                service_of(session, BUILDING),
                weekday=1,
                begins=time(12),
                ends=time(13),
                by="c",
                now=now,
            )
        add_pattern(
            session, service_of(session, BUILDING), weekday=1, begins=time(14), ends=time(15), by="c", now=now
        )
    assert len(day_of(town, "private_building", TUESDAY, now).services[0].rows) == 9
    with db.reading(town) as session:
        noted = session.scalars(select(TownChange.what).order_by(TownChange.id)).all()
    assert noted == ["absences", "absences", "slot_patterns"]


def test_whether_somebody_came_is_noted_once_the_time_has_come(town: db.Sessions, now: datetime) -> None:
    booking = booked(town, BUILDING, FIRST, now)
    with db.transaction(town) as session, pytest.raises(NotBooked):
        note_came(session, booking.id, came=True, now=now)
    for came in (False, True):
        with db.transaction(town) as session:
            assert note_came(session, booking.id, came=came, now=FIRST).came is came
