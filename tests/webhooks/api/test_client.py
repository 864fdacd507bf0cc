"""The client against the real server, and what both do while the database is away."""

from __future__ import annotations

import subprocess
import sys
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from desk import db, models
from desk.api_keys import create_api_key
from desk.calendar import is_holiday
from desk.models import Request, Scope
from desk.settings import PROJECT, Settings
from tests.console.fixed import KEYRING, Clock
from tests.webhooks.api.conftest import CERTIFICATE, GIULIA, GIULIAS_NUMBER, Site, problem_of
from webhooks import schemas
from webhooks.app import create_app
from webhooks.client import Client, Refused, Unreachable
from webhooks.schemas import (
    Applicant,
    BookingRequest,
    CertificateRequest,
    ConsentWithdrawal,
    Contact,
    EnrolmentRequest,
    HoldRequest,
    MoveRequest,
    ReportRequest,
    RoomRequest,
)

WANTED = CertificateRequest(tax_code=GIULIA, certificate="residence", delivery="counter")


@pytest.fixture
def desk(server: subprocess.Popen[bytes], town: db.Sessions, port: int) -> Client:
    """A client of the real server, with a key that may do everything."""
    with db.transaction(town) as session:
        key = create_api_key(session, name="site", scopes=list(Scope), now=datetime.now(UTC))
    return Client(f"http://127.0.0.1:{port}", key, tries=2)


def test_everything_the_channel_offers(desk: Client) -> None:
    assert WANTED.certificate in [kind.code for kind in desk.certificate_kinds().items]
    assert "roads" in [category.code for category in desk.report_categories().items]
    filed = desk.file_certificate(WANTED, key="mine")
    assert desk.file_certificate(WANTED, key="mine") == filed
    assert desk.request(filed.reference) == filed
    report = desk.file_report(
        ReportRequest(category="roads", place="Via Roma", message="Una buca.\nProfonda.")
    )
    assert (report.kind, report.state) == ("report", "received")
    assert desk.requests_of(GIULIA).items == [filed]

    service = next(s.code for s in desk.appointment_services().items if s.code == "identity_card")
    first, second = desk.slots(service, limit=2).items
    assert desk.slots(service, since=second.starts_at, limit=1).items == [second]
    contact = Contact(phone=GIULIAS_NUMBER)
    held = desk.hold(HoldRequest(service=service, starts_at=first.starts_at))
    assert held.held_until > datetime.now(UTC)
    booked = desk.book(
        BookingRequest(
            tax_code=GIULIA, service=service, starts_at=first.starts_at, hold=held.hold, contact=contact
        )
    )
    # What was booked is not given back.
    desk.release(held.hold)
    assert desk.appointments_of(GIULIA).items == [booked]
    moved = desk.move(booked.reference, MoveRequest(tax_code=GIULIA, starts_at=second.starts_at))
    assert (moved.reference, moved.starts_at) == (booked.reference, second.starts_at)
    assert desk.cancel(booked.reference, GIULIA).state == "cancelled"

    course = desk.courses().items[0]
    enrolled = desk.enrol(EnrolmentRequest(tax_code=GIULIA, course=course.code))
    assert (enrolled.request.kind, enrolled.state, enrolled.position) == ("course", "placed", None)
    assert desk.enrolments_of(GIULIA).items == [enrolled]
    withdrawn = desk.withdraw_enrolment(enrolled.request.reference, GIULIA)
    assert (withdrawn.state, withdrawn.request.state) == ("withdrawn", "done")
    assert desk.withdraw_consent(ConsentWithdrawal(tax_code=GIULIA)).withdrawn == 1
    assert desk.withdraw_consent(ConsentWithdrawal(tax_code=GIULIA)).withdrawn == 0
    room, day = desk.rooms().items[-1], datetime.now(UTC).date() + timedelta(days=20)
    asked = desk.ask_for_room(
        RoomRequest(
            tax_code=GIULIA, room=room.code, purpose=room.purposes[0], day=next_weekday(day), part="evening"
        )
    )
    assert asked.kind == "room"
    mario = CertificateRequest(
        tax_code="RSSMRA80A01H501U",
        applicant=Applicant(given_name="Mario", family_name="Rossi"),
        certificate="birth",
        delivery="home",
    )
    birth = desk.file_certificate(mario)
    assert desk.requests_of("RSSMRA80A01H501U").items == [birth]
    parts = {part.part: part.standing for part in desk.room_day(room.code, next_weekday(day)).parts}
    assert parts == {"morning": "free", "afternoon": "free", "evening": "asked"}


