from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from desk.db import Sessions, reading, transaction
from desk.models import ApiKey, Audit, Operator, Phone, Role, Tier
from desk.operators import operator_by_login
from tests.console.signing_in import an_operator, sign_in

OPERATORS = "/console/operators"
KEYS = "/console/api-keys"


@pytest.fixture
def capo(client: FlaskClient, sessions: Sessions) -> FlaskClient:
    with transaction(sessions) as db:
        db.add(Phone(extension="101", tier=Tier.COUNTER, label="Sportello 1", ring_seconds=20))
        db.add(Phone(extension="301", tier=Tier.OFFICE, label="Ufficio tecnico", ring_seconds=20))
    an_operator(sessions, "capo", Role.ADMIN)
    return sign_in(client, "capo")


def _form(**more: str) -> dict[str, str]:
    return {"login": "dora", "name": "Dora Neri", "role": "operator", "tier": "", "phone": ""} | more


def _once(page: str) -> str:
    shown = re.search(r'id="password-once">([\w-]+)<', page)
    assert shown
    return shown[1]


def _operator(sessions: Sessions, login: str) -> Operator:
    with reading(sessions) as db:
        found = operator_by_login(db, login)
        assert found
        return found


def _audit(sessions: Sessions) -> list[tuple[str, str]]:
    with reading(sessions) as db:
        return [(row.action.value, row.detail) for row in db.query(Audit).order_by(Audit.id)]


def test_an_operator_is_added_changed_and_shut_out(capo: FlaskClient, app: Flask, sessions: Sessions) -> None:
    page = capo.get(f"{OPERATORS}/new").text
    assert "101 – Sportello 1" in page
    assert "Ufficio tecnico" not in page
    made = capo.post(f"{OPERATORS}/new", data=_form(tier="counter", phone="101", login=" Dora "))
    assert made.status_code == 200
    dora = _operator(sessions, "dora")
    assert (dora.default_tier, dora.default_phone) == (Tier.COUNTER, "101")
    her = app.test_client()
    login = {"login": "dora", "password": _once(made.text)}
    assert her.post("/console/login", data=login).status_code == 303
    assert her.get("/console/requests").location == "/console/profile/password"

    one = f"{OPERATORS}/{dora.id}"
    assert "Accessi aperti: 1." in capo.get(one).text
    changed = capo.post(one, data=_form(name="Dora Verdi", role="supervisor"), follow_redirects=True)
    assert "Operatore modificato." in changed.text
    assert "Dora Verdi" in changed.text
    assert _operator(sessions, "dora").role is Role.SUPERVISOR
    assert capo.post(f"{one}/sign-out").status_code == 303
    assert her.get("/console/requests").location.startswith("/console/login")

    again = _once(capo.post(f"{one}/password").text)
    assert again != login["password"]
    assert capo.post(f"{one}/shut-out").status_code == 303
    assert "Disattivato" in capo.get(OPERATORS).text
    assert her.post("/console/login", data=login | {"password": again}).status_code == 403
    assert capo.post(f"{one}/let-in").status_code == 303
    assert her.post("/console/login", data=login | {"password": again}).status_code == 303
    assert capo.post(f"{one}/two-step-off").status_code == 303
    assert _audit(sessions) == [
        ("operator_added", "dora as operator"),
        ("operator_changed", "dora from operator to supervisor"),
        ("signed_out", "dora"),
        ("password_reset", "dora"),
        ("operator_changed", "dora shut out"),
        ("operator_changed", "dora let in again"),
        ("two_step_off", "dora"),
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"login": "Dora Neri"}, "Da 2 a 40 lettere minuscole"),
        ({"login": "capo"}, "Questo nome utente esiste già."),
        ({"name": "  "}, "Scrivere nome e cognome"),
        ({"name": "x" * 81}, "Scrivere nome e cognome"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    capo: FlaskClient, sessions: Sessions, wrong: dict[str, str], told: str
) -> None:
    answer = capo.post(f"{OPERATORS}/new", data=_form(**wrong))
    assert answer.status_code == 400
    (field,) = wrong
    error = re.search(rf'id="{field}-error">.*?</svg> (.*?)</p>', answer.text, re.S)
    assert error
    assert told in html.unescape(error[1])
    assert _audit(sessions) == []


