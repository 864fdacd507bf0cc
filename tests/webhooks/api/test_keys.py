"""Who may ask, how often, and what asking twice does."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from desk import db
from desk.api_keys import TooFast, admit, api_keys, busy_after, create_api_key, revoke_api_key
from desk.kept_answers import KEPT, forget_answers
from desk.models import Booking, KeptAnswer, Message, Request, Scope
from tests.console.fixed import Clock
from tests.webhooks.api.conftest import (
    CERTIFICATE,
    GIULIA,
    REPORT,
    MakeKey,
    Site,
    problem_of,
)
from webhooks.api.operations import Operation
from webhooks.api.serving import OPERATIONS

EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def ask(site: Site, operation: Operation) -> tuple[int, str]:
    """Ask for the operation with a body that is none: who may not ask is told that first."""
    path = operation.path.format(
        reference="10000008", service="identity_card", room="civic_hall", table="calls"
    )
    answer = site.client.open(f"/api/v1{path}", method=operation.method, headers=site.headers)
    if answer.status_code == 200:
        return 200, ""
    return problem_of(answer)


@EVERY
def test_every_operation_needs_a_key_in_force_with_its_scope(
    app: Flask, town: db.Sessions, make_key: MakeKey, clock: Clock, operation: Operation
) -> None:
    client = app.test_client()
    key = make_key()
    refused = (401, "unauthorized")
    for wrong in ("", "ctl_x_y", "nonsense", key[:-1], f"{key}x", key.replace("ctl_", "clt_", 1)[::-1]):
        assert ask(Site(client, wrong), operation) == refused
    assert ask(Site(client, key), operation)[0] in {200, 404, 415, 422}
    if operation.scope:
        others = make_key([scope for scope in Scope if scope is not operation.scope])
        assert ask(Site(client, others), operation) == (403, "out-of-scope")
        assert ask(Site(client, make_key([operation.scope])), operation)[0] in {200, 404, 415, 422}
    with db.transaction(town) as session:
        revoke_api_key(session, key.split("_")[1], now=clock())
    assert ask(Site(client, key), operation) == refused


def test_no_key_is_asked_for_as_http_does(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/certificate-kinds")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Set-Cookie" not in answer.headers


def test_the_secret_is_kept_nowhere_and_its_use_is_noted(
    town: db.Sessions, site: Site, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    secret = site.headers["Authorization"].rsplit("_", 1)[1]
    with caplog.at_level(logging.DEBUG):
        site.get("/certificate-kinds")
    assert secret not in caplog.text
    with db.reading(town) as session:
        key = api_keys(session)[0]
        assert key.used_at == clock.now
        row = session.execute(text("SELECT * FROM api_keys")).one()
    assert secret not in repr(row)


def test_a_key_asks_so_often_a_minute_and_no_more(app: Flask, make_key: MakeKey, clock: Clock) -> None:
    site = Site(app.test_client(), make_key(per_minute=5))
    assert [site.get("/certificate-kinds").status_code for _ in range(6)] == [200] * 5 + [429]
    answer = site.get("/certificate-kinds")
    assert problem_of(answer) == (429, "too-many-requests")
    clock.now += timedelta(seconds=int(answer.headers["Retry-After"]))
    assert [site.get("/certificate-kinds").status_code for _ in range(2)] == [200, 429]
    clock.now += timedelta(hours=1)
    assert [site.get("/certificate-kinds").status_code for _ in range(6)] == [200] * 5 + [429]


def test_the_pace_holds_for_all_processes_together(
    town: db.Sessions, make_key: MakeKey, clock: Clock
) -> None:
    key = make_key(per_minute=10)

    def try_it(_: int) -> bool:
        try:
            with db.transaction(town, durable=False) as session:
                admit(session, key, now=clock())
        except TooFast:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_it, range(40))) == 10


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 20))
def test_never_more_than_twice_the_pace_in_any_minute(steps: list[int], per_minute: int) -> None:
    """A full pause's worth at once and the rate after it: the bound that is promised."""
    busy_until: datetime | None = None
    now = datetime(2026, 11, 23, tzinfo=UTC)
    taken: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        try:
            busy_until = busy_after(busy_until, per_minute, now)
        except TooFast as e:
            # Who waits as long as told gets through.
            busy_after(busy_until, per_minute, now + e.wait)
        else:
            taken.append(now)
    for begin in taken:
        within = [moment for moment in taken if begin <= moment < begin + timedelta(minutes=1)]
        assert len(within) <= 2 * per_minute


