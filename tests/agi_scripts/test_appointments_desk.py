"""Appointments of a call: on the demo town's database, and without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from agi_scripts.appointments_desk import AppointmentsDesk
from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from desk import db
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring
from desk.models import (
    AppointmentService,
    Booking,
    Consent,
    IdentificationAttempt,
    Message,
    SlotPlace,
)
from desk.settings import ROME, Settings
from desk.spool import Spool
from ivr.agenda import Agenda, Answer, Appointment, Slot
from ivr.ports import IdentifiedBy, Identity
from ivr.steps import Recording
from prompts.catalogue import load_catalogue

#: Monday, 10:00 in Rome.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
#: Neither has agreed to messages; Marco's other number is shared with his daughter.
PAOLO, MARCO = "+393331112204", "+393331112202"
BUILDING = "building_technician"
SLOT = Slot(BUILDING, datetime(2026, 11, 27, 9, tzinfo=ROME))
CITIZEN = Identity(IdentifiedBy.BIRTH_DATE, citizen_id=6)
SPOKEN = Identity(IdentifiedBy.SPOKEN, spoken=Recording(Path("/recordings/who.wav"), 4.0))
APPOINTMENT = Appointment(1, "12345674", SLOT)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    engine = db.connect(sqlite_url, busy_seconds=0.1)
    settings = Settings(home=tmp_path)
    keyring = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})
    with db.transaction(db.sessions(engine)) as session:
        load_demo(session, keyring, NOW)
    catalogue = load_catalogue(settings.sounds)
    yield House(settings, db.sessions(engine), Spool(tmp_path / "spool"), catalogue, lambda: NOW)
    engine.dispose()


def call(house: House, caller: str | None = PAOLO, unique_id: str = "7.1") -> CallDesk:
    return CallDesk(house, CallJournal(house, unique_id, caller, "+390200000100"), caller)


def book(
    desk: CallDesk, identity: Identity = CITIZEN, *, slot: Slot = SLOT, sms: bool = False
) -> Appointment:
    assert desk.appointments.hold(slot) is Answer.DONE
    booked = desk.appointments.book(slot, identity, sms=sms)
    assert isinstance(booked, Appointment)
    desk.appointments.release()
    return booked


def places(house: House) -> int:
    with db.reading(house.sessions) as session:
        return len(session.scalars(select(SlotPlace)).all())


#: What a caller gets from each method while the database is away.
AWAY: dict[str, tuple[Callable[[AppointmentsDesk], object], object]] = {
    "services": (lambda agenda: list(agenda.services()), []),
    "free": (lambda agenda: agenda.free(BUILDING), None),
    "hold": (lambda agenda: agenda.hold(SLOT), Answer.OUT_OF_REACH),
    "release": (lambda agenda: agenda.release(), None),
    "may_book": (lambda agenda: agenda.may_book(BUILDING, CITIZEN), Answer.OUT_OF_REACH),
    "book": (lambda agenda: agenda.book(SLOT, CITIZEN, sms=True), Answer.OUT_OF_REACH),
    "move": (lambda agenda: agenda.move(APPOINTMENT, SLOT), Answer.OUT_OF_REACH),
    "cancel": (lambda agenda: agenda.cancel(APPOINTMENT), Answer.OUT_OF_REACH),
    "may_find": (lambda agenda: agenda.may_find(), False),
    "find_own": (lambda agenda: agenda.find_own("12345674"), None),
    "find": (lambda agenda: agenda.find("12345674", "2204"), None),
    "made_by": (lambda agenda: agenda.made_by(CITIZEN), None),
}


def test_every_method_is_tried_without_a_database() -> None:
    methods = {name for name, _ in inspect.getmembers(Agenda, inspect.isfunction) if name[0] != "_"}
    assert set(AWAY) == methods


@pytest.mark.parametrize("name", AWAY)
def test_without_a_database_the_dialog_is_told(house: House, tmp_path: Path, name: str) -> None:
    method, expected = AWAY[name]
    agenda = call(house).appointments
    if name in {"book", "move", "release"}:
        assert agenda.hold(SLOT) is Answer.DONE
    (tmp_path / "centralino.sqlite").unlink()
    assert method(agenda) == expected


def test_what_is_offered(house: House) -> None:
    agenda = call(house).appointments
    assert list(agenda.services()) == [
        "social_worker",
        "building_technician",
        "land_registry_technician",
        "identity_card",
    ]
    slots = agenda.free(BUILDING)
    assert slots is not None
    assert [f"{slot.starts:%a %H:%M %z}" for slot in slots] == [
        "Tue 10:00 +0100",
        "Tue 10:30 +0100",
        "Tue 11:00 +0100",
    ]
    others = agenda.free(BUILDING, other_than=slots[1])
    assert others is not None
    assert [f"{slot.starts:%H:%M}" for slot in others] == ["10:00", "11:00", "11:30"]
    assert agenda.free("horoscope") == ()


def test_a_service_without_texts_is_not_offered(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with db.transaction(house.sessions) as session:
        template = session.get_one(AppointmentService, BUILDING)
        session.add(
            AppointmentService(
                **{
                    column.key: getattr(template, column.key)
                    for column in AppointmentService.__table__.columns
                    if column.key != "code"
                },
                code="horoscope",
            )
        )
    assert "horoscope" not in call(house).appointments.services()
    assert "appointments.service.horoscope" in caplog.text


def test_one_slot_is_held_at_a_time_and_released(house: House) -> None:
    first, second = call(house), call(house, MARCO, "7.2")
    later = Slot(BUILDING, SLOT.starts + timedelta(minutes=30))
    assert first.appointments.hold(SLOT) is Answer.DONE
    assert second.appointments.hold(SLOT) is Answer.TAKEN
    assert first.appointments.hold(later) is Answer.DONE
    assert places(house) == 1
    assert second.appointments.hold(SLOT) is Answer.DONE
    first.appointments.release()
    second.appointments.release()
    assert places(house) == 0


def test_booked_with_consent_given_in_the_call(house: House) -> None:
    desk = call(house)
    desk.remember_language("en")
    desk.give_consent()
    booked = book(desk, sms=True)
    with db.reading(house.sessions) as session:
        booking = session.scalars(select(Booking)).one()
        message = session.scalars(select(Message)).one()
        assert session.scalars(select(Consent.e164).where(Consent.e164 == PAOLO)).all() == [PAOLO]
    assert (booking.reference, booking.citizen_id, booking.contact_e164) == (booked.reference, 6, PAOLO)
    assert (booking.language, booking.idempotency_key[:4]) == ("en", "7.1-")
    assert booked.reference in message.body
    assert message.body.startswith("Municipality")
    # A second appointment of the same call is another one.
    assert book(desk, slot=Slot(BUILDING, SLOT.starts + timedelta(hours=1))).key != booked.key


def test_who_was_not_found_in_the_register_books_by_voice(house: House) -> None:
    booked = book(call(house, "+393339998887"), SPOKEN)
    with db.reading(house.sessions) as session:
        booking = session.get_one(Booking, booked.key)
    assert (booking.citizen_id, booking.recording) == (None, Path("/recordings/who.wav"))
    assert call(house, None).appointments.may_book(BUILDING, SPOKEN) is Answer.NOBODY
    assert call(house, None).appointments.may_book(BUILDING, CITIZEN) is Answer.DONE


def test_found_by_the_number_it_was_made_from_or_its_last_digits(house: House) -> None:
    booked = book(call(house))
    assert call(house).appointments.find_own(booked.reference) == booked
    stranger = call(house, MARCO).appointments
    assert stranger.find_own(booked.reference) is None
    assert stranger.find(booked.reference, "2204") == booked
    # Mistyped, so that the check digit tells: no guess.
    assert stranger.find("12345678", "2204") is None
    for _ in range(house.settings.identification_tries_per_day):
        assert stranger.may_find()
        assert stranger.find(booked.reference, "9999") is None
    assert not stranger.may_find()
    with db.reading(house.sessions) as session:
        tries = session.scalars(select(IdentificationAttempt)).all()
    assert {attempt.caller for attempt in tries} == {MARCO}
    withheld = call(house, None).appointments
    assert withheld.find_own(booked.reference) is None


def test_moved_and_cancelled_and_heard(house: House) -> None:
    desk = call(house)
    booked = book(desk)
    assert desk.appointments.made_by(CITIZEN) == [booked]
    assert desk.appointments.made_by(SPOKEN) == ()
    later = Slot(BUILDING, SLOT.starts + timedelta(hours=2))
    assert desk.appointments.hold(later) is Answer.DONE
    assert desk.appointments.move(booked, later) is Answer.DONE
    assert desk.appointments.made_by(CITIZEN) == [Appointment(booked.key, booked.reference, later)]
    assert desk.appointments.cancel(booked) is Answer.DONE
    assert desk.appointments.cancel(booked) is Answer.GONE
    assert desk.appointments.made_by(CITIZEN) == []
    desk.appointments.release()
    assert places(house) == 0
