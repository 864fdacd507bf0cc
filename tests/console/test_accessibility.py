"""axe over every page, in both languages, on a desk's screen and a tablet held upright."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from desk.citizens import register_citizen
from desk.db import Sessions, transaction
from desk.demo import load_demo
from desk.exchange_rules import QueueOrder, change_routing_rules
from desk.models import JobResult, JobState, MessageState, RequestState, Role
from tests.conftest import DEMO_KEYRING
from tests.console.browsing import Visitor
from tests.console.fixed import Clock, File, birth_certificate
from tests.console.signing_in import an_operator

TAX_CODE = "CLMGLI80C55F205N"
SCREEN = "/console/wall/screen"

#: What the town of the demo is managed by.
MANAGED = (
    "/console/agenda",
    "/console/agenda/rules",
    "/console/hours",
    "/console/notices",
    "/console/phones",
    "/console/phones/201",
    "/console/routing",
    "/console/courses",
    "/console/courses/ceramics",
    "/console/courses/new",
    "/console/rooms",
    "/console/rooms/civic_hall",
    "/console/certificates",
    "/console/offices",
    "/console/reporting",
    "/console/prompts",
    "/console/prompts/welcome.greeting",
    "/console/messages",
    "/console/messages/appointment_booked",
    "/console/changes",
    "/console/audit",
    # Of the statistics; with figures in them they are looked at in test_statistics_browser.py.
    "/console/statistics",
    "/console/statistics/calls",
    "/console/statistics/year",
    "/console/visits",
)


@pytest.fixture
def town(sessions: Sessions, clock: Clock, file: File) -> str:
    """A little of everything that the pages show; gives the reference of one request."""
    with transaction(sessions) as db:
        giulia = register_citizen(
            db,
            tax_code=TAX_CODE,
            first_name="Giulia",
            last_name="Colombo",
            birth_date=date(1980, 3, 15),
            address="Via Brasca 4",
            phone_numbers=["+393331112201"],
            now=clock.now,
        )
        db.add_all(
            [
                JobState(
                    name="backup",
                    every_seconds=60,
                    started_at=clock.now - timedelta(hours=7),
                    milliseconds=900,
                    result=JobResult.FAILED,
                    failure="DumpError",
                    runs=3,
                    failures=1,
                ),
                JobState(name="outbox", every_seconds=5, runs=0, failures=0),
            ]
        )
        load_demo(db, DEMO_KEYRING, clock.now)
        change_routing_rules(
            db, QueueOrder(20, 45, 60, 900, 7, False, False, 30, 5), by="capo", now=clock.now
        )
    an_operator(sessions, "capo", Role.ADMIN)
    for state in RequestState:
        file(state=state, citizen=giulia, due_on=date(2026, 11, 23))
    file(due_on=date(2026, 11, 1))
    recorded = birth_certificate(identity_recording=Path("identity.wav"))
    return file(recorded, citizen=giulia, receipt=MessageState.FAILED).reference


#: A tablet held upright, in pixels.
NARROW = 820


@pytest.mark.parametrize("width", [1366, NARROW])
# Some eighty pages: on a machine with other work to do they take their time.
@pytest.mark.timeout(600)
def test_axe_finds_nothing_on_any_page(browser: Browser, address: str, town: str, width: int) -> None:
    visitor = Visitor.at(browser, address, width=width)
    page, found = visitor.page, {}

    def look(name: str) -> None:
        if wrong := visitor.violations():
            found[name] = wrong
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name

    def visit(address: str) -> None:
        """What is narrow is too narrow in Italian first."""
        page.goto(f"{address}{'&' if '?' in address else '?'}lang={'en' if width > NARROW else 'it'}")
        look(address)

    for public in (
        "/console/login",
        "/menu",
        "/wait",
        "/nowhere",
        "/console/accessibility",
        "/console/wall/screen",
    ):
        visit(public)
    visitor.sign_in("capo")
    for inside in (
        "/console/profile",
        "/console/profile/password",
        "/console/profile/two-step",
        "/console/operators",
        "/console/operators/new",
        "/console/operators/1",
        "/console/api-keys",
        "/console/jobs",
        "/console/requests",
        "/console/requests?found=1&state=all",
        f"/console/requests/{town}",
        f"/console/requests/{town}/slip",
        "/console/requests/new",
        "/console/requests/new/certificate",
        "/console/requests/new/report?citizen=1",
        "/console/requests/new/documents",
        "/console/citizens",
        "/console/citizens/1",
        "/console/citizens/1/change",
        "/console/citizens/new",
        "/console/citizens/data",
        "/console/wall",
        "/console/wall/screens",
        "/console/statistics/mails",
        *MANAGED,
    ):
        visit(inside)
    visit("/console/agenda?office=counters&view=week")
    visit("/console/try")
    visit("/console/phone")
    page.goto("/console/phone?lang=it")
    # The place is taken while nothing of Asterisk is there: the page says so, and works.
    page.locator("#extension").select_option("201")
    page.locator("#device-desk").check()
    page.locator("#take-place button").click()
    page.locator("#place-name", has_text="(201)").wait_for()
    page.locator("#pausing summary").click()
    page.locator("#shortcuts summary").click()
    look("somebody at a place")
    page.goto("/console/citizens/data")
    page.locator("#tax_code").fill("RSSMRA80A01F205X")
    page.locator("#tax_code").press("Enter")
    look("a citizen who is not there")
    page.locator("#tax_code").fill(TAX_CODE)
    page.locator("#tax_code").press("Enter")
    look("a citizen")
    # That nothing was found means something only if axe finds what is wrong.
    page.evaluate("document.querySelector('label[for=again]').remove()")
    assert any(wrong.startswith("label: ") for wrong in visitor.violations())
    page.goto(f"/console/requests/{town}")
    page.get_by_role("button", name="Respingi").click()
    look("a request whose form was refused")
    page.goto("/console/requests?state=all")
    for box in page.locator("input.pick").all():
        box.check()
    page.get_by_role("button", name="Prendi in carico").click()
    look("several requests at once")
    page.goto("/console/requests/new/documents")
    page.locator("#text").fill("x")
    page.get_by_role("button", name="Registra la richiesta").click()
    look("a new request that was refused")
    page.context.close()

    assert found == {}
    assert [text for text in visitor.complaints if "404" not in text and "400" not in text] == []


def test_the_pages_work_without_script(browser: Browser, address: str, town: str) -> None:
    visitor = Visitor.at(browser, address, script=False)
    visitor.sign_in("capo")
    visitor.page.get_by_role("link", name=town).click()
    visitor.page.get_by_role("link", name="Impostazioni").click()
    assert visitor.page.locator("h1").inner_text() == "Operatori"
    visitor.page.get_by_role("link", name="Lavori pianificati").click()
    assert visitor.page.locator("h1").inner_text() == "Lavori pianificati"
    visitor.page.get_by_role("button", name="Esci").click()
    visitor.page.get_by_text("Accesso terminato.").wait_for()
    visitor.page.context.close()
