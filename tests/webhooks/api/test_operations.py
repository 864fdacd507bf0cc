"""What the town's site can do: the same rows and rules as by telephone."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from desk import db
from desk.appointments import free_slots
from desk.consents import Purpose, has_consent
from desk.models import (
    Booking,
    CertificateDetails,
    CertificateKind,
    Channel,
    Email,
    IdentifiedBy,
    Message,
    ReportDetails,
    Request,
    RequestState,
    Stamp,
    Subject,
)
from desk.requests import change_state
from tests.console.fixed import Clock
from tests.webhooks.api.conftest import CERTIFICATE, GIULIA, GIULIAS_NUMBER, MARCO, REPORT, Site, problem_of

FREE = "/appointment-services/identity_card/slots"


def only_request(town: db.Sessions) -> Request:
    with db.reading(town) as session:
        return session.scalars(select(Request)).one()


def times(site: Site, query: str = "") -> list[str]:
    return [slot["starts_at"] for slot in site.get(FREE + query).get_json()["items"]]


def booking(time: str, tax_code: str = GIULIA) -> dict[str, object]:
    return {"tax_code": tax_code, "service": "identity_card", "starts_at": time}


def test_a_certificate_is_the_request_that_the_phone_would_file(site: Site, town: db.Sessions) -> None:
    answer = site.post("/certificates", CERTIFICATE, "a")
    assert answer.status_code == 201
    request = only_request(town)
    assert answer.get_json() == {
        "reference": request.reference,
        "kind": "certificate",
        "channel": "web",
        "state": "received",
        "filed_at": "2026-11-23T09:00:00Z",
        "due_on": request.due_on.isoformat(),
        "owed": "33.04",
    }
    assert request.channel is Channel.WEB
    assert request.citizen_id is not None
    details = request.details
    assert isinstance(details, CertificateDetails)
    assert (details.copies, details.stamp, details.subject) == (2, Stamp.PAID, Subject.SELF)
    assert details.identified_by is IdentifiedBy.TAX_CODE


@pytest.mark.parametrize(
    ("more", "stamp", "owed"),
    [({"certificate": "birth"}, Stamp.FREE, "0.00"), ({"exempt": True}, Stamp.EXEMPT, "0.00")],
)
def test_stamp_duty_follows_kind_and_use(
    site: Site, town: db.Sessions, more: dict[str, object], stamp: Stamp, owed: str
) -> None:
    answer = site.post("/certificates", CERTIFICATE | more, "a")
    details = only_request(town).details
    assert isinstance(details, CertificateDetails)
    assert (details.stamp, answer.get_json()["owed"]) == (stamp, owed)


def test_a_certificate_for_somebody_else_bears_the_name(site: Site, town: db.Sessions) -> None:
    site.post("/certificates", CERTIFICATE | {"subject_name": "Sofia Colombo"}, "a")
    details = only_request(town).details
    assert isinstance(details, CertificateDetails)
    assert (details.subject, details.subject_name) == (Subject.OTHER, "Sofia Colombo")


def test_a_receipt_is_texted_to_who_agreed(site: Site, town: db.Sessions) -> None:
    # Marco's number has not consented to anything.
    marco = CERTIFICATE | {"tax_code": MARCO, "contact": {"phone": "+393331112202"}}
    site.post("/certificates", marco, "a")
    with db.reading(town) as session:
        assert session.scalars(select(Message)).all() == []
    marco["contact"] = {"phone": "+393331112202", "sms_consent": "web-1", "language": "en"}
    answer = site.post("/certificates", marco, "b")
    with db.reading(town) as session:
        message = session.scalars(select(Message)).one()
        assert has_consent(session, "+393331112202", Purpose.RECEIPTS)
    assert (message.to_e164, message.language) == ("+393331112202", "en")
    assert answer.get_json()["reference"] in message.body


def test_a_report_is_written_and_forwarded(site: Site, town: db.Sessions) -> None:
    contact = {"phone": GIULIAS_NUMBER}
    answer = site.post("/reports", REPORT | {"call_back": True, "contact": contact, "tax_code": GIULIA}, "a")
    assert answer.status_code == 201
    request = only_request(town)
    assert isinstance(request.details, ReportDetails)
    assert (request.details.place, request.details.message) == (REPORT["place"], REPORT["message"])
    assert (request.contact_e164, request.details.call_back) == (GIULIAS_NUMBER, True)
    assert request.citizen_id is not None
    with db.reading(town) as session:
        assert session.scalars(select(Email)).one().to_address == "tecnico@comune.example"


def test_nobody_need_say_who_reports(site: Site, town: db.Sessions) -> None:
    assert site.post("/reports", REPORT, "a").status_code == 201
    assert site.post("/reports", REPORT | {"tax_code": "X" * 16}, "b").status_code == 201
    with db.reading(town) as session:
        assert [request.citizen_id for request in session.scalars(select(Request))] == [None, None]


def test_where_a_request_stands(site: Site, town: db.Sessions, clock: Clock) -> None:
    reference = site.post("/certificates", CERTIFICATE, "a").get_json()["reference"]
    with db.transaction(town) as session:
        request = session.scalars(select(Request)).one()
        change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=clock())
    assert site.get(f"/requests/{reference}").get_json()["state"] == "in_progress"
    shown = site.post("/requests/look-up", {"tax_code": GIULIA.lower()}).get_json()["items"]
    assert [(item["reference"], item["state"]) for item in shown] == [(reference, "in_progress")]
    assert site.post("/requests/look-up", {"tax_code": MARCO}).get_json() == {"items": []}
    assert problem_of(site.get("/requests/10000008")) == (404, "not-found")


def test_the_catalogues(site: Site) -> None:
    kinds = site.get("/certificate-kinds").get_json()["items"]
    assert kinds[3] == {
        "code": "residence",
        "stamp_duty": "16.00",
        "secretary_fee": "0.52",
        "working_days": kinds[3]["working_days"],
    }
    assert site.get("/report-categories").get_json()["items"][0]["code"] == "roads"
    services = site.get("/appointment-services").get_json()["items"]
    assert "identity_card" in [service["code"] for service in services]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/certificates", CERTIFICATE | {"certificate": "nobility"}, "invalid"),
        ("/certificates", CERTIFICATE | {"tax_code": "X" * 16}, "not-in-register"),
        ("/certificates", CERTIFICATE | {"copies": 4}, "invalid"),
        ("/certificates", CERTIFICATE | {"copies": "2"}, "invalid"),
        ("/certificates", CERTIFICATE | {"contact": {"phone": "+39000"}}, "invalid"),
        ("/certificates", CERTIFICATE | {"contact": {"phone": "+3933"}}, "invalid"),
        ("/certificates", CERTIFICATE | {"subject_name": "a\nb"}, "invalid"),
        ("/certificates", CERTIFICATE | {"RSSMRA": "x"}, "invalid"),
        ("/reports", REPORT | {"category": "moon"}, "invalid"),
        ("/reports", REPORT | {"call_back": True}, "invalid"),
        ("/reports", REPORT | {"message": " \n"}, "invalid"),
        ("/reports", REPORT | {"message": "\x00"}, "invalid"),
        ("/appointments", booking("2026-11-24T08:00:00Z") | {"service": "moon"}, "invalid"),
        ("/appointments", booking("2026-11-24T08:00:00Z", "X" * 16), "not-in-register"),
        ("/appointments", booking("2026-11-24T08:00:00"), "invalid"),
        ("/appointments", booking("9999-12-31T23:59:59-12:00"), "invalid"),
    ],
)
def test_what_is_wrong_is_told_without_repeating_it(
    site: Site, town: db.Sessions, path: str, body: dict[str, object], code: str
) -> None:
    answer = site.post(path, body, "a")
    assert problem_of(answer) == (422, code)
    for personal in (GIULIA, "XXXX", "RSSMRA", "+39"):
        assert personal not in answer.text
    with db.reading(town) as session:
        assert session.scalars(select(Request)).all() == []


def test_a_certificate_that_is_not_offered_any_more_cannot_be_asked_for(
    site: Site, town: db.Sessions
) -> None:
    with db.transaction(town) as session:
        kind = session.get_one(CertificateKind, "residence")
        kind.active = False
    assert problem_of(site.post("/certificates", CERTIFICATE, "a")) == (422, "invalid")


def test_an_appointment_is_booked_moved_and_cancelled(site: Site, town: db.Sessions) -> None:
    first, second = times(site)[:2]
    made = site.post("/appointments", booking(first) | {"contact": {"phone": GIULIAS_NUMBER}}, "a")
    assert made.status_code == 201
    reference = made.get_json()["reference"]
    assert made.get_json()["starts_at"] == first
    assert site.post("/appointments/look-up", {"tax_code": GIULIA}).get_json()["items"] == [made.get_json()]
    with db.reading(town) as session:
        booked = session.scalars(select(Booking)).one()
        assert (booked.channel, booked.reference) == (Channel.WEB, reference)
        assert session.scalars(select(Message.template)).all() == ["appointment_booked"]

    moved = site.post(f"/appointments/{reference}/move", {"tax_code": GIULIA, "starts_at": second}, "b")
    assert (moved.status_code, moved.get_json()["starts_at"]) == (200, second)
    cancelled = site.post(f"/appointments/{reference}/cancel", {"tax_code": GIULIA}, "c")
    assert (cancelled.status_code, cancelled.get_json()["state"]) == (200, "cancelled")
    assert site.post("/appointments/look-up", {"tax_code": GIULIA}).get_json() == {"items": []}
    again = site.post(f"/appointments/{reference}/cancel", {"tax_code": GIULIA}, "d")
    assert problem_of(again) == (404, "not-found")
    # Asked again with its own key, it is the answer of then.
    same = site.post(f"/appointments/{reference}/cancel", {"tax_code": GIULIA}, "c")
    assert same.get_json() == cancelled.get_json()


def test_nobody_else_moves_or_cancels(site: Site) -> None:
    first, second = times(site)[:2]
    reference = site.post("/appointments", booking(first), "a").get_json()["reference"]
    answer = site.post(f"/appointments/{reference}/move", {"tax_code": MARCO, "starts_at": second}, "b")
    assert problem_of(answer) == (404, "not-found")
    answer = site.post(f"/appointments/{reference}/cancel", {"tax_code": MARCO}, "c")
    assert problem_of(answer) == (404, "not-found")


def test_a_taken_slot_is_refused_and_not_offered(site: Site) -> None:
    # Two places, of which none is kept from the web so shortly before.
    first = times(site)[0]
    assert site.post("/appointments", booking(first), "a").status_code == 201
    assert site.post("/appointments", booking(first, MARCO), "b").status_code == 201
    assert problem_of(site.post("/appointments", booking(first, "CLMSFO04L61M052N"), "c")) == (
        409,
        "slot-taken",
    )
    assert first not in times(site)
    # What was refused is not remembered: the same question is asked anew.
    assert problem_of(site.post("/appointments", booking(first, "CLMSFO04L61M052N"), "c"))[0] == 409


def test_a_citizen_has_only_so_many_appointments(site: Site) -> None:
    found = times(site)
    for number in range(4):
        assert site.post("/appointments", booking(found[number]), f"k{number}").status_code == 201
    assert problem_of(site.post("/appointments", booking(found[4]), "k4")) == (409, "too-many-appointments")


def test_the_places_kept_for_phone_and_counter_are_not_given_on_the_web(
    site: Site, town: db.Sessions, clock: Clock
) -> None:
    def all_places(channel: Channel) -> dict[datetime, int]:
        with db.reading(town) as session:
            slots = free_slots(session, "identity_card", now=clock(), limit=500, channel=channel)
        return {slot.starts: slot.places for slot in slots}

    phone, web = all_places(Channel.PHONE), all_places(Channel.WEB)
    scarce = next(starts for starts, places in phone.items() if web.get(starts, 0) < places)
    shown = site.get(f"{FREE}?limit=1&since={scarce.isoformat().replace('+', '%2B')}").get_json()["items"][0]
    assert shown["places"] == web.get(scarce, 0) < phone[scarce]
    text = scarce.isoformat()
    took = [
        site.post("/appointments", booking(text, tax_code), f"k{number}").status_code
        for number, tax_code in enumerate((GIULIA, MARCO, "CLMSFO04L61M052N")[: phone[scarce]])
    ]
    assert took.count(201) == web.get(scarce, 0)
    assert took.count(409) == phone[scarce] - web.get(scarce, 0)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?limit=0", 422),
        ("?limit=x", 422),
        ("?limit=1&limit=2", 422),
        ("?since=2026-11-24", 422),
        ("?since=0001-01-01T00:00:00%2B14:00", 422),
        ("?what=1", 422),
        ("?since=2099-01-01T00:00:00Z", 200),
        ("?since=2001-01-01T00:00:00Z&limit=3", 200),
    ],
)
def test_questions_for_slots(site: Site, query: str, status: int) -> None:
    assert site.get(FREE + query).status_code == status


def test_slots_of_no_service(site: Site) -> None:
    assert problem_of(site.get("/appointment-services/moon/slots")) == (404, "not-found")


def test_a_slot_that_was_offered_can_pass(site: Site, clock: Clock) -> None:
    first = times(site)[0]
    clock.now += timedelta(days=2)
    assert problem_of(site.post("/appointments", booking(first), "a")) == (409, "slot-taken")


def test_the_log_names_nobody(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        site.post("/reports", REPORT | {"tax_code": GIULIA, "contact": {"phone": GIULIAS_NUMBER}}, "a")
        site.post("/reports", REPORT | {"tax_code": f"{GIULIA}x"}, "b")
        site.get(f"/requests/{GIULIA}?{GIULIA}")
    assert "POST /api/v1/reports 201" in caplog.text
    assert "POST /api/v1/reports 422" in caplog.text
    for personal in (GIULIA, GIULIAS_NUMBER[3:], "Via Roma", "lampione"):
        assert personal not in caplog.text
