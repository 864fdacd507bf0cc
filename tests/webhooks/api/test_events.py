"""Events for the town's other systems: written with the change, delivered until they arrive, signed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import func, select, update

from desk import db
from desk.event_poster import HttpPoster
from desk.events import (
    KEPT,
    PATIENCE,
    BadAddress,
    Letter,
    UnknownSubscription,
    deliver_events,
    forget_events,
    note_event,
    signing_secret,
    subscribe,
    unsubscribe,
)
from desk.keyring import open_keyring
from desk.models import EventDelivery, EventKind, MessageState, Request, RequestState
from desk.outbox import LOST_AFTER, Undelivered, claim_next
from desk.requests import change_state
from desk.settings import PROJECT, Settings
from tests.console.fixed import KEYRING, Clock
from tests.webhooks.api.conftest import CERTIFICATE, GIULIA, GIULIAS_NUMBER, Site
from webhooks.client import BadSignature, read_event
from webhooks.schemas import Event

FREE = "/appointment-services/identity_card/slots"


class Receiver:
    """Another system of the town: keeps what it was sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, dict[str, str]]] = []
        #: The next answers; then 204.
        self.answers: list[int] = []
        self.url = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((body, dict(self.headers)))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", receiver.url + "elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}/"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    def events(self, secret: str, now: datetime) -> list[Event]:
        return [read_event(secret, body, headers, now=now) for body, headers in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with receiver.listening():
        yield receiver


@pytest.fixture
def subscription(town: db.Sessions, receiver: Receiver, clock: Clock) -> str:
    with db.transaction(town) as session:
        return subscribe(session, url=receiver.url, kinds=list(EventKind), now=clock())


@pytest.fixture
def secret(subscription: str) -> str:
    return signing_secret(KEYRING.web_key, subscription)


def deliver(town: db.Sessions, clock: Clock) -> int:
    return deliver_events(town, HttpPoster(KEYRING.web_key, clock=clock), now=clock())


def states(town: db.Sessions) -> list[MessageState]:
    with db.reading(town) as session:
        return list(session.scalars(select(EventDelivery.state).order_by(EventDelivery.created_at)))


def test_every_step_is_told_with_nothing_personal(
    site: Site, town: db.Sessions, receiver: Receiver, secret: str, clock: Clock
) -> None:
    contact = {"phone": GIULIAS_NUMBER}
    filed = site.post("/certificates", CERTIFICATE | {"contact": contact}, "a").get_json()
    with db.transaction(town) as session:
        request = session.scalars(select(Request)).one()
        change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=clock())
    first, second = (slot["starts_at"] for slot in site.get(FREE).get_json()["items"][:2])
    wanted = {"tax_code": GIULIA, "service": "identity_card", "starts_at": first, "contact": contact}
    booked = site.post("/appointments", wanted, "b").get_json()["reference"]
    site.post(f"/appointments/{booked}/move", {"tax_code": GIULIA, "starts_at": second}, "c")
    site.post(f"/appointments/{booked}/cancel", {"tax_code": GIULIA}, "d")

    assert deliver(town, clock) == 5
    events = {event.type: event for event in receiver.events(secret, clock())}
    assert set(events) == {kind.value for kind in EventKind}
    assert events["request.filed"].data == {
        "reference": filed["reference"],
        "kind": "certificate",
        "channel": "web",
        "state": "received",
        "due_on": filed["due_on"],
    }
    assert events["request.state_changed"].data["state"] == "in_progress"
    moved = events["appointment.moved"].data
    assert (moved["reference"], datetime.fromisoformat(str(moved["starts_at"]))) == (
        booked,
        datetime.fromisoformat(second),
    )
    whole = repr(receiver.got)
    for personal in (GIULIA, GIULIAS_NUMBER, GIULIAS_NUMBER[3:], "Giulia", "Colombo"):
        assert personal not in whole
    assert deliver(town, clock) == 0


def test_an_event_belongs_to_the_change(town: db.Sessions, subscription: str, clock: Clock) -> None:
    class Broken(Exception):
        pass

    def break_off() -> None:
        with db.transaction(town) as session:
            note_event(session, EventKind.REQUEST_FILED, {"reference": "1"}, now=clock())
            raise Broken

    with pytest.raises(Broken):
        break_off()
    assert states(town) == []


def test_who_asked_twice_is_told_once(site: Site, town: db.Sessions, secret: str, clock: Clock) -> None:
    for _ in range(2):
        site.post("/certificates", CERTIFICATE, "a")
    assert deliver(town, clock) == 1


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_receiver_that_fails_first_is_told_again(
    site: Site, town: db.Sessions, receiver: Receiver, secret: str, clock: Clock, answer: int
) -> None:
    site.post("/certificates", CERTIFICATE, "a")
    receiver.answers = [answer]
    assert deliver(town, clock) == 0
    assert deliver(town, clock) == 0
    assert len(receiver.got) == 1
    clock.now += timedelta(minutes=1)
    assert deliver(town, clock) == 1
    # The second time it is signed anew, and the receiver knows the event by its id.
    (first, _), (second, _) = receiver.got
    assert first == second
    assert read_event(secret, *receiver.got[1], now=clock()).type == "request.filed"


def test_a_receiver_that_is_not_there_keeps_nobody_waiting(
    site: Site, town: db.Sessions, receiver: Receiver, secret: str, clock: Clock
) -> None:
    with db.transaction(town) as session:
        subscribe(session, url="http://127.0.0.1:1/", kinds=[EventKind.REQUEST_FILED], now=clock())
    tried: list[str] = []

    class Counting(HttpPoster):
        def post(self, letter: Letter) -> None:
            tried.append(letter.url)
            super().post(letter)

    for number in range(3):
        site.post("/certificates", CERTIFICATE, f"k{number}")
    assert deliver_events(town, Counting(KEYRING.web_key, clock=clock), now=clock()) == 3
    assert tried.count("http://127.0.0.1:1/") == 1


