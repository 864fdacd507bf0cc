"""Reports, competent offices and fees in the console, as far as the next call and the next web request."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import FRESH, House
from agi_scripts.journal import CallJournal
from desk.complaints import ReportOrder, file_report
from desk.db import Sessions, reading, transaction
from desk.demo import load_demo
from desk.models import Email, Fee, ReportCategory, Role, TownChange
from desk.prompt_texts import own_texts
from desk.settings import Settings
from desk.spool import Spool
from ivr.information import Topic
from prompts.catalogue import load_catalogue
from prompts.rewording import Rewording
from tests.conftest import DEMO_KEYRING
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in

NOISE = {
    "new": "yes",
    "code": "noise",
    "name_it": "Rumore",
    "name_en": "Noise",
    "office_code": "environment",
    "working_days": "7",
    "position": "2",
    "active": "yes",
}


@pytest.fixture
def town(sessions: Sessions, clock: Clock) -> Sessions:
    with transaction(sessions) as session:
        load_demo(session, DEMO_KEYRING, clock.now)
    return sessions


@pytest.fixture
def manager(client: FlaskClient, town: Sessions) -> FlaskClient:
    an_operator(town, "mara", Role.MANAGER)
    return sign_in(client, "mara")


@pytest.fixture
def house(settings: Settings, town: Sessions, clock: Clock) -> House:
    """What a call reads the town from."""
    return House(
        settings,
        town,
        Spool(settings.home / "spool"),
        load_catalogue(settings.sounds),
        lambda: clock.now,
    )


def next_call(house: House) -> CallDesk:
    house._read_at -= FRESH + 1
    house.town()
    return CallDesk(house, CallJournal(house, "1.1", None, "100"), None)


def test_a_category_is_added_named_and_offered_on_the_next_call(
    manager: FlaskClient, town: Sessions, house: House, settings: Settings
) -> None:
    assert list(next_call(house).reports.categories()) == ["roads", "environment", "atos", "complaint"]
    for wrong, field in (
        ({"code": "Rumore!"}, "new-code"),
        ({"code": "roads"}, "new-code"),
        ({"name_en": ""}, "new-name_en"),
        ({"working_days": "61"}, "new-working_days"),
        ({"position": "6"}, "new-position"),
    ):
        answer = manager.post("/console/reporting", data=NOISE | wrong)
        assert (answer.status_code, f'id="{field}-error"' in answer.text) == (400, True), wrong
    assert manager.post("/console/reporting", data=NOISE | {"office_code": "no"}).status_code == 404
    assert manager.post("/console/reporting", data=NOISE).status_code == 303
    # At the counter and on the web at once; by telephone once somebody has written how it is called.
    assert "Rumore" in manager.get("/console/reporting").text
    assert "Non al telefono: manca il testo" in manager.get("/console/reporting").text
    assert list(next_call(house).reports.categories()) == ["roads", "environment", "atos", "complaint"]
    assert "Per strade" in manager.get("/menu").text
    lacking = manager.get("/console/prompts").text
    assert lacking.index("report.category.noise") < lacking.index("fallback.sorry")
    page = manager.get("/console/prompts/report.category.noise").text
    assert "Segnalazione: scelta della categoria" in page

    worker = Rewording(settings, town)
    address = "/console/prompts/report.category.noise"
    assert manager.post(f"{address}/it", data={"text": "Per {what:number} rumori,"}).status_code == 400
    assert manager.post(f"{address}/it", data={"text": "Per il rumore,"}).status_code == 303
    worker.keep_up()
    # Not before every language has it.
    assert "noise" not in next_call(house).reports.categories()
    assert "Per il rumore" not in manager.get("/menu").text
    assert manager.post(f"{address}/en", data={"text": "For noise,"}).status_code == 303
    worker.keep_up()
    assert list(next_call(house).reports.categories()) == ["roads", "noise", "environment", "atos"]
    assert house.catalogue.text("en", "report.category.noise") == "For noise,"
    assert (settings.sounds / "it" / "report.category.noise.wav").stat().st_size > 2000
    menu = manager.get("/menu").text
    assert "Per il rumore" in menu
    assert "For noise" in manager.get("/menu?lang=en").text
    # The menu has room for four.
    assert "Per un reclamo" not in menu
    assert "Non al telefono: il menù ha 4 voci" in manager.get("/console/reporting?lang=it").text
    for nonsense in ("report.category.nothing", "main.noise", "report.noise"):
        assert manager.get(f"/console/prompts/{nonsense}").status_code == 404

    assert manager.post(f"{address}/it", data={"do": "usual"}).status_code == 303
    worker.keep_up()
    assert "noise" not in next_call(house).reports.categories()
    with reading(town) as session:
        assert own_texts(session) == {"en": {"report.category.noise": "For noise,"}}
        rows = session.scalars(select(ReportCategory).order_by(ReportCategory.position)).all()
        assert [(row.code, row.position) for row in rows] == [
            ("roads", 1),
            ("noise", 2),
            ("environment", 3),
            ("atos", 4),
            ("complaint", 5),
        ]


def test_the_next_report_goes_to_the_office_that_is_competent_now(
    manager: FlaskClient, town: Sessions, house: House, clock: Clock
) -> None:
    office = {"new": "yes", "code": "works", "name": "Lavori pubblici", "email": "lavori@comune.example"}
    address = "/console/reporting/offices"
    for email in ("lavori", "a@b", "a b@comune.example", "a@comune.example, b@comune.example", "x<a@b.it>"):
        answer = manager.post(address, data=office | {"email": email})
        assert (answer.status_code, 'id="new-office-email-error"' in answer.text) == (400, True), email
    assert manager.post(address, data=office).status_code == 303
    assert manager.post(address, data=office).status_code == 400
    roads = {
        "code": "roads",
        "name_it": "Strade",
        "name_en": "Roads",
        "office_code": "works",
        "working_days": "9",
        "position": "4",
        "active": "yes",
    }
    assert manager.post("/console/reporting", data=roads).status_code == 303
    moved = office | {"new": "", "email": "strade@comune.example"}
    assert manager.post(address, data=moved).status_code == 303
    assert list(next_call(house).reports.categories())[-1] == "roads"
    order = ReportOrder(
        category="roads",
        place="Via Roma",
        message="Buca",
        call_back=False,
        language="it",
        idempotency_key="1",
    )
    with transaction(town) as session:
        reference = file_report(session, order, now=clock.now).reference
    with reading(town) as session:
        mail = session.scalars(select(Email)).one()
        assert (mail.to_address, mail.subject) == ("strade@comune.example", "Strade")
        noted = session.scalars(select(TownChange).order_by(TownChange.id)).all()
        assert [(change.what, change.which) for change in noted] == [
            ("competent_offices", "works"),
            ("report_categories", "roads"),
            ("report_categories", "roads"),
            ("competent_offices", "works"),
        ]
        assert noted[-1].after == {"email": "strade@comune.example"}
    an_operator(town, "olga", Role.OPERATOR)
    detail = sign_in(manager, "olga").get(f"/console/requests/{reference}").text
    assert "Lavori pubblici" in detail


def test_a_fee_is_told_on_the_next_call(manager: FlaskClient, town: Sessions, house: House) -> None:
    address = "/console/fees/identity_card"
    assert manager.post(address, data={"amount": "molto", "source": "x"}).status_code == 400
    assert manager.post(address, data={"amount": "23,50", "source": ""}).status_code == 400
    assert manager.post("/console/fees/passport", data={"amount": "1", "source": "x"}).status_code == 404
    assert next_call(house).information.fee(Topic.IDENTITY_CARD) == Decimal("22.21")
    assert manager.post(address, data={"amount": "23,50", "source": "Delibera 7/2026"}).status_code == 303
    assert next_call(house).information.fee(Topic.IDENTITY_CARD) == Decimal("23.50")
    with reading(town) as session:
        assert session.get_one(Fee, "identity_card").source == "Delibera 7/2026"
        assert session.scalars(select(TownChange.what)).all() == ["fees"]
    assert "23,50" in manager.get("/console/certificates").text
