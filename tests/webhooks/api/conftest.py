"""The web channel on the demo town, once on each kind of database, at a moment that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from desk import db
from desk.api_keys import PER_MINUTE, create_api_key
from desk.models import Scope
from desk.settings import Settings
from tests.console.fixed import KEYRING, Clock
from webhooks.app import create_app

#: Citizens of the demo town.
GIULIA, MARCO = "CLMGLI80C55F205N", "CLMMRC77S02F205Q"
GIULIAS_NUMBER = "+393331112201"

CERTIFICATE = {"tax_code": GIULIA, "certificate": "residence", "copies": 2, "delivery": "home"}
REPORT = {"category": "roads", "place": "Via Roma 12", "message": "Il lampione è spento.\nDa ieri."}

MakeKey = Callable[..., str]


class Site:
    """The town's web site: asks with its key."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> TestResponse:
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        return self.client.post(f"/api/v1{path}", json=body, headers=headers)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path, town: db.Sessions) -> Settings:
    url = town.kw["bind"].url.render_as_string(hide_password=False)
    return Settings(home=tmp_path, database_url=url)


@pytest.fixture
def app(settings: Settings, clock: Clock) -> Iterator[Flask]:
    app = create_app(settings, KEYRING, clock=clock)
    yield app
    app.extensions["engine"].dispose()


@pytest.fixture
def make_key(town: db.Sessions, clock: Clock) -> MakeKey:
    """Makes a key of some scopes, by default of all."""

    def make(scopes: Collection[Scope] = tuple(Scope), *, per_minute: int = PER_MINUTE) -> str:
        with db.transaction(town) as session:
            return create_api_key(session, name="site", scopes=scopes, now=clock(), per_minute=per_minute)

    return make


@pytest.fixture
def site(app: Flask, make_key: MakeKey) -> Site:
    return Site(app.test_client(), make_key())


def problem_of(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a problem, which must be one."""
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["type"].removeprefix("urn:centralino:problem:")
