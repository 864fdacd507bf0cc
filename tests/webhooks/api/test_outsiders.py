"""Who is not in the town's register: known by SPID or CIE, served under the same rules."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from desk import db
from desk.applicants import Outsider
from desk.citizen_export import export_citizen
from desk.citizens import register_citizen
from desk.consents import Purpose, has_consent
from desk.erasure import StillNeeded, erase_citizen
from desk.find_requests import ByName, Wanted, find
from desk.models import (
    Audit,
    AuditAction,
    Booking,
    Enrolment,
    IdentifiedBy,
    Message,
    MessageState,
    Request,
    RequestState,
)
from desk.person import person_by_tax_code
from desk.pseudonyms import Pseudonyms
from desk.requests import change_state
from desk.retention import apply_retention
from desk.settings import Settings
from tests.console.fixed import KEYRING, Clock
from tests.webhooks.api.conftest import CERTIFICATE, GIULIA, REPORT, Site, problem_of
from tests.webhooks.api.test_operations import booking, times
from tests.webhooks.api.test_town_services import ENROL, ROOM

MARIO, NUMBER = "RSSMRA80A01H501U", "+393331119901"
WHO: dict[str, Any] = {
    "tax_code": MARIO.lower(),
    "applicant": {"given_name": "Mario", "family_name": "Rossi"},
    "contact": {"phone": NUMBER, "sms_consent": "web-1"},
}
BIRTH = CERTIFICATE | WHO | {"certificate": "birth"}
PSEUDONYMS = Pseudonyms(KEYRING.web_key)


def mario_asks_for_all(site: Site) -> list[str]:
    """A certificate, a course, a room and an appointment: their references."""
    answers = [
        site.post("/certificates", BIRTH, "a"),
        site.post("/enrolments", ENROL | WHO, "b"),
        site.post("/room-requests", ROOM | WHO, "c"),
        site.post("/appointments", booking(times(site)[0]) | WHO, "d"),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    found = [answer.get_json() for answer in answers]
    return [item.get("request", item)["reference"] for item in found]


def kept(town: db.Sessions) -> str:
    """The rows in which such a person stands, as text."""
    with db.reading(town) as session:
        return repr(
            [
                [getattr(row, column.key) for column in model.__table__.columns]
                for model in (Request, Booking, Enrolment, Message, Audit)
                for row in session.scalars(select(model))
            ]
        )


def test_all_can_be_asked_for_and_is_seen_moved_and_withdrawn(
    site: Site, town: db.Sessions, clock: Clock
) -> None:
    certificate, course, room, appointment = mario_asks_for_all(site)
    assert problem_of(site.post("/enrolments", ENROL | WHO, "e")) == (409, "already-enrolled")
    with db.reading(town) as session:
        requests = session.scalars(select(Request)).all()
        assert {(row.citizen_id, row.applicant, row.applicant_tax_code) for row in requests} == {
            (None, "Rossi Mario", MARIO)
        }
        assert {row.details.identified_by for row in requests} == {IdentifiedBy.TAX_CODE}  # type: ignore[union-attr]
        booked = session.scalars(select(Booking)).one()
        assert (booked.who, booked.applicant_tax_code) == ("Rossi Mario", MARIO)
        # Receipts go to the number that agreed just now.
        assert {row.to_e164 for row in session.scalars(select(Message))} == {NUMBER}
        assert len(session.scalars(select(Message)).all()) == 4
        found = find(
            session, Wanted(search=ByName(("rossi", "mario"))), by="anna", limit=9, after=None, now=clock()
        )
        assert {row.reference for row in found} == {certificate, course, room}

    me = {"tax_code": MARIO}
    assert {item["reference"] for item in site.post("/requests/look-up", me).get_json()["items"]} == {
        certificate, course, room,
    }  # fmt: skip
    assert [item["course"] for item in site.post("/enrolments/look-up", me).get_json()["items"]] == [
        "ceramics"
    ]
    assert site.post("/appointments/look-up", me).get_json()["items"][0]["reference"] == appointment
    later = {"starts_at": times(site)[3]}
    assert problem_of(site.post(f"/appointments/{appointment}/move", {"tax_code": GIULIA} | later, "f")) == (
        404,
        "not-found",
    )
    assert (
        site.post(f"/appointments/{appointment}/move", me | later, "g").get_json()["starts_at"]
        == later["starts_at"]
    )
    assert site.post(f"/appointments/{appointment}/cancel", me, "h").get_json()["state"] == "cancelled"
    assert site.post(f"/enrolments/{course}/withdraw", me, "i").get_json()["state"] == "withdrawn"
    assert site.post("/consents/withdraw", me, "j").get_json() == {"withdrawn": 1}
    with db.reading(town) as session:
        assert not has_consent(session, NUMBER, Purpose.RECEIPTS)
        # Whom a look was about, without saying the name.
        looks = session.scalars(select(Audit).order_by(Audit.id)).all()
        assert {(row.action, row.outsider) for row in looks} == {(AuditAction.VIEWED, PSEUDONYMS.of(MARIO))}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/certificates", BIRTH | {"applicant": None}, "not-in-register"),
        ("/certificates", BIRTH | {"certificate": "residence"}, "residents-only"),
        ("/certificates", BIRTH | {"certificate": "family_status"}, "residents-only"),
        ("/certificates", BIRTH | {"tax_code": "RSSMRA80A01H501X"}, "invalid"),
        ("/certificates", BIRTH | {"applicant": {"given_name": "Mario"}}, "invalid"),
        ("/certificates", BIRTH | {"applicant": {"given_name": " ", "family_name": "Rossi"}}, "invalid"),
        ("/room-requests", ROOM | {"tax_code": MARIO}, "not-in-register"),
        ("/enrolments", ENROL | {"tax_code": MARIO}, "not-in-register"),
    ],
)
def test_what_is_refused(
    site: Site, town: db.Sessions, path: str, body: dict[str, object], code: str
) -> None:
    answer = site.post(path, body, "a")
    assert problem_of(answer) == (422, code)
    assert "Rossi" not in answer.text
    with db.reading(town) as session:
        assert session.scalars(select(Request)).all() == []


def test_of_somebody_else_anybody_may_ask_where_he_lives(site: Site) -> None:
    wanted = BIRTH | {"certificate": "residence", "subject_name": "Giulia Colombo"}
    assert site.post("/certificates", wanted, "a").status_code == 201


def test_who_is_in_the_register_has_the_name_of_the_register(site: Site, town: db.Sessions) -> None:
    site.post("/certificates", CERTIFICATE | {"applicant": WHO["applicant"]}, "a")
    site.post("/reports", REPORT | WHO, "b")
    with db.reading(town) as session:
        certificate, report = session.scalars(select(Request).order_by(Request.id)).all()
    assert (certificate.applicant, certificate.citizen_id is None) == (None, False)
    assert (report.applicant, report.applicant_tax_code) == ("Rossi Mario", MARIO)


def test_only_so_many_appointments_whatever_the_number(site: Site) -> None:
    found = times(site)
    for number in range(4):
        wanted = booking(found[number]) | WHO | {"contact": {"phone": f"+39333111990{number}"}}
        assert site.post("/appointments", wanted, f"k{number}").status_code == 201
    assert problem_of(site.post("/appointments", booking(found[4]) | WHO, "k")) == (
        409,
        "too-many-appointments",
    )


def test_who_moves_into_the_town_takes_all_along(site: Site, town: db.Sessions, clock: Clock) -> None:
    references = mario_asks_for_all(site)
    with db.transaction(town) as session:
        register_citizen(
            session,
            tax_code=MARIO,
            first_name="Mario",
            last_name="Rossi",
            birth_date=datetime(1980, 1, 1).date(),  # noqa: DTZ001 - a day
            address="Via Roma 1",
            phone_numbers=[],
            now=clock(),
        )
    me = {"tax_code": MARIO}
    shown = site.post("/requests/look-up", me).get_json()["items"]
    assert {item["reference"] for item in shown} == set(references[:3])
    assert len(site.post("/enrolments/look-up", me).get_json()["items"]) == 1
    assert len(site.post("/appointments/look-up", me).get_json()["items"]) == 1
    with db.reading(town) as session:
        assert set(session.scalars(select(Request.applicant_tax_code))) == {None}
        assert session.scalars(select(Booking.applicant)).one() is None


def test_export_and_erasure_by_tax_code(
    site: Site, town: db.Sessions, settings: Settings, clock: Clock
) -> None:
    references = mario_asks_for_all(site)
    # Somebody else asks from a number of her own.
    site.post("/certificates", CERTIFICATE | {"contact": {"phone": "+393331112201"}}, "x")
    with db.transaction(town) as session:
        who = person_by_tax_code(session, f" {MARIO.lower()} ")
        assert who == Outsider(MARIO)
        exported = json.loads(
            export_citizen(session, who, settings, PSEUDONYMS, by="capo", how="page", now=clock())
        )
    tables = exported["tables"]
    assert {row["reference"] for row in tables["requests"]} == set(references[:3])
    assert tables["bookings"][0]["applicant"] == "Rossi Mario"
    assert len(tables["messages"]) == 4
    assert len(tables["enrolments"]) == len(tables["room_bookings"]) == len(tables["consents"]) == 1
    assert GIULIA not in json.dumps(exported)

    def erase() -> None:
        with db.transaction(town) as session:
            erase_citizen(session, who, settings, PSEUDONYMS, by="capo", how="page", now=clock())

    with pytest.raises(StillNeeded):
        erase()
    clock.now += timedelta(days=60)
    with db.transaction(town) as session:
        for request in session.scalars(select(Request).where(Request.applicant_tax_code == MARIO)):
            for state in (RequestState.IN_PROGRESS, RequestState.DONE):
                if request.state is not RequestState.DONE:
                    change_state(session, request, state, by="anna", now=clock())
    erase()
    left = kept(town)
    assert not [word for word in (MARIO, "Rossi", NUMBER) if word in left]
    with db.reading(town) as session:
        assert person_by_tax_code(session, MARIO) is None
        erased = session.scalars(select(Audit).where(Audit.action == AuditAction.ERASED)).one()
        assert (erased.citizen_id, erased.outsider) == (None, PSEUDONYMS.of(MARIO))
        assert session.scalars(select(Request).where(Request.citizen_id.is_not(None))).one().contact_e164


def test_name_and_tax_code_go_with_the_contacts(
    site: Site, town: db.Sessions, settings: Settings, clock: Clock
) -> None:
    mario_asks_for_all(site)
    apply_retention(town, settings, PSEUDONYMS, now=clock.now + timedelta(days=300))
    assert MARIO in kept(town)
    with db.transaction(town) as session:
        for request in session.scalars(select(Request)):
            for state in (RequestState.IN_PROGRESS, RequestState.DONE):
                change_state(session, request, state, by="anna", now=clock())
        session.execute(update(Message).values(state=MessageState.SENT))
    late = clock.now + timedelta(days=800)
    changed = apply_retention(town, settings, PSEUDONYMS, now=late)
    assert (changed["tax codes of requests"], changed["who is enrolled"]) == (3, 1)
    left = kept(town)
    assert not [word for word in (MARIO, "Rossi", NUMBER) if word in left]
    # One person still counts as one.
    assert left.count(PSEUDONYMS.of(MARIO)) == 5
    again = apply_retention(town, settings, PSEUDONYMS, now=late)
    assert not any(again.values())
