"""Appointments over the telephone: booked, moved, cancelled, and the last slot with two callers on it."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from sqlalchemy import delete, select

from desk.appointments import free_slots
from desk.db import reading, transaction
from desk.models import Booking, BookingState, Message, SlotPattern, SlotPlace
from desk.settings import ROME
from tests.live.harness import OPEN, Call, System, wait_until

pytestmark = pytest.mark.live

GIULIA, LUCA = "+393331112201", "+393331112203"
BORN = {GIULIA: "15031980", LUCA: "30011965"}
#: The second service of the menu.
BUILDING, SERVICE = "2", "building_technician"


def start(system: System, caller: str, keys: str) -> Call:
    """A call that presses ``keys`` once it was greeted: each goes to the question after the one before."""
    call = system.call(caller=caller)
    call.hear(system.prompt("welcome.greeting"))
    call.press(keys)
    return call


def book_first(system: System, caller: str) -> Call:
    """Main menu, book, the technician, the first slot, the birth date, confirmed."""
    call = start(system, caller, f"21{BUILDING}1{BORN[caller]}1")
    call.hear(system.prompt("appointments.booked"))
    return call


def appointments(system: System) -> list[Booking]:
    with reading(system.database) as session:
        return list(session.scalars(select(Booking).order_by(Booking.id)))


def local(booking: Booking) -> datetime:
    return booking.starts_at.astimezone(ROME)


def test_later_slots_and_another_week_by_key(system: System) -> None:
    call = start(system, GIULIA, f"21{BUILDING}94")
    # The next week's fourth slot: the first three were passed over.
    with reading(system.database) as session:
        monday = datetime(2026, 11, 30, tzinfo=ROME)
        slots = free_slots(session, SERVICE, now=datetime.fromisoformat(OPEN), limit=4, since=monday)
    wanted = slots[3].starts.astimezone(ROME)
    assert wanted > monday
    call.hear_all(system.sentence("appointments.slot.on", day=wanted.date(), at=wanted.time()))
    call.press(f"1{BORN[GIULIA]}1")
    call.hear(system.prompt("appointments.booked"))
    call.hang_up()
    (booking,) = appointments(system)
    assert local(booking) == wanted


def test_book_then_move_by_reference_then_cancel_as_a_recognised_caller(system: System) -> None:
    call = book_first(system, GIULIA)
    call.hang_up()
    (booking,) = appointments(system)
    # It is Tuesday, and the technician wants a day's notice.
    assert local(booking) == datetime(2026, 11, 25, 16, tzinfo=ROME)
    assert booking.citizen_id is not None

    # Who only wants to listen hears the number, what for and when, and presses nothing.
    call = start(system, GIULIA, f"222{BORN[GIULIA]}")
    when = local(booking)
    call.hear_all(
        [
            *system.sentence("appointments.reference_is", ref=booking.reference),
            *system.sentence("appointments.when", day=when.date(), at=when.time()),
        ]
    )
    call.hear(system.prompt("more.intro"), timeout=60)
    call.hang_up()
    assert appointments(system)[0].starts_at == booking.starts_at

    call = start(system, GIULIA, f"221{booking.reference}121")
    call.hear(system.prompt("appointments.moved"))
    call.hang_up()
    (booking,) = appointments(system)
    assert local(booking) == datetime(2026, 11, 25, 17, tzinfo=ROME)

    call = start(system, GIULIA, f"222{BORN[GIULIA]}21")
    call.hear(system.prompt("appointments.cancelled"))
    call.hang_up()
    (booking,) = appointments(system)
    assert booking.state is BookingState.CANCELLED
    with reading(system.database) as session:
        assert session.scalars(select(SlotPlace)).all() == []
        written = session.scalars(select(Message.template).order_by(Message.created_at)).all()
    assert written == ["appointment_booked", "appointment_moved", "appointment_cancelled"]


def test_two_callers_on_the_last_slot(system: System) -> None:
    with transaction(system.database) as session:
        building = SlotPattern.service_code == "building_technician"
        session.execute(delete(SlotPattern).where(building))
        session.add(
            SlotPattern(service_code="building_technician", weekday=4, begins=time(9), ends=time(9, 30))
        )
    # Each chooses the Friday's only slot; who is quicker holds it while being asked for the birth date.
    first = start(system, GIULIA, f"21{BUILDING}1")
    first.hear(system.prompt("identify.birth_date"))
    second = start(system, LUCA, f"21{BUILDING}1{BORN[LUCA]}1")
    second.hear(system.prompt("appointments.booked"))
    first.press(f"{BORN[GIULIA]}1")
    first.hear(system.prompt("appointments.booked"))
    for call in (first, second):
        call.hang_up()
    fridays = sorted(local(booking) for booking in appointments(system))
    assert [friday.isoformat() for friday in fridays] == [
        "2026-11-27T09:00:00+01:00",
        "2026-12-04T09:00:00+01:00",
    ]


def test_hanging_up_while_deciding_gives_the_slot_back(system: System) -> None:
    call = start(system, GIULIA, f"21{BUILDING}1")
    call.hear(system.prompt("identify.birth_date"))
    with reading(system.database) as session:
        assert len(session.scalars(select(SlotPlace)).all()) == 1
    call.hang_up()

    def nothing_is_held() -> bool:
        with reading(system.database) as session:
            return session.scalars(select(SlotPlace)).all() == []

    wait_until(nothing_is_held, "the slot is given back")
