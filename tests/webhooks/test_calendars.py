"""The address of an office's calendar opens it, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar

from desk import db
from desk.calendar_feed import feed_token
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring
from desk.settings import Settings
from tests.console.fixed import KEYRING


@pytest.fixture
def demo(settings: Settings) -> None:
    engine = db.connect(settings.url)
    keyring = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})
    with db.transaction(db.sessions(engine)) as session:
        load_demo(session, keyring, datetime.now(UTC))
    engine.dispose()


@pytest.mark.usefixtures("demo")
def test_the_secret_address_gives_the_calendar(client: FlaskClient) -> None:
    answer = client.get(f"/calendars/counters/{feed_token(KEYRING.web_key, 'counters')}.ics")
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    calendar = Calendar.from_ical(answer.data)
    assert isinstance(calendar, Calendar)
    assert calendar["x-wr-calname"] == "Sportello SpazioPiù"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("office", "token_of"), [("counters", "land_registry"), ("moon", "moon"), ("counters", "")]
)
def test_any_other_is_no_page(client: FlaskClient, office: str, token_of: str) -> None:
    token = feed_token(KEYRING.web_key, token_of) if token_of else "x"
    assert client.get(f"/calendars/{office}/{token}.ics").status_code == 404


def test_without_a_database_it_says_later(client: FlaskClient, settings: Settings) -> None:
    (settings.home / "centralino.sqlite").unlink()
    address = f"/calendars/counters/{feed_token(KEYRING.web_key, 'counters')}.ics"
    assert client.get(address).status_code == 503
