"""Accounts in a real browser, with the keyboard alone: a first log-in, two steps, operators and keys."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from desk.db import Sessions, transaction
from desk.models import Phone, Role, Tier
from tests.console.browsing import Visitor
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator

NEW = "una frase lunga a piacere"


def _tab_to(page: Page, target: str) -> None:
    """Press Tab until the element has the focus: whoever has no mouse gets there the same way."""
    for _ in range(80):
        if page.evaluate("wanted => document.activeElement?.matches(wanted) ?? false", target):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach {target}")


def _type(page: Page, field: str, text: str) -> None:
    _tab_to(page, f"#{field}")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def _enter(page: Page) -> None:
    """Press Enter and wait for the page that it leads to."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_from_the_administrator_to_a_new_operator_in_two_steps_by_keyboard(
    browser: Browser, address: str, sessions: Sessions, clock: Clock
) -> None:
    an_operator(sessions, "capo", Role.ADMIN)
    with transaction(sessions) as db:
        db.add(Phone(extension="101", tier=Tier.COUNTER, label="Sportello 1", ring_seconds=20))
    capo = Visitor.at(browser, address)
    capo.sign_in("capo")
    page = capo.page
    _tab_to(page, "[href='/console/operators']")
    _enter(page)
    expect(page.locator("h1")).to_have_text("Operatori")
    _tab_to(page, "[href='/console/operators/new']")
    _enter(page)
    _type(page, "login", "D o r a")
    _type(page, "name", "Dora Neri")
    _enter(page)
    # Refused: told at the field, which a screen reader finds by its description.
    expect(page.locator("#login")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#login-error")).to_contain_text("lettere minuscole")
    assert capo.violations() == []
    _type(page, "login", "dora")
    _tab_to(page, "#phone")
    page.keyboard.press("ArrowDown")
    _tab_to(page, "main form button")
    _enter(page)
    given = page.locator("#password-once").inner_text()
    expect(page.locator("main")).to_contain_text("mostrata solo ora")
    assert capo.violations() == []

    dora = Visitor.at(browser, address, width=820)
    dora.sign_in("dora", given)
    page = dora.page
    expect(page.locator("h1")).to_have_text("Password")
    assert dora.violations() == []
    _type(page, "present", given)
    _type(page, "new", NEW)
    _type(page, "again", NEW)
    _enter(page)
    expect(page.locator("h1")).to_have_text("Il mio profilo")
    assert dora.violations() == []
    _tab_to(page, "[href='/console/profile/two-step']")
    _enter(page)
    telephone = pyotp.TOTP(page.locator(".to-type").inner_text().replace(" ", ""))
    _type(page, "code", telephone.at(clock.now))
    _enter(page)
    expect(page.locator("h1")).to_have_text("Codici di riserva")
    expect(page.locator(".codes li")).to_have_count(10)
    assert dora.violations() == []
    _tab_to(page, "header form button")
    _enter(page)
    expect(page.locator("main")).to_contain_text("Accesso terminato.")
    clock.now = clock.now.replace(minute=clock.now.minute + 1)
    _type(page, "login", "dora")
    _type(page, "password", NEW)
    _enter(page)
    expect(page.locator("h1")).to_have_text("Codice di verifica")
    expect(page.locator("#code")).to_be_focused()
    assert dora.violations() == []
    page.keyboard.type("123")
    _enter(page)
    expect(page.get_by_role("alert")).to_have_text("Codice non corretto.")
    assert dora.violations() == []
    page.keyboard.type(telephone.at(clock.now))
    _enter(page)
    expect(page.locator("h1")).to_have_text("Richieste")

    page = capo.page
    page.goto("/console/api-keys")
    _type(page, "name", "Sito web")
    _tab_to(page, "#scope-1")
    page.keyboard.press("Space")
    _enter(page)
    expect(page.locator("#key-once")).to_contain_text("ctl_")
    assert capo.violations() == []
    _tab_to(page, "td button")
    _enter(page)
    expect(page.locator("main")).to_contain_text("Revocata")
    assert capo.violations() == []

    page.goto("/console/operators")
    page.get_by_role("link", name="Dora Neri").click()
    assert capo.violations() == []
    _tab_to(page, "form[action$='shut-out'] button")
    _enter(page)
    expect(page.locator("main")).to_contain_text("Operatore disattivato.")
    assert capo.violations() == []
    dora.page.reload()
    expect(dora.page.locator("h1")).to_have_text("Accesso operatori")
    refused = [text for text in capo.complaints + dora.complaints if "status of 40" not in text]
    assert refused == []
    for visitor in (capo, dora):
        visitor.page.context.close()