def test_a_change_needs_an_idempotency_key(site: Site) -> None:
    assert problem_of(site.post("/certificates", CERTIFICATE)) == (400, "idempotency-key-missing")
    for wrong in ("x" * 65, "a b"):
        assert problem_of(site.post("/certificates", CERTIFICATE, wrong))[0] == 400


def test_the_same_key_changes_once_and_answers_the_same(site: Site, town: db.Sessions, clock: Clock) -> None:
    first = site.post("/certificates", CERTIFICATE, "a")
    clock.now += timedelta(days=1)
    again = site.post("/certificates", CERTIFICATE, "a")
    assert (again.status_code, again.data) == (201, first.data)
    assert problem_of(site.post("/certificates", CERTIFICATE | {"copies": 3}, "a")) == (
        422,
        "idempotency-key-reused",
    )
    assert problem_of(site.post("/reports", REPORT, "a")) == (422, "idempotency-key-reused")
    assert site.post("/certificates", CERTIFICATE, "b").get_json() != first.get_json()
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 2


def test_keys_of_two_systems_have_nothing_to_do_with_each_other(
    app: Flask, site: Site, make_key: MakeKey
) -> None:
    other = Site(app.test_client(), make_key())
    mine, theirs = (one.post("/certificates", CERTIFICATE, "a").get_json() for one in (site, other))
    assert mine["reference"] != theirs["reference"]


def test_what_was_filed_stays_filed_once_also_when_the_answer_is_forgotten(
    site: Site, town: db.Sessions, clock: Clock
) -> None:
    first = site.post("/certificates", CERTIFICATE, "a").get_json()
    with db.transaction(town) as session:
        forget_answers(session, now=clock() + KEPT)
        assert session.scalars(select(KeptAnswer)).all() != []
        forget_answers(session, now=clock() + KEPT + timedelta(seconds=1))
        assert session.scalars(select(KeptAnswer)).all() == []
    assert site.post("/certificates", CERTIFICATE, "a").get_json() == first


def test_two_at_once_with_one_key_are_one(app: Flask, site: Site, town: db.Sessions) -> None:
    start = threading.Barrier(2)

    def file(_: int) -> tuple[int, bytes]:
        mine = Site(app.test_client(), site.headers["Authorization"].removeprefix("Bearer "))
        start.wait()
        answer = mine.post("/certificates", CERTIFICATE | {"contact": {"phone": "+393331112201"}}, "a")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(file, range(2))
    assert first == second
    assert first[0] == 201
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(Request)) == 1
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_two_at_once_for_the_last_place_are_one_appointment(
    app: Flask, site: Site, town: db.Sessions
) -> None:
    path = "/appointment-services/social_worker/slots?limit=100"
    slot = next(slot for slot in site.get(path).get_json()["items"] if slot["places"] == 1)
    start = threading.Barrier(2)

    def book(number: int) -> int:
        mine = Site(app.test_client(), site.headers["Authorization"].removeprefix("Bearer "))
        tax_code = (GIULIA, "CLMMRC77S02F205Q")[number]
        start.wait()
        body = {"tax_code": tax_code, "service": "social_worker", "starts_at": slot["starts_at"]}
        return mine.post("/appointments", body, f"k{number}").status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(book, range(2))) == [201, 409]
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(Booking)) == 1


def test_no_body_lies_in_the_kept_answers(site: Site, town: db.Sessions) -> None:
    site.post("/certificates", CERTIFICATE, "a")
    with db.reading(town) as session:
        row = session.execute(text("SELECT * FROM kept_answers")).one()
    assert GIULIA not in repr(row)


def test_two_keys_never_share_a_prefix(town: db.Sessions, clock: Clock) -> None:
    with db.transaction(town) as session:
        made = {
            create_api_key(session, name="x", scopes=[Scope.REQUESTS_READ], now=clock()) for _ in range(5)
        }
    assert len({key.split("_")[1] for key in made}) == 5
