"""A manager goes from the overview to a single call and to paper, in a real browser, mostly by keyboard."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import Browser, expect

from desk.db import Sessions, transaction
from desk.demo import load_demo
from desk.models import Role
from tests.conftest import DEMO_KEYRING
from tests.console.browsing import Visitor
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator
from tests.reports.test_calls import keep_monday

WIDTH = 820


def test_from_the_overview_to_a_call_and_to_paper(
    browser: Browser, address: str, sessions: Sessions, clock: Clock
) -> None:
    with transaction(sessions) as db:
        load_demo(db, DEMO_KEYRING, clock.now)
    keep_monday(sessions)
    clock.now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    an_operator(sessions, "dirigente", Role.MANAGER)
    visitor = Visitor.at(browser, address, width=WIDTH)
    page, wrong = visitor.page, {}

    def look(name: str) -> None:
        if found := visitor.violations():
            wrong[name] = found
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, name

    visitor.sign_in("dirigente")
    page.get_by_role("link", name="Statistiche").click()
    expect(page.locator("h1")).to_have_text("Panoramica")

    # What a figure means is told at its name, to the keyboard as well, and put away.
    name = page.get_by_role("link", name="Livello di servizio").first
    name.focus()
    meaning = page.get_by_role("tooltip").and_(page.locator("#tip-tile-service_level"))
    expect(meaning).to_be_visible()
    expect(name).to_have_accessible_description(meaning.inner_text())
    look("a meaning")
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()

    # A date that is chosen is a period; what is asked stands in the address, and goes on to other pages.
    page.locator("#from").fill("2026-11-23")
    expect(page.locator("#span")).to_have_value("chosen")
    page.locator("#to").fill("2026-11-23")
    page.locator("#to").press("Enter")
    expect(page).to_have_url(re.compile("from=2026-11-23&to=2026-11-23"))
    offered = page.locator(".tile", has=page.get_by_role("link", name="Chiamate offerte"))
    expect(offered.locator(".tile-value")).to_have_text("8")
    expect(page.locator("img.chart").first).to_have_js_property("complete", value=True)
    look("overview")
    page.get_by_role("link", name="Quando").click()
    expect(page.locator(".heat tbody tr").first).to_contain_text("3,0")
    look("heat map")
    page.locator(".heat").get_by_role("link", name="3,0").first.click()
    expect(page.locator("h2").first).to_have_text("Chiamate offerte: 3")
    look("list")
    page.locator("tbody a").first.press("Enter")
    expect(page.locator("h1")).to_contain_text("Chiamata del 23/11/2026 09:20")
    expect(page.get_by_text("Il cittadino riaggancia")).to_be_visible()
    look("one call")
    for path in ("ivr", "staffing?operators=1"):
        page.goto(f"/console/statistics/{path}{'&' if '?' in path else '?'}from=2026-11-23&to=2026-11-23")
        look(path)

    page.goto("/console/statistics/calls?from=2026-11-23&to=2026-11-23&by=hour")
    page.emulate_media(media="print")
    expect(page.locator("form.filters")).to_be_hidden()
    expect(page.get_by_text("Dal 23/11/2026 al 23/11/2026")).to_be_visible()
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF-")
    page.context.close()

    assert wrong == {}
    assert visitor.complaints == []
