"""Signing in, for tests that need somebody at the desk."""

from __future__ import annotations

from flask.testing import FlaskClient

from desk.db import Sessions, transaction
from desk.models import Operator, Role
from desk.operators import create_operator


def sign_in(client: FlaskClient, login: str) -> FlaskClient:
    """Sign in with the password that all operators of the tests have; forms are sent without their token."""
    client.application.config["WTF_CSRF_ENABLED"] = False
    answer = client.post("/console/login", data={"login": login, "password": "giusta"})
    assert answer.status_code == 303
    return client


def an_operator(sessions: Sessions, login: str, role: Role) -> Operator:
    """Somebody of that role with the password ``giusta``."""
    with transaction(sessions) as session:
        return create_operator(session, login=login, name=login.title(), password="giusta", role=role)
