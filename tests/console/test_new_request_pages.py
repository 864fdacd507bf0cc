"""New requests at the counter, and the cards of citizens, through the pages."""

from __future__ import annotations

import html
import re
from datetime import date
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from desk.citizens import register_citizen
from desk.consents import has_consent
from desk.counter_requests import COUNTER_KINDS
from desk.db import Sessions, reading, transaction
from desk.models import (
    Audit,
    CallerPreference,
    CertificateDetails,
    CertificateKind,
    Channel,
    Citizen,
    CompetentOffice,
    CounterDetails,
    CounterService,
    CounterVisit,
    FlowCategory,
    IdentifiedBy,
    IdentityDocument,
    Message,
    Operator,
    Purpose,
    ReportCategory,
    Request,
    RequestState,
    Role,
)
from tests.console.browsing import Visitor
from tests.console.fixed import Clock, File
from tests.console.signing_in import an_operator, sign_in

NEW, CITIZENS = "/console/requests/new", "/console/citizens"
TAX_CODE = "CLMGLI80C55F205N"
KEY = {"key": "6f1e8f5a-2f0a-4d55-9d0b-3d3d1c4a9b11"}


UGO = {"first_name": "Ugo", "last_name": "Riva"}


@pytest.fixture
def giulia(sessions: Sessions, clock: Clock) -> Citizen:
    with transaction(sessions) as session:
        session.add(
            CertificateKind(
                code="residence",
                position=1,
                civil_status=False,
                stamp_duty=Decimal("16.00"),
                secretary_fee=Decimal("0.52"),
                working_days=3,
            )
        )
        for code in ("certificates", "information"):
            session.add(FlowCategory(code=code, position=1, name_it=code, name_en=code))
            session.flush()
            session.add(CounterService(code=code, position=1, name_it=code, name_en=code, category_code=code))
        session.add(CompetentOffice(code="technical", name="Ufficio tecnico", email="tecnico@example.org"))
        session.flush()
        session.add(
            ReportCategory(
                code="roads", position=1, name_it="Strade", office_code="technical", working_days=5
            )
        )
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
def at_desk(client: FlaskClient, anna: Operator, giulia: Citizen) -> FlaskClient:
    return sign_in(client, "anna")


def filed(sessions: Sessions) -> list[Request]:
    with reading(sessions) as session:
        requests = list(session.scalars(select(Request).order_by(Request.id)))
        assert all(request.periods for request in requests)
        return requests


def visits(sessions: Sessions) -> list[tuple[str, str]]:
    with reading(sessions) as session:
        rows = session.scalars(select(CounterVisit).order_by(CounterVisit.id))
        return [(row.service_code, row.by) for row in rows]


def errors(page: str) -> list[str]:
    return re.findall(r'id="(\w+)-error"', page)


def audit(sessions: Sessions) -> list[tuple[str, str]]:
    with reading(sessions) as session:
        return [(row.action.value, row.detail) for row in session.scalars(select(Audit).order_by(Audit.id))]


def test_all_twelve_services_have_a_form(at_desk: FlaskClient) -> None:
    page = at_desk.get(NEW).text
    addresses = re.findall(r'href="(/console/requests/new/\w+)"', page)
    assert addresses == [f"{NEW}/{kind.value}" for kind in COUNTER_KINDS]
    for language in ("en", "it"):
        for address in addresses:
            assert at_desk.get(f"{address}?lang={language}").status_code == 200
    assert at_desk.get(f"{NEW}/message").status_code == 404


