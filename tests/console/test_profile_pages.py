from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from console.sign_in import SECOND_STEP
from desk.db import Sessions, reading, transaction
from desk.failed_logins import FREE_TRIES
from desk.models import Audit, Operator, OperatorSession, Role
from desk.operators import TEMPORARY, give_password, reset_password
from desk.settings import Settings
from tests.console.fixed import KEYRING, Clock
from tests.console.signing_in import an_operator, sign_in
from webhooks.app import create_app

LIST = "/console/requests"
PROFILE = "/console/profile"
TWO_STEP = f"{PROFILE}/two-step"
NEW = "una frase lunga a piacere"


@pytest.fixture
def here(client: FlaskClient, anna: Operator) -> FlaskClient:
    return sign_in(client, "anna")


def _telephone(client: FlaskClient) -> pyotp.TOTP:
    page = client.get(TWO_STEP).text
    assert "<svg" in page
    shown = re.search(r'class="to-type">([A-Z2-7 ]+)<', page)
    assert shown
    return pyotp.TOTP(shown[1].replace(" ", ""))


def _set_up(client: FlaskClient, clock: Clock) -> tuple[pyotp.TOTP, list[str]]:
    telephone = _telephone(client)
    answer = client.post(TWO_STEP, data={"code": telephone.at(clock.now)})
    assert answer.status_code == 200
    return telephone, re.findall(r"<li><code>([\w-]+)</code>", answer.text)


def _half_way(app: Flask) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/console/login", data={"login": "anna", "password": "giusta", "next": PROFILE})
    assert (answer.status_code, answer.location) == (303, "/console/login/code")
    return client


def _code(client: FlaskClient, code: str) -> int:
    return client.post("/console/login/code", data={"code": code}).status_code


def test_the_language_is_kept_for_the_next_log_in(here: FlaskClient, app: Flask) -> None:
    assert here.post(f"{PROFILE}/language", data={"language": "xx"}).status_code == 400
    assert here.post(f"{PROFILE}/language", data={"language": "en"}).status_code == 303
    assert '<html lang="en">' in here.get(LIST).text
    other = sign_in(app.test_client(), "anna")
    assert '<html lang="en">' in other.get(LIST).text


def test_sessions_are_listed_and_ended(here: FlaskClient, app: Flask, sessions: Sessions) -> None:
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
    there, third = app.test_client(), app.test_client()
    for other in (there, third):
        answer = other.post(
            "/console/login",
            data={"login": "anna", "password": "giusta"},
            headers={"User-Agent": firefox},
        )
        assert answer.status_code == 303
    page = here.get(PROFILE).text
    assert len(re.findall(r"Firefox, Windows\s*</th>", page)) == 2
    assert page.count("Questo") == 1
    (first, second) = re.findall(r'action="(/console/profile/sessions/\d+/end)"', page)
    assert here.post(first).status_code == 303
    assert {there.get(LIST).status_code, third.get(LIST).status_code} == {200, 303}
    assert here.post(first).status_code == 404
    assert here.post(f"{PROFILE}/sessions/end").status_code == 303
    assert {there.get(LIST).status_code, third.get(LIST).status_code} == {303}
    assert here.get(LIST).status_code == 200
    assert here.post(second).status_code == 404

    an_operator(sessions, "bruno", Role.ADMIN)
    bruno = sign_in(app.test_client(), "bruno")
    with reading(sessions) as db:
        annas = [
            each.id for each in db.query(OperatorSession).filter_by(ended_at=None) if each.operator_id == 1
        ]
    for number in annas:
        assert bruno.post(f"{PROFILE}/sessions/{number}/end").status_code == 404
    assert here.get(LIST).status_code == 200


def test_logging_out_ends_the_session_also_for_who_copied_the_cookie(here: FlaskClient, app: Flask) -> None:
    with here.session_transaction() as session:
        copied = dict(session)
    assert here.post("/console/logout").status_code == 303
    thief = app.test_client()
    with thief.session_transaction() as session:
        session.update(copied)
    assert thief.get(LIST).status_code == 303


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(
    here: FlaskClient, app: Flask, clock: Clock
) -> None:
    there = sign_in(app.test_client(), "anna")

    def change(**form: str) -> tuple[int, str]:
        data = {"present": "giusta", "new": NEW, "again": NEW} | form
        answer = here.post(f"{PROFILE}/password", data=data)
        return answer.status_code, answer.text

    for form, told in (
        ({"present": "sbagliata"}, "La password attuale non è corretta."),
        ({"again": "altro"}, "Le due password non coincidono."),
        ({"new": "corta", "again": "corta"}, "almeno 12 caratteri"),
    ):
        status, text = change(**form)
        assert status == 400
        assert told in text
        assert "sbagliata" not in text
    assert change(present="x" * 1000)[0] == 400
    assert there.get(LIST).status_code == 200
    assert change()[0] == 303
    assert here.get(LIST).status_code == 200
    assert there.get(LIST).status_code == 303
    other = app.test_client()
    login = {"login": "anna", "password": "giusta"}
    assert other.post("/console/login", data=login).status_code == 403
    assert other.post("/console/login", data=login | {"password": NEW}).status_code == 303

    for _ in range(FREE_TRIES):
        assert change(present="sbagliata")[0] == 400
    status, text = change(present=NEW, new=NEW * 2, again=NEW * 2)
    assert status == 429
    assert "Troppi tentativi" in text


