"""Export and erasure by an administrator, and the audit of every look."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from desk.citizens import register_citizen
from desk.db import Sessions, reading, transaction
from desk.keyring import open_keyring
from desk.models import Audit, Citizen, Consent, Operator, RequestState, Role
from desk.settings import Settings
from tests.console.fixed import Clock, File, birth_certificate
from tests.console.signing_in import an_operator, sign_in

TAX_CODE = "CLMGLI80C55F205N"


@pytest.fixture
def giulia(sessions: Sessions, clock: Clock, settings: Settings) -> Citizen:
    open_keyring(settings.home, extensions=(), logins=())
    with transaction(sessions) as session:
        return register_citizen(
            session,
            tax_code=TAX_CODE,
            first_name="Giulia",
            last_name="Colombo",
            birth_date=date(1980, 3, 15),
            address="Via Brasca 4",
            phone_numbers=["+393331112201"],
            now=clock.now,
        )


@pytest.fixture
def admin(client: FlaskClient, sessions: Sessions) -> FlaskClient:
    an_operator(sessions, "capo", Role.ADMIN)
    return sign_in(client, "capo")


def audit(sessions: Sessions) -> list[tuple[str, str, int | None, int | None, str]]:
    with reading(sessions) as session:
        return [
            (row.by, row.action.value, row.citizen_id, row.request_id, row.detail)
            for row in session.scalars(select(Audit).order_by(Audit.id))
        ]


def test_a_citizen_is_found_exported_and_erased(
    admin: FlaskClient, giulia: Citizen, sessions: Sessions, file: File
) -> None:
    file(citizen=giulia, state=RequestState.DONE)
    assert "Codice fiscale" in admin.get("/console/citizens/data").text
    page = admin.post("/console/citizens/data", data={"tax_code": "clmgli80c55f205n "})
    assert page.status_code == 200
    for known in ("Giulia Colombo", TAX_CODE, "15/03/1980", "+393331112201"):
        assert known in page.text

    answer = admin.post("/console/citizens/export", data={"tax_code": TAX_CODE})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="citizen-{giulia.id}.json"'
    assert json.loads(answer.data)["tables"]["citizens"][0]["last_name"] == "Colombo"

    wrong = {"tax_code": TAX_CODE, "again": "CLMGLI80C55F205X"}
    refused = admin.post("/console/citizens/erase", data=wrong)
    assert refused.status_code == 400
    assert "non è stato cancellato nulla" in refused.text
    page = admin.post("/console/citizens/erase", data={"tax_code": TAX_CODE, "again": TAX_CODE.lower()})
    assert page.status_code == 200
    assert "D.P.R. 445/2000" in page.text
    gone = admin.post("/console/citizens/data", data={"tax_code": TAX_CODE})
    assert gone.status_code == 404
    with reading(sessions) as session:
        assert session.get_one(Citizen, giulia.id).last_name != "Colombo"
    assert audit(sessions) == [
        ("capo", "searched", giulia.id, None, ""),
        ("capo", "exported", giulia.id, None, "page"),
        ("capo", "erased", giulia.id, None, "page"),
        ("capo", "searched", None, None, "not found"),
    ]


def test_who_is_not_in_the_register_is_found_exported_and_erased(
    admin: FlaskClient, giulia: Citizen, sessions: Sessions, file: File
) -> None:
    request = file(state=RequestState.DONE)
    with transaction(sessions) as session:
        kept = session.merge(request)
        kept.applicant, kept.applicant_tax_code = "D'Adda Ugo", "RSSMRA80A01H501U"
    page = admin.post("/console/citizens/data", data={"tax_code": "rssmra80a01h501u"}).text
    for known in ("D&#39;Adda Ugo", "RSSMRA80A01H501U", "Non è in anagrafe"):
        assert known in page
    answer = admin.post("/console/citizens/export", data={"tax_code": "RSSMRA80A01H501U"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="citizen-outside.json"'
    assert [row["reference"] for row in json.loads(answer.data)["tables"]["requests"]] == [request.reference]
    twice = {"tax_code": "RSSMRA80A01H501U", "again": "rssmra80a01h501u"}
    assert admin.post("/console/citizens/erase", data=twice).status_code == 200
    assert admin.post("/console/citizens/data", data=twice).status_code == 404
    with reading(sessions) as session:
        kept = session.merge(request, load=True)
        session.refresh(kept)
        assert kept.applicant is None
        assert kept.applicant_tax_code is not None
        pseudonym = kept.applicant_tax_code
    assert pseudonym.startswith("p")
    assert audit(sessions) == [
        ("capo", "searched", None, None, ""),
        ("capo", "exported", None, None, "page"),
        ("capo", "erased", None, None, "page"),
        ("capo", "searched", None, None, "not found"),
    ]
    with reading(sessions) as session:
        assert session.scalars(select(Audit.outsider).order_by(Audit.id)).all() == [*[pseudonym] * 3, None]


def test_nobody_with_an_open_request_is_erased(
    admin: FlaskClient, giulia: Citizen, sessions: Sessions, file: File
) -> None:
    request = file(citizen=giulia)
    answer = admin.post("/console/citizens/erase", data={"tax_code": TAX_CODE, "again": TAX_CODE})
    assert answer.status_code == 409
    assert f"/console/requests/{request.reference}" in answer.text
    with reading(sessions) as session:
        assert session.get_one(Citizen, giulia.id).last_name == "Colombo"
    assert audit(sessions) == []


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPERVISOR, Role.MANAGER])
def test_only_administrators_get_there(
    client: FlaskClient, sessions: Sessions, giulia: Citizen, role: Role
) -> None:
    an_operator(sessions, "altro", role)
    sign_in(client, "altro")
    assert "/console/citizens/data" not in client.get("/console/requests").text
    assert client.get("/console/citizens/data").status_code == 403
    for path in ("/data", "/export", "/erase"):
        form = {"tax_code": TAX_CODE, "again": TAX_CODE}
        assert client.post(f"/console/citizens{path}", data=form).status_code == 403
    with reading(sessions) as session:
        assert session.get_one(Citizen, giulia.id).last_name == "Colombo"


def test_a_form_without_its_token_is_refused(app: Flask, admin: FlaskClient, giulia: Citizen) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    for path in ("/data", "/export", "/erase"):
        form = {"tax_code": TAX_CODE, "again": TAX_CODE}
        assert admin.post(f"/console/citizens{path}", data=form).status_code == 400


def test_every_look_at_a_request_is_in_the_audit(
    client: FlaskClient, anna: Operator, sessions: Sessions, giulia: Citizen, file: File, settings: Settings
) -> None:
    recording = Path("recordings/identity.wav")
    (settings.home / "recordings").mkdir()
    (settings.home / recording).write_bytes(b"0123456789")
    request = file(birth_certificate(identity_recording=recording), citizen=giulia)
    sign_in(client, "anna")
    client.get("/console/requests")
    client.get("/console/requests/live")
    address = f"/console/requests/{request.reference}"
    client.get(address)
    client.get(f"{address}/identity.wav", buffered=True)
    # The rest of the same listening.
    client.get(f"{address}/identity.wav", headers={"Range": "bytes=5-"}, buffered=True)
    client.get("/console/requests/12345678")
    assert audit(sessions) == [
        ("anna", "listed", None, None, ""),
        ("anna", "viewed", giulia.id, request.id, ""),
        ("anna", "heard", giulia.id, request.id, "identity"),
    ]


def test_without_its_row_nothing_is_shown(
    client: FlaskClient, anna: Operator, sessions: Sessions, giulia: Citizen, file: File
) -> None:
    request = file(citizen=giulia)
    sign_in(client, "anna")
    with transaction(sessions) as session:
        Audit.__table__.drop(session.connection())  # type: ignore[attr-defined]
    answer = client.get(f"/console/requests/{request.reference}")
    assert answer.status_code == 503
    assert "Colombo" not in answer.text


def test_what_is_due_is_marked_and_counted(
    client: FlaskClient, anna: Operator, file: File, clock: Clock
) -> None:
    sign_in(client, "anna")
    assert "due-counts" not in client.get("/console/requests").text
    for due in (date(2026, 11, 20), date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 24)):
        file(due_on=due)
    file(due_on=date(2026, 11, 1), state=RequestState.DONE)
    page = client.get("/console/requests").text
    assert "Scadute: 2. In scadenza oggi: 1." in page
    assert page.count(">Scaduta<") == 2
    assert page.count(">Scade oggi<") == 1


def test_a_landline_agrees_to_be_called_and_a_foreign_number_to_nothing(
    client: FlaskClient, sessions: Sessions, giulia: Citizen
) -> None:
    an_operator(sessions, "olga", Role.OPERATOR)
    sign_in(client, "olga")
    card = f"/console/citizens/{giulia.id}"
    act = f"{card}/act"
    for number, status in (("02 90901234", 303), ("+41 44 668 18 00", 400)):
        added = client.post(act, data={"act": "add_number", "number": number})
        assert added.status_code == 303
        e164 = "+" + "".join(filter(str.isdigit, number if number[0] == "+" else f"39{number}"))
        answer = client.post(act, data={"act": "give", "e164": e164, "purpose": "receipts"})
        assert answer.status_code == status, number
    with reading(sessions) as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.e164, consent.text_version) == ("+390290901234", "counter-voice-1")
    assert "versione counter-voice-1" in client.get(card).text