def test_a_certificate_is_ordered_at_the_counter_as_from_everywhere(
    at_desk: FlaskClient, sessions: Sessions, giulia: Citizen
) -> None:
    form = {
        **KEY,
        "tax_code": TAX_CODE.lower(),
        "certificate": "residence",
        "copies": "2",
        "delivery": "counter",
        "phone": "333 1112201",
        "sms": "yes",
    }
    first, again = (at_desk.post(f"{NEW}/certificate", data=form) for _ in range(2))
    assert (first.status_code, first.headers["Location"]) == (303, again.headers["Location"])
    (request,) = filed(sessions)
    assert isinstance(request.details, CertificateDetails)
    assert (request.channel, request.citizen_id, request.details.fee, request.details.identified_by) == (
        Channel.COUNTER,
        giulia.id,
        "33.04",
        IdentifiedBy.DOCUMENT,
    )
    assert request.due_on == date(2026, 11, 26)
    with reading(sessions) as session:
        assert has_consent(session, "+393331112201", Purpose.RECEIPTS)
        assert session.scalars(select(Message.template)).all() == ["certificate_receipt"]
    assert "Richiesta registrata." in at_desk.get(first.headers["Location"]).text
    assert ("changed", "filed") in audit(sessions)
    assert visits(sessions) == [("certificates", "anna")]


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({}, ["tax_code"]),
        ({"tax_code": "RSSMRA80A01F205X"}, ["tax_code"]),
        ({"last_name": "Colombo", "first_name": "Giulia"}, ["born"]),
        ({"last_name": "Colombo", "born": "1981-03-15"}, ["last_name"]),
        ({"last_name": "Colombo", "born": "nonsense"}, ["born"]),
        ({"unregistered": "yes", "last_name": "Riva"}, ["last_name"]),
        ({"unregistered": "yes", **UGO, "tax_code": "RSSMRA80A01H501X"}, ["tax_code"]),
        ({"unregistered": "yes", **UGO, "tax_code": TAX_CODE}, ["tax_code"]),
        ({"tax_code": TAX_CODE, "phone": "12"}, ["phone"]),
        ({"tax_code": TAX_CODE, "sms": "yes"}, ["phone"]),
        ({"tax_code": TAX_CODE, "sms": "yes", "phone": "02 9091234"}, ["phone"]),
        ({"tax_code": TAX_CODE, "text": " "}, ["text"]),
        # What is too long is refused: nobody would notice what a cut took away.
        ({"tax_code": TAX_CODE, "text": "x" * 4001}, ["text"]),
        ({"tax_code": TAX_CODE, "last_name": "x" * 81}, ["last_name"]),
    ],
)
def test_a_form_that_is_wrong_says_where_and_keeps_what_was_typed(
    at_desk: FlaskClient, sessions: Sessions, typed: dict[str, str], wrong: list[str]
) -> None:
    answer = at_desk.post(f"{NEW}/documents", data={"text": "Il <b>bando</b>", **typed})
    assert answer.status_code == 400
    assert errors(answer.text) == wrong
    for value in typed.values():
        assert value.strip() in answer.text
    if "text" not in typed:
        assert "Il &lt;b&gt;bando&lt;/b&gt;" in answer.text
    assert filed(sessions) == []
    with reading(sessions) as session:
        assert not has_consent(session, "+393331112201", Purpose.RECEIPTS)


def test_who_is_not_in_the_register_and_who_says_nothing(
    at_desk: FlaskClient, sessions: Sessions, giulia: Citizen
) -> None:
    for kind, form in (
        ("declarations", {"unregistered": "yes", "first_name": "Ugo", "last_name": "D'Adda", "done": "yes"}),
        ("information", {}),
        ("documents", {"last_name": "Colombo", "first_name": "Giulia", "born": "1980-03-15"}),
        ("call_center", {"citizen": str(giulia.id), "channel": "phone", "language": "en"}),
    ):
        answer = at_desk.post(f"{NEW}/{kind}", data={"text": "x", **form})
        assert answer.status_code == 303, kind
    unregistered, nobody, found, by_card = filed(sessions)
    # The town counts certificates and information; who telephones is no visitor.
    assert visits(sessions) == [("information", "anna")]
    assert (unregistered.applicant, unregistered.state) == ("D'Adda Ugo", RequestState.DONE)
    assert (nobody.applicant, nobody.citizen_id) == (None, None)
    assert found.citizen_id == by_card.citizen_id == giulia.id
    assert (by_card.channel, by_card.language) == (Channel.PHONE, "en")
    assert isinstance(nobody.details, CounterDetails)
    assert nobody.details.identified_by is None
    assert at_desk.get(f"{NEW}?citizen=77").status_code == 404
    at_desk.post("/console/requests/search", data={"search": "d'adda"})
    assert unregistered.reference in at_desk.get("/console/requests?found=1").text