def test_it_is_given_up_after_days_and_not_after_tries(
    site: Site, town: db.Sessions, subscription: str, clock: Clock
) -> None:
    class Silent:
        tries = 0

        def post(self, letter: Letter) -> None:
            self.tries += 1
            raise Undelivered("silent")

    site.post("/certificates", CERTIFICATE, "a")
    silent, began = Silent(), clock.now
    while states(town) == [MessageState.CREATED] and clock.now < began + timedelta(days=30):
        deliver_events(town, silent, now=clock())
        clock.now += timedelta(hours=1)
    assert states(town) == [MessageState.FAILED]
    assert PATIENCE.give_up <= clock.now - began < PATIENCE.give_up + timedelta(hours=3)
    assert silent.tries > 90


def test_what_a_killed_worker_had_in_hand_is_told_again(
    site: Site, town: db.Sessions, receiver: Receiver, subscription: str, clock: Clock
) -> None:
    site.post("/certificates", CERTIFICATE, "a")
    assert claim_next(town, EventDelivery, lambda _, row: row.id, now=clock()) is not None
    assert deliver(town, clock) == 0
    clock.now += LOST_AFTER + timedelta(seconds=1)
    assert deliver(town, clock) == 1
    assert len(receiver.got) == 1


def test_only_what_was_subscribed_is_told(
    site: Site, town: db.Sessions, receiver: Receiver, clock: Clock
) -> None:
    with db.transaction(town) as session:
        made = subscribe(session, url=receiver.url, kinds=[EventKind.APPOINTMENT_BOOKED], now=clock())
    site.post("/certificates", CERTIFICATE, "a")
    assert states(town) == []
    first = site.get(FREE).get_json()["items"][0]["starts_at"]
    site.post("/appointments", {"tax_code": GIULIA, "service": "identity_card", "starts_at": first}, "b")
    assert len(states(town)) == 1
    with db.transaction(town) as session:
        unsubscribe(session, made, now=clock())
    assert deliver(town, clock) == 0
    assert (receiver.got, states(town)) == ([], [MessageState.FAILED])
    with pytest.raises(UnknownSubscription), db.transaction(town) as session:
        unsubscribe(session, made, now=clock())


@pytest.mark.parametrize(
    "url",
    [
        "http://other.example/",
        "ftp://other.example/",
        "https://",
        "https://user:secret@other.example/",
        "https://other.example/#x",
        "file:///etc/passwd",
    ],
)
def test_events_go_only_where_they_are_safe(town: db.Sessions, clock: Clock, url: str) -> None:
    with pytest.raises(BadAddress), db.transaction(town) as session:
        subscribe(session, url=url, kinds=list(EventKind), now=clock())


def test_a_forged_changed_or_old_event_is_refused(
    site: Site, town: db.Sessions, receiver: Receiver, secret: str, clock: Clock
) -> None:
    site.post("/certificates", CERTIFICATE, "a")
    deliver(town, clock)
    body, headers = receiver.got[0]
    late = clock() + timedelta(minutes=6)
    for wrong_secret, wrong_body, wrong_headers, at in (
        ("other", body, headers, clock()),
        (secret, body.replace(b"received", b"rejected"), headers, clock()),
        (secret, body, {**headers, "Centralino-Timestamp": str(int(late.timestamp()))}, late),
        (secret, body, {**headers, "Centralino-Timestamp": "9" * 40}, clock()),
        (secret, body, {**headers, "Centralino-Timestamp": "x"}, clock()),
        (secret, body, {**headers, "Centralino-Signature": "é"}, clock()),
        (secret, body, {}, clock()),
        (secret, body, headers, late),
        (secret, body, headers, clock() - timedelta(minutes=6)),
    ):
        with pytest.raises(BadSignature):
            read_event(wrong_secret, wrong_body, wrong_headers, now=at)
    lower = {name.lower(): value for name, value in headers.items()}
    assert read_event(secret, body, lower, now=clock()).id == json.loads(body)["id"]


def test_old_deliveries_are_forgotten_and_waiting_ones_are_not(
    site: Site, town: db.Sessions, receiver: Receiver, subscription: str, clock: Clock
) -> None:
    site.post("/certificates", CERTIFICATE, "a")
    deliver(town, clock)
    site.post("/certificates", CERTIFICATE, "b")
    with db.transaction(town) as session:
        session.execute(update(EventDelivery).values(created_at=clock() - KEPT - timedelta(days=1)))
        forget_events(session, now=clock())
        assert session.scalar(select(func.count()).select_from(EventDelivery)) == 1
    assert states(town) == [MessageState.CREATED]


def test_the_worker_tells_what_is_written(
    site: Site, town: db.Sessions, receiver: Receiver, subscription: str, settings: Settings
) -> None:
    keyring = open_keyring(settings.home, extensions=(), logins=())
    reference = site.post("/certificates", CERTIFICATE, "a").get_json()["reference"]
    environment = os.environ | {
        "CENTRALINO_HOME": str(settings.home),
        "CENTRALINO_DATABASE_URL": settings.database_url.get_secret_value(),
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "desk.cli", "worker"], cwd=PROJECT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not receiver.got:
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        worker.terminate()
        worker.wait(20)
    (event,) = receiver.events(signing_secret(keyring.web_key, subscription), datetime.now(UTC))
    assert event.data["reference"] == reference
