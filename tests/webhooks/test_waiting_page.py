"""What the town's web site and its visitors learn of the wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from desk import db
from desk.demo import demo_logins, load_demo
from desk.desk_now import Member, PhoneState, QueueNow, note_queue
from desk.keyring import Keyring
from desk.settings import Settings
from tests.console.fixed import KEYRING
from webhooks.app import create_app

#: Tuesday 24 November 2026, 10:00 in Rome: open until 12:45.
OPEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CLOSED = OPEN + timedelta(hours=9)
BUSY, FREE, GONE = (Member(PhoneState(state)) for state in ("busy", "free", "unreachable"))
LUNCH = Member(PhoneState.FREE, "lunch")


class Visit:
    """The town at a moment, with the queue as the worker saw it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        engine = db.connect(settings.url)
        self._sessions = db.sessions(engine)
        keyring = Keyring({}, "t", "a", "w", {login: f"{login}-password" for login in demo_logins()})
        with db.transaction(self._sessions) as session:
            load_demo(session, keyring, OPEN)

    def at(self, now: datetime) -> FlaskClient:
        return create_app(self._settings, KEYRING, clock=lambda: now).test_client()

    def seen(self, waiting: int, *members: Member, at: datetime = OPEN) -> None:
        with db.transaction(self._sessions) as session:
            note_queue(session, QueueNow(at, waiting, None, {str(n): m for n, m in enumerate(members)}))


@pytest.fixture
def visit(settings: Settings) -> Visit:
    return Visit(settings)


@pytest.mark.parametrize(
    ("waiting", "members", "now", "wait"),
    [
        (0, (BUSY, FREE), "at_once", None),
        (1, (BUSY, FREE), "wait", {"low": 0, "high": 4}),
        # The fourth place, 180 s, two operators: who is at lunch or has no phone does not count.
        (3, (BUSY, BUSY, LUNCH, GONE), "wait", {"low": 2, "high": 11}),
        (0, (LUNCH, GONE), "nobody", None),
        (0, (), "nobody", None),
    ],
)
def test_how_it_stands(
    visit: Visit, waiting: int, members: tuple[Member, ...], now: str, wait: dict[str, int] | None
) -> None:
    visit.seen(waiting, *members)
    assert visit.at(OPEN).get("/api/wait").get_json() == {
        "at": "2026-11-24T10:00:00+01:00",
        "now": now,
        "open": True,
        "closes_at": "2026-11-24T12:45:00+01:00",
        "next_opening": "2026-11-25T09:00:00+01:00",
        "wait_minutes": wait,
    }


def test_what_was_seen_long_ago_is_not_told(visit: Visit) -> None:
    assert visit.at(OPEN).get("/api/wait").get_json()["now"] == "unknown"
    visit.seen(0, FREE)
    later = visit.at(OPEN + timedelta(seconds=31))
    assert later.get("/api/wait").get_json()["now"] == "unknown"
    assert "non è noto" in later.get("/wait").get_data(as_text=True)


def test_closed_with_the_next_opening(visit: Visit) -> None:
    visit.seen(0, FREE, at=CLOSED)
    answer = visit.at(CLOSED).get("/api/wait").get_json()
    assert (answer["open"], answer["now"]) == (False, "closed")
    page = visit.at(CLOSED).get("/wait").get_data(as_text=True)
    assert "25/11/2026 09:00" in page


def test_the_page_in_both_languages(visit: Visit) -> None:
    visit.seen(3, BUSY, BUSY)
    visitor = visit.at(OPEN)
    page = visitor.get("/wait")
    assert "va da 2 a 11 minuti" in page.get_data(as_text=True)
    assert "12:45" in page.get_data(as_text=True)
    assert "between 2 and 11 minutes" in visitor.get("/wait?lang=en").get_data(as_text=True)


def test_without_a_database_it_says_later(visit: Visit, settings: Settings) -> None:
    (settings.home / "centralino.sqlite").unlink()
    assert visit.at(OPEN).get("/wait").status_code == 503
