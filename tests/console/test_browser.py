"""The pages in a real browser: live updating, keyboard, narrow screens, no complaint of the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from console.request_list import PAGE_SIZE
from desk.db import Sessions, transaction
from desk.models import Operator, Request, RequestState
from desk.operator_sessions import LONGEST_SESSION
from desk.settings import Settings
from tests.console.browsing import Visitor
from tests.console.fixed import Clock, File


@pytest.fixture
def complaints() -> list[str]:
    """What the browser wrote to its console: script faults and breaches of the content security policy."""
    return []


@pytest.fixture
def page(browser: Browser, address: str, anna: Operator, complaints: list[str]) -> Iterator[Page]:
    """The list of requests, logged in by keyboard, on a desktop screen."""
    visitor = Visitor.at(browser, address)
    visitor.complaints = complaints
    visitor.sign_in("anna")
    expect(visitor.page.locator("h1")).to_have_text("Richieste")
    yield visitor.page
    visitor.page.context.close()


def _rows(page: Page) -> list[str]:
    """The references on the page, from the top."""
    return [row.inner_text() for row in page.locator("tbody > tr > th a").all()]


def test_new_and_changed_requests_appear_by_themselves(
    page: Page, file: File, sessions: Sessions, complaints: list[str]
) -> None:
    news = page.locator("#live-news")
    expect(page.locator("#live-state")).to_have_text("Aggiornamento automatico attivo")
    expect(page.locator("main")).to_contain_text("Nessuna richiesta aperta.")

    first = file()
    expect(page.locator("tbody > tr")).to_have_count(1)
    expect(news).to_have_text("È arrivata 1 nuova richiesta.")

    link = page.get_by_role("link", name=first.reference)
    link.focus()
    second, third = file(), file()
    page.locator(f"input[value='{first.reference}']").check()
    link.focus()
    with transaction(sessions) as db:
        db.get_one(Request, first.id).state = RequestState.WAITING_CITIZEN
    expect(page.locator("tbody > tr")).to_have_count(3)
    assert _rows(page) == [first.reference, second.reference, third.reference]
    expect(page.locator("tbody > tr").first.locator(".state")).to_have_text("In attesa del cittadino")
    expect(page.locator(f"input[value='{first.reference}']")).to_be_checked()
    # Whoever was reading a row still is.
    expect(link).to_be_focused()
    assert complaints == []


def test_several_at_once_are_counted_and_a_full_page_stays_one_page(page: Page, file: File) -> None:
    filed = [file().reference for _ in range(PAGE_SIZE)]
    expect(page.locator("tbody > tr")).to_have_count(PAGE_SIZE)
    expect(page.get_by_role("link", name="Successivi")).to_have_count(0)

    filed += [file().reference for _ in range(2)]
    expect(page.get_by_role("link", name="Successivi")).to_have_count(1)
    assert _rows(page) == filed[:PAGE_SIZE]
    page.get_by_role("link", name="Successivi").click()
    expect(page.locator("tbody > tr")).to_have_count(2)
    assert _rows(page) == filed[PAGE_SIZE:]


def test_a_lost_connection_is_told_and_found_again(
    page: Page, file: File, sessions: Sessions, settings: Settings
) -> None:
    state = page.locator("#live-state")
    database = settings.home / "centralino.sqlite"
    away = database.with_name("away")
    database.rename(away)
    expect(state).to_have_text("Aggiornamento interrotto: nuovo tentativo in corso", timeout=15_000)
    away.rename(database)
    expect(state).to_have_text("Aggiornamento automatico attivo", timeout=30_000)


def test_the_end_of_the_session_leads_to_the_log_in(page: Page, clock: Clock) -> None:
    clock.now += LONGEST_SESSION * 2
    expect(page.locator("h1")).to_have_text("Accesso operatori")
    expect(page.get_by_role("status")).to_contain_text("La sessione è terminata")


@pytest.mark.parametrize("width", [1366, 1024, 820, 390])
def test_nothing_is_cut_off_on_narrow_screens(
    page: Page, file: File, complaints: list[str], width: int
) -> None:
    for state in RequestState:
        file(state=state)
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/console/requests", f"/console/requests/{file().reference}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []


def test_the_keyboard_can_skip_to_the_content(page: Page) -> None:
    page.reload()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Vai al contenuto principale")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