def test_of_who_is_not_in_the_register_civil_status_only_is_certified(
    at_desk: FlaskClient, sessions: Sessions
) -> None:
    form = {
        "unregistered": "yes",
        **UGO,
        "tax_code": "rssmra80a01h501u",
        "copies": "1",
        "delivery": "counter",
    }
    refused = at_desk.post(f"{NEW}/certificate", data={**form, "certificate": "residence"})
    assert (refused.status_code, errors(refused.text)) == (400, ["certificate"])
    assert filed(sessions) == []
    other = {**form, "certificate": "residence", "subject_name": "Giulia Colombo"}
    assert at_desk.post(f"{NEW}/certificate", data=other).status_code == 303
    (request,) = filed(sessions)
    assert (request.applicant, request.applicant_tax_code) == ("Riva Ugo", "RSSMRA80A01H501U")
    page = at_desk.get(f"/console/requests/{request.reference}").text
    assert "Non è in anagrafe: codice fiscale" in page
    assert "RSSMRA80A01H501U" in page


def test_a_report_goes_to_its_office(at_desk: FlaskClient, sessions: Sessions) -> None:
    form = {"category": "roads", "place": "Via Roma", "message": "Una buca", "call_back": "yes"}
    assert errors(at_desk.post(f"{NEW}/report", data=form).text) == ["phone"]
    assert at_desk.post(f"{NEW}/report", data={**form, "phone": "02 9091234"}).status_code == 303
    (request,) = filed(sessions)
    assert request.contact_e164 == "+39029091234"
    assert request.periods[0].by == "anna"


def test_a_citizen_is_found_in_three_ways(at_desk: FlaskClient, sessions: Sessions, giulia: Citizen) -> None:
    card = f"{CITIZENS}/{giulia.id}"
    for form in (
        {"tax_code": TAX_CODE},
        {"last_name": "colombo", "born": "1980-03-15"},
        {"phone": "3331112201"},
    ):
        answer = at_desk.post(CITIZENS, data=form)
        assert (answer.status_code, answer.headers.get("Location")) == (303, card), form
    assert at_desk.post(CITIZENS, data={"last_name": "colombo"}).status_code == 400
    assert at_desk.post(CITIZENS, data={"phone": "xyz"}).status_code == 400
    assert at_desk.post(CITIZENS, data={"tax_code": "RSSMRA80A01F205X"}).status_code == 404
    assert at_desk.get(f"{CITIZENS}/{2**40}").status_code == 404
    assert audit(sessions) == [("searched", "")] * 3 + [("searched", "not found")]
    page = at_desk.get(card).text
    for known in ("Giulia Colombo", TAX_CODE, "15/03/1980", "+393331112201", "Via Brasca 4"):
        assert known in page
    assert audit(sessions)[-1] == ("viewed", "")