@pytest.mark.parametrize("crafted", [{"role": "king"}, {"tier": "office"}, {"phone": "301"}, {"role": ""}])
def test_a_crafted_choice_is_refused(capo: FlaskClient, sessions: Sessions, crafted: dict[str, str]) -> None:
    assert capo.post(f"{OPERATORS}/new", data=_form(**crafted)).status_code == 400
    assert _audit(sessions) == []


def test_the_last_administrator_cannot_go(capo: FlaskClient, sessions: Sessions) -> None:
    own = f"{OPERATORS}/{_operator(sessions, 'capo').id}"
    refused = capo.post(own, data=_form(name="Capo", role="operator"))
    assert refused.status_code == 400
    assert "ultimo amministratore" in refused.text
    assert "ultimo amministratore" in capo.post(f"{own}/shut-out", follow_redirects=True).text
    assert _operator(sessions, "capo").active
    an_operator(sessions, "vice", Role.ADMIN)
    assert capo.post(own, data=_form(name="Capo", role="operator")).status_code == 303
    # The new role holds at once.
    assert capo.get(OPERATORS).status_code == 403


@pytest.mark.parametrize("number", ["999", "99999999999999999999"])
def test_nobody_is_not_found(capo: FlaskClient, number: str) -> None:
    assert capo.get(f"{OPERATORS}/{number}").status_code == 404
    for action in ("password", "two-step-off", "sign-out", "shut-out", "let-in"):
        assert capo.post(f"{OPERATORS}/{number}/{action}").status_code == 404


def test_a_key_is_made_shown_once_used_and_revoked(capo: FlaskClient, sessions: Sessions) -> None:
    assert "Nessuna chiave." in capo.get(KEYS).text
    form = {"name": "Sito web", "scope": ["requests:read", "rooms:write"], "per_minute": "30"}
    page = capo.post(KEYS, data=form).text
    shown = re.search(r'id="key-once">(ctl_\w+)<', page)
    assert shown
    key = shown[1]
    assert key not in capo.get(KEYS).text
    with reading(sessions) as db:
        kept = db.query(ApiKey).one()
        assert (kept.name, kept.scopes, kept.per_minute) == ("Sito web", form["scope"], 30)
        prefix = kept.prefix

    other = capo.application.test_client()
    asked = {"Authorization": f"Bearer {key}"}
    assert other.get("/api/v1/requests/12345678", headers=asked).status_code == 404
    assert capo.post(f"{KEYS}/{prefix}/revoke").status_code == 303
    assert other.get("/api/v1/requests/12345678", headers=asked).status_code == 401
    assert "Revocata" in capo.get(KEYS).text
    assert capo.post(f"{KEYS}/{prefix}/revoke").status_code == 404
    # Also what the key was used for, until it was revoked.
    assert _audit(sessions) == [
        ("key_made", prefix),
        ("searched", "read_request: not found"),
        ("key_revoked", prefix),
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": " "}, "Scrivere il nome del sistema"),
        ({"scope": []}, "Scegliere almeno una voce."),
        ({"per_minute": "0"}, "un numero da 1 a 100000"),
        ({"per_minute": "x"}, "un numero da 1 a 100000"),
    ],
)
def test_a_key_needs_a_name_a_purpose_and_a_pace(
    capo: FlaskClient, sessions: Sessions, wrong: dict[str, object], told: str
) -> None:
    form = {"name": "Sito", "scope": ["requests:read"], "per_minute": "30"} | wrong
    answer = capo.post(KEYS, data=form)
    assert answer.status_code == 400
    assert told in answer.text
    assert _audit(sessions) == []


def test_a_crafted_purpose_is_refused(capo: FlaskClient) -> None:
    form = {"name": "Sito", "scope": "everything", "per_minute": "30"}
    assert capo.post(KEYS, data=form).status_code == 400
