"""An office's appointments as a calendar (iCalendar, RFC 5545), for the calendar program of the office.

Whoever has the address sees who comes and when, so the address carries a secret made from the web key. The
telephone number of a citizen is not in it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from icalendar import Calendar, Event
from sqlalchemy.orm import Session

from desk.appointments import appointments_at
from desk.models import Booking, BookingState, Office

#: How far back and ahead the calendar goes. Cancelled ones stay in it, or programs would keep the old entry.
PAST, AHEAD = timedelta(days=30), timedelta(days=400)
#: How often a calendar program should look.
EVERY = timedelta(minutes=15)


def feed_token(web_key: str, office: str) -> str:
    """The secret part of an office's address: 40 hexadecimal digits, always the same for one key."""
    return hmac.new(web_key.encode(), f"calendar of {office}".encode(), hashlib.sha256).hexdigest()[:40]


def is_feed_token(web_key: str, office: str, token: str) -> bool:
    """Whether ``token`` opens the calendar of ``office``; takes the same time for every wrong one."""
    return hmac.compare_digest(feed_token(web_key, office).encode(), token.encode())


def office_calendar(session: Session, office: str, *, now: datetime) -> bytes | None:
    """The calendar of ``office`` as UTF-8 text; ``None`` if there is no such office."""
    bookings = appointments_at(session, office, begin=now - PAST, end=now + AHEAD)
    if bookings is None:
        return None
    text: bytes = _calendar(session.get_one(Office, office), bookings, now).to_ical()
    return text


def _calendar(office: Office, bookings: Sequence[Booking], now: datetime) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Centralino//Appuntamenti//IT")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", office.name_it)
    calendar.add("refresh-interval", EVERY, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", EVERY)
    for booking in bookings:
        calendar.add_component(_event(office, booking, now))
    return calendar


def _event(office: Office, booking: Booking, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"appointment-{booking.reference}@centralino")
    event.add("dtstamp", now)
    event.add("created", booking.booked_at)
    event.add("last-modified", booking.history[-1].at)
    event.add("sequence", booking.revision)
    # In UTC, so that no program needs to know our time zone's rules.
    event.add("dtstart", booking.starts_at)
    event.add("dtend", booking.ends_at)
    event.add("summary", f"{booking.service.name_it}: {_who(booking)}")
    event.add("description", f"Appuntamento {booking.reference}")
    event.add("location", office.place)
    cancelled = booking.state is BookingState.CANCELLED
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


def _who(booking: Booking) -> str:
    # A caller unknown to the register said a name that the desk has recorded.
    return booking.who or "da identificare"