def test_a_family_that_shares_a_number_is_listed(
    at_desk: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    with transaction(sessions) as session:
        register_citizen(
            session,
            tax_code="CLMMRC77S02F205Q",
            first_name="Marco",
            last_name="Colombo",
            birth_date=date(1977, 11, 2),
            address="Via Brasca 4",
            phone_numbers=["+393331112201"],
            now=clock.now,
        )
    page = at_desk.post(CITIZENS, data={"phone": "3331112201"}).text
    assert re.findall(r">(Colombo \w+)</a>", page) == ["Colombo Giulia", "Colombo Marco"]


def test_consents_numbers_language_and_documents_on_the_card(
    at_desk: FlaskClient, sessions: Sessions, giulia: Citizen, clock: Clock
) -> None:
    card = f"{CITIZENS}/{giulia.id}"

    def act(name: str, **more: str) -> int:
        return at_desk.post(f"{card}/act", data={"act": name, "e164": "+393331112201", **more}).status_code

    assert act("passport") == 303
    assert "avvisare a voce" in at_desk.get(card).text
    assert act("give", purpose="receipts") == 303
    assert "testo counter-1, Sportello" in at_desk.get(card).text
    assert act("give", purpose="notices") == 303
    assert act("withdraw", purpose="notices") == 303
    assert act("passport") == 303
    assert act("give", purpose="nonsense") == 400
    assert act("give", purpose="notices", e164="+393339999999") == 404
    assert act("language", language="en") == 303
    assert act("language", language="xx") == 400
    assert act("add_number", number="02 9091234") == 303
    assert act("add_number", number="02 9091234") == 400
    assert act("give", purpose="notices", e164="+39029091234") == 303
    assert act("remove_number", e164="+39029091234") == 303
    assert act("card", kind="electronic", issued_on="2020-05-04") == 303
    assert act("card", kind="electronic", issued_on="2027-05-04") == 400
    assert act("card", kind="paper", issued_on="") == 400
    assert act("nonsense") == 400
    with reading(sessions) as session:
        assert has_consent(session, "+393331112201", Purpose.RECEIPTS)
        assert not has_consent(session, "+393331112201", Purpose.NOTICES)
        assert session.scalars(select(Message.template)).all() == ["passport_arrived"]
        assert session.scalars(select(CallerPreference.language)).all() == ["en"]
        # Valid for ten years, and then until the birthday.
        assert session.scalars(select(IdentityDocument.expires_on)).all() == [date(2031, 3, 15)]
    assert [detail for action, detail in audit(sessions) if action == "changed"] == [
        "passport", "give", "give", "withdraw", "passport", "language", "add_number", "give", "remove_number",
        "card",
    ]  # fmt: skip


def test_a_citizen_is_registered_and_changed(
    at_desk: FlaskClient, sessions: Sessions, giulia: Citizen
) -> None:
    form = {
        "first_name": "Mario",
        "last_name": "Rossi",
        "tax_code": "rssmra80a01f205x",
        "born": "1980-01-01",
        "address": "Via Roma 1",
        "phone": "3339990001",
    }
    for wrong, field in (
        ({"tax_code": "RSSMRA80A01F205A"}, "tax_code"),
        ({"born": "1980-01-02"}, "born"),
        ({"born": ""}, "born"),
        ({"address": " "}, "address"),
        ({"phone": "12"}, "phone"),
    ):
        answer = at_desk.post(f"{CITIZENS}/new", data={**form, **wrong})
        assert (answer.status_code, errors(answer.text)) == (400, [field])
    made = at_desk.post(f"{CITIZENS}/new", data=form)
    assert made.status_code == 303
    assert at_desk.post(f"{CITIZENS}/new", data=form).status_code == 409
    card = made.headers["Location"]
    assert 'value="Via Roma 1"' in at_desk.get(f"{card}/change").text
    changed = {"first_name": "Mario", "last_name": "Rossi", "address": "Via Dante 2"}
    assert at_desk.post(f"{card}/change", data=changed).status_code == 303
    assert at_desk.post(f"{card}/change", data={**changed, "last_name": ""}).status_code == 400
    page = at_desk.get(card).text
    assert "Via Dante 2" in page
    with reading(sessions) as session:
        mario = session.scalars(select(Citizen).where(Citizen.last_name == "Rossi")).one()
        assert (mario.tax_code, mario.name_key) == ("RSSMRA80A01F205X", "rossi mario")


def test_a_manager_sees_no_citizen(
    client: FlaskClient, sessions: Sessions, giulia: Citizen, file: File
) -> None:
    an_operator(sessions, "dirigente", Role.MANAGER)
    sign_in(client, "dirigente")
    reference = file(citizen=giulia).reference
    assert f"/citizens/{giulia.id}" not in client.get(f"/console/requests/{reference}").text
    for path in ("", "/new", f"/{giulia.id}", f"/{giulia.id}/change"):
        assert client.get(f"{CITIZENS}{path}").status_code == 403
    assert client.get(NEW).status_code == 403


def test_no_name_stands_in_any_address(visitor: Visitor, anna: Operator, giulia: Citizen) -> None:
    """From the search to the request of a citizen, as the browser asks for it."""
    seen: list[str] = []
    visitor.page.on("request", lambda sent: seen.append(f"{sent.url} {sent.headers.get('referer')}"))
    visitor.sign_in("anna")
    page = visitor.page
    page.goto(CITIZENS)
    by_name = page.get_by_role("region", name="Per nome e data di nascita")
    by_name.get_by_label("Cognome").fill("Colombo")
    by_name.get_by_label("Data di nascita").fill("1980-03-15")
    by_name.get_by_role("button", name="Cerca").click()
    page.get_by_role("heading", name="Giulia Colombo").wait_for()
    page.get_by_role("link", name="Nuova richiesta").last.click()
    page.get_by_role("link", name="Autentica di copie e firme").click()
    page.get_by_label("Richiesta *").fill("Due copie del contratto")
    page.get_by_role("button", name="Registra la richiesta").click()
    page.get_by_text("Richiesta registrata.").wait_for()
    page.get_by_role("link", name="Stampa il cedolino").click()
    page.get_by_text("Giulia Colombo").wait_for()
    assert visitor.violations() == []
    assert not [url for url in seen if re.search("olombo|CLMGLI|1980|333111", html.unescape(url))]
    assert visitor.complaints == []
