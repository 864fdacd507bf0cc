"""The agenda in the console: looking, booking, moving, cancelling, who came, and changing its rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from desk.db import Sessions, reading, transaction
from desk.demo import load_demo
from desk.models import (
    Absence,
    AppointmentService,
    Audit,
    Booking,
    BookingState,
    Consent,
    Message,
    Role,
    SlotPattern,
    TownChange,
)
from tests.conftest import DEMO_KEYRING
from tests.console.browsing import Visitor
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in

SERVICE = "identity_card"
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=20)
WHERE = {"service": SERVICE, "at": AT.isoformat()}


@pytest.fixture
def town(sessions: Sessions, clock: Clock) -> Sessions:
    with transaction(sessions) as session:
        load_demo(session, DEMO_KEYRING, clock.now)
    return sessions


@pytest.fixture
def clerk(client: FlaskClient, town: Sessions) -> FlaskClient:
    an_operator(town, "olga", Role.SUPERVISOR)
    return sign_in(client, "olga")


def the_booking(sessions: Sessions) -> Booking:
    with reading(sessions) as session:
        booking = session.scalars(
            select(Booking).order_by(Booking.id.desc()).options(joinedload(Booking.citizen))
        ).first()
    assert booking
    return booking


def book(client: FlaskClient, **fields: str) -> str:
    """Book for somebody who is not in the register; gives the reference."""
    form = {**WHERE, "name": "Ferrari Ada", "phone": "333 444 5566", **fields}
    answer = client.post("/console/agenda/book", data=form)
    assert answer.status_code == 303
    return answer.headers["Location"].rsplit("/", 1)[1]


def test_an_appointment_lives_its_life_in_the_pages(clerk: FlaskClient, town: Sessions, clock: Clock) -> None:
    page = clerk.get("/console/agenda?office=counters&day=2026-11-25").text
    assert "Prenota il 25/11/2026 alle 10:00" in page
    asked = {**WHERE, "do": "find", "last_name": "colombo", "first_name": "giu"}
    refused = clerk.post("/console/agenda/book", data=asked)
    # A name alone would show a whole family to whoever is curious.
    assert refused.status_code == 400
    assert "find-tax_code-error" in refused.text
    assert "Giulia" not in refused.text
    found = clerk.post("/console/agenda/book", data={**asked, "born": "1980-03-15"})
    assert "Colombo Giulia" in found.text
    assert 'value="+393331112201"' in found.text
    form = {**WHERE, "citizen": "1", "phone": "+393331112201", "sms": "yes", "language": "it"}
    answer = clerk.post("/console/agenda/book", data=form)
    address = answer.headers["Location"]
    assert answer.status_code == 303
    booking = the_booking(town)
    assert (booking.citizen_id, booking.channel.value, booking.starts_at) == (1, "counter", AT)

    moved = clerk.post(f"{address}/move", data={"at": LATER.isoformat()})
    assert moved.status_code == 303
    assert clerk.post(f"{address}/came", data={"came": "yes"}).status_code == 409
    clock.now = LATER
    # The session has ended meanwhile.
    sign_in(clerk, "olga")
    assert clerk.post(f"{address}/came", data={"came": "no", "back": "day"}).status_code == 303
    assert "Non venuto" in clerk.get("/console/agenda?office=counters&day=2026-11-25").text
    assert clerk.post(f"{address}/cancel").status_code == 409
    page = clerk.get(address).text
    assert "Colombo Giulia" in page
    assert page.count("olga") >= 2

    with reading(town) as session:
        assert session.get_one(Booking, booking.id).came is False
        assert [text.template for text in session.scalars(select(Message).order_by(Message.created_at))] == [
            "appointment_booked",
            "appointment_moved",
        ]
        assert session.scalars(select(TownChange.which)).all() == [booking.reference]
        looked = session.scalars(select(Audit).where(Audit.by == "olga")).all()
    assert {row.action.value for row in looked} == {"listed", "viewed", "searched"}
    assert not any("olombo" in row.detail for row in looked)


def test_who_is_not_in_the_register_leaves_a_name_and_a_number(clerk: FlaskClient, town: Sessions) -> None:
    for fields, wrong in (
        ({"name": "", "phone": "3334445566"}, "name-error"),
        ({"name": "Ada", "phone": "call me"}, "phone-error"),
        ({"name": "Ada", "phone": ""}, "phone-error"),
    ):
        answer = clerk.post("/console/agenda/book", data={**WHERE, **fields})
        assert answer.status_code == 400
        assert wrong in answer.text
    reference = book(clerk, sms="yes")
    booking = the_booking(town)
    assert (booking.reference, booking.who, booking.contact_e164) == (
        reference,
        "Ferrari Ada",
        "+393334445566",
    )
    with reading(town) as session:
        proof = session.scalars(select(Consent).where(Consent.e164 == "+393334445566")).one()
    assert (proof.text_version, proof.given_how, proof.given_by) == ("counter-1", "counter", "olga")
    assert "Ferrari Ada" in clerk.get("/console/agenda?office=counters&day=2026-11-25&view=week").text


def test_what_somebody_else_took_is_a_conflict_with_other_times(clerk: FlaskClient, town: Sessions) -> None:
    book(clerk, phone="3331234501")
    third = book(clerk, phone="3331234502", at=LATER.isoformat())
    book(clerk, phone="3331234503")
    form = {**WHERE, "name": "Ada", "phone": "3331234504"}
    answer = clerk.post("/console/agenda/book", data=form)
    assert answer.status_code == 409
    assert "qualcuno è stato più veloce" in answer.text
    assert "Altri orari liberi" in answer.text
    answer = clerk.post(f"/console/agenda/appointments/{third}/move", data={"at": AT.isoformat()})
    assert answer.status_code == 409
    assert the_booking(town).state is BookingState.BOOKED
    for nonsense in ("", "tomorrow", "2026-11-25T09:00:00"):
        assert clerk.get(f"/console/agenda/book?service={SERVICE}&at={nonsense}").status_code == 404


def test_more_than_one_may_have_is_a_conflict(clerk: FlaskClient, town: Sessions) -> None:
    at = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
    social = {"service": "social_worker", "phone": "3331234501"}
    book(clerk, at=at.isoformat(), **social)
    form = {"name": "Ada", "at": (at + timedelta(minutes=45)).isoformat(), **social}
    answer = clerk.post("/console/agenda/book", data=form)
    assert answer.status_code == 409
    assert "numero massimo" in answer.text


def test_the_same_form_sent_twice_books_once(clerk: FlaskClient, town: Sessions) -> None:
    assert book(clerk, holder="console 1") == book(clerk, holder="console 1")


def test_a_change_that_strands_somebody_asks_first(clerk: FlaskClient, town: Sessions) -> None:
    reference = book(clerk)
    with reading(town) as session:
        service = session.get_one(AppointmentService, SERVICE)
        pattern = session.scalars(
            select(SlotPattern).where(SlotPattern.service_code == SERVICE, SlotPattern.weekday == 2)
        ).one()
    rules = {
        name: str(getattr(service, name))
        for name in (
            "capacity",
            "notice_hours",
            "horizon_days",
            "most_per_citizen",
            "kept_percent",
            "kept_until_days",
        )
    }
    address = f"/console/agenda/rules/{SERVICE}"
    wrong = clerk.post(address, data={**rules, "slot_minutes": "0", "active": "yes"})
    assert wrong.status_code == 400
    assert f"{SERVICE}-slot_minutes-error" in wrong.text
    asked = clerk.post(address, data={**rules, "slot_minutes": "35", "active": "yes"})
    assert asked.status_code == 409
    assert reference in asked.text
    assert "Ferrari Ada" in asked.text
    assert clerk.post(f"/console/agenda/patterns/{pattern.id}/remove").status_code == 409
    absence = {
        "from_day": "2026-11-25",
        "from_time": "08:00",
        "to_day": "2026-11-25",
        "to_time": "18:00",
        "reason": "Riunione",
    }
    assert clerk.post("/console/agenda/absences/counters", data=absence).status_code == 409
    backwards = {**absence, "to_day": "2026-11-24"}
    assert clerk.post("/console/agenda/absences/counters", data=backwards).status_code == 400
    with reading(town) as session:
        assert session.get_one(AppointmentService, SERVICE).slot_minutes == 20
        assert session.scalars(select(Absence)).all() == []

    saved = clerk.post("/console/agenda/absences/counters", data={**absence, "accepted": "yes"})
    assert saved.status_code == 303
    page = clerk.get("/console/agenda/rules?office=counters").text
    assert "Riunione" in page
    assert "Avvisare queste persone" in page
    with reading(town) as session:
        number = session.scalars(select(Absence.id)).one()
    assert clerk.post(f"/console/agenda/absences/{number}/remove").status_code == 303
    span = {"weekday": "2", "begins": "08:00", "ends": "09:30"}
    assert clerk.post(f"{address}/patterns", data=span).status_code == 400
    assert clerk.post(f"{address}/patterns", data={**span, "weekday": "5"}).status_code == 303


def test_a_keyboard_alone_books_in_the_browser(visitor: Visitor, town: Sessions) -> None:
    an_operator(town, "olga", Role.OPERATOR)
    page = visitor.page
    visitor.sign_in("olga")
    page.goto("/console/agenda?office=counters&day=2026-11-25")
    page.get_by_role("link", name="Prenota il 25/11/2026 alle 10:00").focus()
    page.keyboard.press("Enter")
    page.locator("#find-tax_code").focus()
    page.keyboard.type("clmgli80c55f205n")
    page.keyboard.press("Enter")
    expect(page.locator("h2").first).to_have_text("Colombo Giulia")
    assert visitor.violations() == []
    page.get_by_role("button", name="Prenota").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Appuntamento prenotato.")).to_be_visible()
    assert visitor.violations() == []
    page.get_by_label("Nuovo orario").select_option(index=2)
    page.get_by_role("button", name="Sposta").click()
    expect(page.get_by_text("Appuntamento spostato.")).to_be_visible()
    assert visitor.complaints == []
