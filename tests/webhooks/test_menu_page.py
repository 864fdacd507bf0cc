"""The menus to be read: public, in both languages, with the hours that count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect

from desk.db import Sessions, connect, transaction
from desk.db import sessions as db_sessions
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring
from desk.models import Closure
from desk.overrides import override_hours
from desk.settings import Settings
from tests.console.browsing import Visitor, chromium, served
from tests.console.fixed import KEYRING, Clock
from webhooks.app import create_app


@pytest.fixture
def sessions(settings: Settings) -> Iterator[Sessions]:
    """The demo town; Tuesday is a closure."""
    engine = connect(settings.url)
    keyring = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})
    with transaction(db_sessions(engine)) as session:
        load_demo(session, keyring, datetime.now(UTC))
        session.add(Closure(day=date(2026, 11, 24), reason_it="Sciopero", reason_en="Strike"))
    yield db_sessions(engine)
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """Monday, ten o'clock."""
    return Clock()


@pytest.fixture
def app(settings: Settings, sessions: Sessions, clock: Clock) -> Flask:
    return create_app(settings, KEYRING, clock=clock)


def test_it_is_italian_and_english_by_link_or_browser(client: FlaskClient) -> None:
    assert '<html lang="it">' in client.get("/menu").text
    german = client.get("/menu", headers={"Accept-Language": "de"})
    assert '<html lang="it">' in german.text
    english = client.get("/menu", headers={"Accept-Language": "en-GB,en;q=0.9,it;q=0.1"})
    assert '<html lang="en">' in english.text
    assert "For certificates and requests" in english.text
    assert 'href="/menu?lang=it"' in english.text
    assert '<html lang="en">' in client.get("/menu?lang=en").text
    # As switched, whatever the browser prefers.
    assert '<html lang="en">' in client.get("/menu", headers={"Accept-Language": "it"}).text


def test_it_tells_menu_and_hours(client: FlaskClient) -> None:
    page = client.get("/menu").text
    for text in (
        "Per certificati e richieste",
        "Per parlare con una persona",
        "Per la carta d&#39;identità elettronica porti",
        "Adesso gli uffici sono aperti, fino alle 12:45.",
        "martedì 24/11/2026",
        "chiuso – Sciopero",
        "dalle 09:00 alle 19:45",
    ):
        assert text in page


def test_it_follows_what_was_decided_by_hand(client: FlaskClient, sessions: Sessions, clock: Clock) -> None:
    with transaction(sessions) as session:
        override_hours(session, opened=False, until=clock.now + timedelta(hours=8), by="201", now=clock.now)
    page = client.get("/menu").text
    assert "Adesso gli uffici sono chiusi. Riaprono il 23/11/2026 18:00." in page


@pytest.mark.usefixtures("sessions")
def test_who_cannot_call_is_told_where_to_write(settings: Settings) -> None:
    assert "sul sito del Comune" in create_app(settings, KEYRING).test_client().get("/menu").text
    told = settings.model_copy(update={"town_email": "sportello@comune.example"})
    page = create_app(told, KEYRING).test_client().get("/menu").text
    assert '<a href="mailto:sportello@comune.example">' in page


def test_a_caller_later_reads_the_hours_of_that_time(client: FlaskClient, clock: Clock) -> None:
    clock.now = datetime.fromisoformat("2026-12-24T14:00+01:00")
    assert "Riaprono il 28/12/2026 09:00." in client.get("/menu").text


def test_it_tells_how_long_an_identity_card_is_valid_that_day(client: FlaskClient, clock: Clock) -> None:
    for_life = "cinquant&#39;anni per chi ha almeno settant&#39;anni"
    assert for_life in client.get("/menu").text
    clock.now = datetime.fromisoformat("2026-07-29T10:00+02:00")
    page = client.get("/menu").text
    assert for_life not in page
    assert "Vale dieci anni per i maggiorenni" in page


def test_it_can_be_read_in_a_browser(app: Flask) -> None:
    with served(app) as address, chromium() as browser:
        visitor = Visitor.at(browser, address)
        page = visitor.page
        for width in (1366, 390):
            page.set_viewport_size({"width": width, "height": 850})
            page.goto("/menu")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
        assert len(ids) == len(set(ids))
        # A menu that was opened further up is reached by its link.
        page.locator("#certificate\\.subject").get_by_role("link").first.click()
        assert page.evaluate("document.querySelector(':target') !== null")
        page.get_by_role("link", name="English", exact=True).click()
        expect(page.locator("h1")).to_have_text("The telephone menu in writing")
        assert visitor.complaints == []
