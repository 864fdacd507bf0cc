"""The wall: what it shows, who sees it, and how a screen gets to show it for weeks and stops."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect
from sqlalchemy import select, text

from console.live_feed import FEEDS
from console.wall_feed import WallFeed
from desk.db import Sessions, reading, transaction
from desk.desk_now import Member, PhoneState, QueueNow, note_queue
from desk.models import CallBack, CallBackState, JobState, Role, TownChange, WallScreen
from desk.wall_screens import CODE_VALID
from reports.rollups import refresh
from tests.console.browsing import Visitor
from tests.console.fixed import Clock, File
from tests.console.signing_in import an_operator, sign_in
from tests.reports.tables import at, keep_a_morning


def note(sessions: Sessions, clock: Clock, waiting: int, waited: int) -> None:
    """The worker sees the queue like this."""
    members = {
        "201": Member(PhoneState.BUSY),
        "101": Member(PhoneState.FREE),
        "102": Member(PhoneState.FREE),
        "103": Member(PhoneState.FREE, "break"),
        "104": Member(PhoneState.UNREACHABLE),
    }
    since = clock() - timedelta(seconds=waited) if waiting else None
    with transaction(sessions) as db:
        note_queue(db, QueueNow(clock(), waiting, since, members))


@pytest.fixture
def morning(sessions: Sessions, clock: Clock, file: File) -> Sessions:
    """Four calls, two callers who wait, a call-back and a request that is overdue."""
    clock.now = at(clock.now.date(), "11:00:00")
    note(sessions, clock, 2, 42)
    requests = (file(due_on=clock.now.date() - timedelta(days=3)), file())
    with transaction(sessions) as db:
        keep_a_morning(db, clock.now.date())
        # The second one's time has not come yet.
        for request, minutes in zip(requests, (0, 30), strict=True):
            db.add(
                CallBack(
                    request_id=request.id,
                    e164=f"+3933312345{minutes:02}",
                    asked_at=clock(),
                    waiting_since=clock(),
                    state=CallBackState.WAITING,
                    next_try_at=clock() + timedelta(minutes=minutes),
                )
            )
        db.add(JobState(name="figures", every_seconds=60, succeeded_at=clock(), runs=1, failures=0))
    refresh(sessions, now=clock())
    return sessions


def code_of(client: FlaskClient, name: str = "Sala operatori") -> str:
    page = client.post("/console/wall/screens", data={"name": name}).text
    return page.partition('id="code-once">')[2].partition("<")[0]


def test_what_the_wall_is_told(morning: Sessions, clock: Clock) -> None:
    state = WallFeed(morning, clock=clock).state()
    assert state == {
        "at": clock().isoformat(),
        "known": True,
        "waiting": 2,
        "waitingSince": (clock() - timedelta(seconds=42)).isoformat(),
        "phones": {"available": 2, "in_call": 1, "paused": 1, "absent": 1},
        "madeAt": clock().isoformat(),
        "offered": 4,
        "answered": 2,
        "abandoned": 2,
        "level": 1 / 3,
        "asa": 16.5,
        "callBacks": 1,
        "overdue": 1,
    }
    # The worker is gone: the queue is not known, which is not an empty queue.
    clock.now += timedelta(seconds=31)
    state = WallFeed(morning, clock=clock).state()
    assert (state["known"], state["waiting"], state["phones"]["available"]) == (False, None, None)
    assert state["answered"] == 2
    # Nothing changes, and yet something is told every five seconds.
    clock.now += timedelta(seconds=5)
    assert WallFeed(morning, clock=clock).state()["at"] != state["at"]


def test_a_screen_is_connected_once_and_shows_the_wall_without_a_log_in(
    app: Flask, client: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    an_operator(sessions, "capo", Role.MANAGER)
    sign_in(client, "capo")
    code = code_of(client)
    screen = app.test_client()
    assert screen.get("/console/wall").headers["Location"].startswith("/console/login")
    assert screen.get("/console/wall/live").status_code == 401
    assert screen.get("/console/wall/screen").status_code == 200
    assert screen.post("/console/wall/screen", data={"code": "ABCD-2345"}).status_code == 403
    # As somebody types it at a television.
    typed = code.lower().replace("-", " ")
    answer = screen.post("/console/wall/screen", data={"code": typed})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/wall")
    cookie = next(each for each in answer.headers.getlist("Set-Cookie") if "wall" in each)
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/console/wall"))
    # No code opens twice.
    assert app.test_client().post("/console/wall/screen", data={"code": code}).status_code == 403

    # Weeks later it still hangs there, and its key is kept for another 400 days.
    clock.now += timedelta(days=90)
    page = screen.get("/console/wall")
    assert page.status_code == 200
    assert "Max-Age=34560000" in str(page.headers.getlist("Set-Cookie"))
    assert "capo" not in page.text.lower().replace("capolavoro", "")
    # It sees the wall, and nothing else of the console.
    for other in ("/console/requests", "/console/wall/screens", "/console/live", "/console/phone"):
        assert screen.get(other).status_code in (303, 401), other

    with reading(sessions) as db:
        row = db.scalars(select(WallScreen)).one()
        kept = [str(value) for value in vars(row).values()]
        changed = db.scalars(select(TownChange)).one()
    key = cookie.partition("=")[2].partition(";")[0]
    assert not any(key in value or code in value for value in kept)
    assert (changed.what, changed.by, changed.after) == ("wall_screens", "capo", {"name": "Sala operatori"})

    sign_in(client, "capo")
    assert "Sala operatori" in client.get("/console/wall/screens").text
    assert client.post(f"/console/wall/screens/{row.id}/end").status_code == 303
    assert client.post(f"/console/wall/screens/{row.id}/end").status_code == 404
    ended = screen.get("/console/wall")
    assert (ended.status_code, ended.headers["Location"]) == (303, "/console/wall/screen")
    assert screen.get("/console/wall/live").status_code == 401
    assert "non è più collegato" in screen.get("/console/wall/screen").text


def test_a_code_is_good_for_half_an_hour(
    app: Flask, client: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    an_operator(sessions, "capo", Role.ADMIN)
    sign_in(client, "capo")
    assert client.post("/console/wall/screens", data={"name": " "}).status_code == 400
    code = code_of(client)
    clock.now += CODE_VALID
    assert app.test_client().post("/console/wall/screen", data={"code": code}).status_code == 403
    assert "scaduto" in client.get("/console/wall/screens").text


def test_while_the_database_is_away_a_screen_tries_again_by_itself(
    app: Flask, client: FlaskClient, sessions: Sessions
) -> None:
    an_operator(sessions, "capo", Role.MANAGER)
    sign_in(client, "capo")
    screen = app.test_client()
    screen.post("/console/wall/screen", data={"code": code_of(client)})
    with transaction(sessions) as db:
        db.execute(text("ALTER TABLE wall_screens RENAME TO away"))
    answer = screen.get("/console/wall")
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "10")
    with transaction(sessions) as db:
        db.execute(text("ALTER TABLE away RENAME TO wall_screens"))
        db.execute(text("ALTER TABLE call_sums RENAME TO away"))
    # The page comes, and its script goes on asking.
    page = screen.get("/console/wall")
    assert page.status_code == 200
    assert json.dumps({"known": False}).replace('"', "&#34;") in page.text


def test_the_wall_in_a_browser(
    browser: Browser, address: str, app: Flask, morning: Sessions, clock: Clock, tmp_path: Path
) -> None:
    an_operator(morning, "capo", Role.MANAGER)
    visitor = Visitor.at(browser, address)
    visitor.sign_in("capo")
    page = visitor.page
    page.goto("/console/wall/screens")
    page.locator("#name").fill("Sala operatori")
    page.get_by_role("button", name="Crea codice").click()
    code = page.locator("#code-once").inner_text()
    assert visitor.violations() == []

    hanging = Visitor.at(browser, address, width=1920)
    wall = hanging.page
    wall.goto("/console/wall/screen")
    assert hanging.violations() == []
    wall.locator("#code").fill(code)
    wall.keyboard.press("Enter")
    expect(wall.locator("#waiting")).to_have_text("2")
    expect(wall.locator("#longest")).to_have_text("0:42")
    expect(wall.locator("#available")).to_have_text("2")
    for name, shown in (
        ("in_call", "1"),
        ("paused", "1"),
        ("offered", "4"),
        ("answered", "2"),
        ("abandoned", "2"),
        ("level", "33%"),
        ("asa", "0:17"),
        ("callBacks", "1"),
        ("overdue", "1"),
    ):
        assert wall.locator(f"#{name}").inner_text() == shown, name
    expect(wall.locator("#trouble")).to_be_hidden()
    # All of it is seen at once, and is large: on a wall, and on a tablet held upright.
    for width in (1920, 820):
        wall.set_viewport_size({"width": width, "height": 1080})
        assert hanging.violations() == []
        assert wall.evaluate("document.documentElement.scrollHeight") <= 1080
        assert wall.evaluate("document.documentElement.scrollWidth") <= width
        assert wall.evaluate("parseFloat(getComputedStyle(document.querySelector('#waiting')).fontSize)") > 60

    # It follows by itself; a long wait is an alarm in words and not in colour alone.
    clock.now += timedelta(seconds=5)
    note(morning, clock, 3, 200)
    expect(wall.locator("#waiting")).to_have_text("3")
    expect(wall.locator("#tile-longest")).to_have_class("tile lives alarm")
    assert wall.locator("#tile-longest").get_attribute("title") == "Attenzione"
    # The worker dies: what it knew is not shown as if it were still so.
    clock.now += timedelta(seconds=40)
    expect(wall.locator("#trouble")).to_contain_text("non dà notizie")
    expect(wall.locator("#waiting")).to_have_text("–")
    assert hanging.violations() == []
    # The line breaks: nothing is told any more.
    note(morning, clock, 1, 5)
    expect(wall.locator("#waiting")).to_have_text("1")
    wall.context.set_offline(True)
    for feed in app.extensions[FEEDS]:
        feed.stopping = lambda: True
    expect(wall.locator("#trouble")).to_contain_text("Collegamento interrotto", timeout=30_000)
    expect(wall.locator("body")).to_have_class("stale")
    for each in (visitor, hanging):
        each.page.context.close()
    assert [text for text in hanging.complaints if "net::ERR" not in text] == []