def test_what_is_refused_says_why(desk: Client) -> None:
    with pytest.raises(Refused) as refused:
        desk.file_certificate(WANTED.model_copy(update={"certificate": "nobility"}))
    assert refused.value.problem.type == "urn:centralino:problem:invalid"
    assert refused.value.problem.errors is not None
    assert refused.value.problem.errors[0].pointer == "/certificate"
    with pytest.raises(Refused) as refused:
        desk.request("../certificate-kinds?")
    assert refused.value.problem.status == 404


def test_who_does_not_answer_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Client("http://127.0.0.1:1", "ctl_x_y", tries=1).certificate_kinds()
    with pytest.raises(ValueError, match="https"):
        Client("file:///etc", "x")


def test_a_change_that_met_a_dead_database_is_made_once_when_it_is_back(
    desk: Client, town: db.Sessions
) -> None:
    rename(town, "requests", "away")
    with pytest.raises(Unreachable, match="503"):
        desk.file_certificate(WANTED, key="mine")
    rename(town, "away", "requests")
    assert desk.file_certificate(WANTED, key="mine") == desk.file_certificate(WANTED, key="mine")
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 1


@pytest.mark.parametrize("table", ["api_keys", "kept_answers", "requests"])
def test_without_the_database_it_says_later_and_changes_nothing(
    site: Site, town: db.Sessions, table: str
) -> None:
    rename(town, table, "away")
    answer = site.post("/certificates", CERTIFICATE, "a")
    assert problem_of(answer) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    rename(town, "away", table)
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 0
        assert session.scalar(text("SELECT count(*) FROM kept_answers")) == 0
    assert site.post("/certificates", CERTIFICATE, "a").status_code == 201


def test_an_unreachable_server_of_the_database_is_the_same(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    client = create_app(settings, KEYRING).test_client()
    answer = Site(client, "ctl_a_b").get("/certificate-kinds")
    assert problem_of(answer) == (503, "unavailable")


def test_a_fault_of_ours_is_a_problem_that_gives_nothing_away(
    app: Flask, site: Site, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(**_: str) -> str:
        raise RuntimeError("a private matter")

    app.view_functions["api.list_certificate_kinds"] = fault
    answer = site.get("/certificate-kinds")
    assert problem_of(answer) == (500, "fault")
    assert "private" not in answer.text


def test_errors_below_the_api_are_problems(site: Site) -> None:
    assert problem_of(site.get("/nowhere")) == (404, "not-found")
    wrong = site.client.delete("/api/v1/certificates", headers=site.headers)
    assert problem_of(wrong) == (405, "method-not-allowed")
    assert wrong.headers["Allow"] == "POST"
    large = site.post("/reports", {"message": "x" * 100_000}, "a")
    assert problem_of(large) == (413, "too-large")
    headers = site.headers | {"Idempotency-Key": "a"}
    for data, kind, status in (
        ("{", "application/json", (400, "bad-request")),
        (b"\xff", "application/json", (400, "bad-request")),
        ("a=1", "application/x-www-form-urlencoded", (415, "wrong-content-type")),
        ("{}", "text/plain", (415, "wrong-content-type")),
        ("[]", "application/json", (422, "invalid")),
    ):
        answer = site.client.post("/api/v1/certificates", data=data, content_type=kind, headers=headers)
        assert problem_of(answer) == status


@pytest.mark.parametrize(
    ("ours", "desks"),
    [
        (schemas.Channel, models.Channel),
        (schemas.Kind, models.RequestKind),
        (schemas.State, models.RequestState),
        (schemas.Appointment.model_fields["state"].annotation, models.BookingState),
        (schemas.Event.model_fields["type"].annotation, models.EventKind),
        (schemas.Purpose, models.RoomUse),
        (schemas.Part, models.PartOfDay),
        (schemas.CertificateRequest.model_fields["delivery"].annotation, models.Delivery),
    ],
)
def test_the_words_of_the_channel_are_those_of_the_desk(
    ours: Callable[[], object], desks: type[models.Channel]
) -> None:
    assert set(typing.get_args(ours)) == {member.value for member in desks}


def test_the_client_needs_neither_flask_nor_sqlalchemy() -> None:
    program = (
        "import sys, webhooks.client; "
        "print([name for name in ('flask', 'werkzeug', 'sqlalchemy', 'twilio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, check=True)
    assert done.stdout == b"[]\n"


def next_weekday(day: date) -> date:
    """That day, or the next one that is no holiday."""
    while is_holiday(day):
        day += timedelta(days=1)
    return day


def rename(town: db.Sessions, table: str, to: str) -> None:
    with db.transaction(town) as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))
