"""An office's calendar as a calendar program reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

from icalendar import Calendar, Event

from desk import db
from desk.appointments import BookingOrder, book, cancel, free_slots, move
from desk.calendar_feed import feed_token, is_feed_token, office_calendar

BUILDING = "building_technician"


def read(sessions: db.Sessions, now: datetime) -> dict[str, Event]:
    """The events of the building office's calendar by their names."""
    with db.reading(sessions) as session:
        text = office_calendar(session, "private_building", now=now)
    assert text is not None
    # Who reads along learns no telephone numbers.
    assert b"+39" not in text
    calendar = Calendar.from_ical(text)
    assert isinstance(calendar, Calendar)
    return {event.uid: event for event in calendar.events}


def order(starts: datetime, **who: object) -> BookingOrder:
    return BookingOrder.model_validate({"service": BUILDING, "starts_at": starts, "holder": str(who), **who})


def test_what_an_office_sees(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        first, second, third = free_slots(session, BUILDING, now=now, limit=3)
        moved = book(session, order(first.starts, citizen_id=1, contact_e164="+393331112201"), now=now)
        cancelled = book(session, order(second.starts, contact_e164="+393330000000"), now=now)
    later = now + timedelta(minutes=5)
    with db.transaction(town) as session:
        move(session, moved.id, third.starts, holder="m", by="phone", now=later)
        cancel(session, cancelled.id, by="phone", now=later)
    events = read(town, later)
    kept, gone = (events[f"appointment-{booking.reference}@centralino"] for booking in (moved, cancelled))
    assert len(events) == 2
    assert (kept.start, kept.end, kept.last_modified) == (third.starts, third.ends, later)
    assert (kept.sequence, kept.status) == (1, "CONFIRMED")
    assert kept.summary == "Tecnico dell'edilizia privata: Colombo Giulia"
    assert gone.status == "CANCELLED"
    assert gone.summary == "Tecnico dell'edilizia privata: da identificare"


def test_an_office_without_appointments_and_one_that_is_not_there(town: db.Sessions, now: datetime) -> None:
    assert read(town, now) == {}
    with db.reading(town) as session:
        assert office_calendar(session, "moon", now=now) is None


def test_each_office_has_a_secret_of_its_own() -> None:
    tokens = {feed_token(key, office) for key in ("k1", "k2") for office in ("a", "b")}
    assert len(tokens) == 4
    assert is_feed_token("k1", "a", feed_token("k1", "a"))
    for wrong in ("", "é", feed_token("k1", "b"), feed_token("k2", "a")):
        assert not is_feed_token("k1", "a", wrong)