def test_a_given_password_leads_to_choosing_one_and_runs_out(
    client: FlaskClient, app: Flask, sessions: Sessions, anna: Operator, clock: Clock
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with transaction(sessions) as db:
        reset_password(db, db.get_one(Operator, anna.id), made := give_password(), by="capo", now=clock.now)
    given = made.password
    login = {"login": "anna", "password": given}
    assert client.post("/console/login", data=login).status_code == 303
    for path in (LIST, PROFILE, TWO_STEP, "/console/"):
        assert client.get(path).location == f"{PROFILE}/password", path
    assert client.get(f"{LIST}/live").status_code == 403
    assert "solo per il primo accesso" in client.get(f"{PROFILE}/password").text
    data = {"present": given, "new": NEW, "again": NEW}
    assert client.post(f"{PROFILE}/password", data=data).status_code == 303
    assert client.get(LIST).status_code == 200

    with transaction(sessions) as db:
        reset_password(db, db.get_one(Operator, anna.id), made := give_password(), by="capo", now=clock.now)
    given = made.password
    clock.now += TEMPORARY
    late = app.test_client().post("/console/login", data={"login": "anna", "password": given})
    assert late.status_code == 403


def test_two_steps_from_setting_up_to_the_log_in(
    here: FlaskClient, app: Flask, sessions: Sessions, clock: Clock, anna: Operator
) -> None:
    telephone = _telephone(here)
    wrong = f"{(int(telephone.at(clock.now)) + 1) % 1_000_000:06}"
    refused = here.post(TWO_STEP, data={"code": wrong})
    assert refused.status_code == 400
    assert "Codice non corretto." in refused.text
    # The same code to scan, after a mistake.
    assert _telephone(here).secret == telephone.secret
    telephone, codes = _set_up(here, clock)
    assert len(codes) == 10
    assert "Codici di riserva ancora utilizzabili: 10." in here.get(PROFILE).text

    clock.now += timedelta(minutes=1)
    there = _half_way(app)
    assert there.get(LIST).status_code == 303
    for bad in ("", "000000x", "x" * 50):
        assert _code(there, bad) == 403
    assert there.get(LIST).status_code == 303
    into = there.post("/console/login/code", data={"code": telephone.at(clock.now)})
    assert (into.status_code, into.location) == (303, PROFILE)
    assert "Password e codice" in there.get(PROFILE).text

    by_list = _half_way(app)
    assert _code(by_list, codes[3]) == 303
    assert _code(_half_way(app), codes[3]) == 403

    nobody = app.test_client()
    assert nobody.get("/console/login/code").location == "/console/login"
    assert nobody.post("/console/login/code", data={"code": codes[4]}).location == "/console/login"
    late = _half_way(app)
    clock.now += SECOND_STEP + timedelta(seconds=1)
    assert late.post("/console/login/code", data={"code": codes[4]}).location == "/console/login"
    assert late.get(LIST).status_code == 303

    off = f"{TWO_STEP}/off"
    assert here.post(off, data={"password": "sbagliata"}).status_code == 400
    assert here.post(off, data={"password": "giusta"}).status_code == 303
    assert sign_in(app.test_client(), "anna").get(LIST).status_code == 200
    with reading(sessions) as db:
        assert [row.action.value for row in db.query(Audit) if row.action.value != "listed"] == [
            "two_step_on",
            "two_step_off",
        ]


def test_guessing_codes_has_to_wait_and_logging_in_again_gives_no_new_guesses(
    here: FlaskClient, app: Flask, clock: Clock
) -> None:
    telephone, codes = _set_up(here, clock)
    clock.now += timedelta(minutes=1)
    for _ in range(FREE_TRIES):
        assert _code(_half_way(app), "zzzz") == 403
    assert _code(_half_way(app), telephone.at(clock.now)) == 429
    assert _code(_half_way(app), codes[0]) == 429
    clock.now += timedelta(seconds=30)
    assert _code(_half_way(app), telephone.at(clock.now)) == 303


@pytest.mark.parametrize(
    ("required", "role", "asked"),
    [
        ("nobody", Role.ADMIN, False),
        ("admins", Role.ADMIN, True),
        ("admins", Role.SUPERVISOR, False),
        ("everybody", Role.OPERATOR, True),
    ],
)
def test_two_steps_can_be_made_mandatory(
    settings: Settings,
    sessions: Sessions,
    clock: Clock,
    required: Literal["nobody", "admins", "everybody"],
    role: Role,
    asked: bool,
) -> None:
    app = create_app(settings.model_copy(update={"two_step_required": required}), KEYRING, clock=clock)
    an_operator(sessions, "capo", role)
    client = sign_in(app.test_client(), "capo")
    first = client.get(LIST)
    assert (first.status_code, first.location) == ((303, TWO_STEP) if asked else (200, None))
    if asked:
        assert "è obbligatoria" in client.get(TWO_STEP).text
        _set_up(client, clock)
        assert client.get(LIST).status_code == 200
        # Turned off, it is asked for again at once.
        assert client.post(f"{TWO_STEP}/off", data={"password": "giusta"}).status_code == 303
        assert client.get(LIST).location == TWO_STEP
    app.extensions["engine"].dispose()


def test_another_keyring_is_told_and_lets_nobody_in(
    here: FlaskClient, settings: Settings, clock: Clock
) -> None:

    _, codes = _set_up(here, clock)
    app = create_app(settings, replace(KEYRING, web_key="another" * 7), clock=clock)
    app.config["WTF_CSRF_ENABLED"] = False
    client = _half_way(app)
    answer = client.post("/console/login/code", data={"code": codes[0]})
    assert answer.status_code == 503
    assert "amministratore" in answer.text
    assert client.get(LIST).status_code == 303
    app.extensions["engine"].dispose()
