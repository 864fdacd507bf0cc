from __future__ import annotations

import logging
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from desk.db import Sessions, transaction
from desk.failed_logins import FIRST_WAIT, FREE_TRIES
from desk.models import Operator
from desk.operator_sessions import IDLE, LONGEST_SESSION
from tests.console.fixed import Clock

LIST = "/console/requests"
LOG_IN = "/console/login"


def _token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


def _log_in(client: FlaskClient, login: str = "anna", **more: str) -> TestResponse:
    token = _token(client.get(LOG_IN))
    return client.post(LOG_IN, data={"csrf_token": token, "login": login, "password": "giusta"} | more)


def test_an_operator_logs_in_and_out(client: FlaskClient, anna: Operator) -> None:
    answer = _log_in(client)
    assert (answer.status_code, answer.location) == (303, LIST)
    page = client.get(LIST)
    assert page.status_code == 200
    assert "Operatore: Anna Bianchi" in page.text
    assert client.get(LOG_IN).location == LIST

    left = client.post("/console/logout", data={"csrf_token": _token(page)}, follow_redirects=True)
    assert "Accesso terminato." in left.text
    assert client.get(LIST).status_code == 303


def test_the_pages_are_italian_until_switched_to_english(client: FlaskClient, anna: Operator) -> None:
    assert '<html lang="it">' in client.get(LOG_IN).text
    page = client.get(f"{LOG_IN}?lang=en")
    assert '<html lang="en">' in page.text
    assert "Operator log-in" in page.text
    _log_in(client)
    assert '<html lang="en">' in client.get(LIST).text
    assert '<html lang="it">' in client.get(f"{LIST}?lang=it").text
    assert '<html lang="it">' in client.get(f"{LIST}?lang=de").text


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(
    client: FlaskClient, anna: Operator
) -> None:
    wrong = _log_in(client, password="sbagliata")
    unknown = _log_in(client, login="zeno", password="sbagliata")

    assert wrong.status_code == unknown.status_code == 403
    assert "Nome utente o password non corretti." in wrong.text

    def without_what_was_typed(page: TestResponse) -> str:
        return page.text.replace(_token(page), "").replace('value="anna"', "").replace('value="zeno"', "")

    assert without_what_was_typed(wrong) == without_what_was_typed(unknown)
    assert "sbagliata" not in wrong.text
    assert client.get(LIST).status_code == 303


@pytest.mark.parametrize(
    ("login", "password"),
    [("", ""), ("anna", ""), ("", "giusta"), ("anna", "x" * 5000), ("an\0na", "giusta")],
)
def test_empty_and_endless_input_is_a_wrong_password(
    client: FlaskClient, anna: Operator, login: str, password: str
) -> None:
    assert _log_in(client, login, password=password).status_code == 403


def test_somebody_who_left_cannot_log_in_and_loses_the_open_session(
    client: FlaskClient, anna: Operator, sessions: Sessions
) -> None:
    _log_in(client)
    with transaction(sessions) as db:
        db.get_one(Operator, anna.id).active = False

    assert client.get(LIST).status_code == 303
    assert _log_in(client).status_code == 403


def test_a_changed_password_ends_open_sessions(
    client: FlaskClient, anna: Operator, sessions: Sessions
) -> None:
    _log_in(client)
    with transaction(sessions) as db:
        db.get_one(Operator, anna.id).password_hash = "another"

    assert client.get(LIST).status_code == 303


def test_a_password_hash_of_former_strength_still_lets_in(
    client: FlaskClient, anna: Operator, sessions: Sessions
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=64)
    with transaction(sessions) as db:
        db.get_one(Operator, anna.id).password_hash = weak.hash("giusta")
    _log_in(client)
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("login", ["anna", "nobody"])
def test_guessing_has_to_wait_and_so_does_the_right_password_meanwhile(
    client: FlaskClient, anna: Operator, clock: Clock, login: str
) -> None:
    for _ in range(FREE_TRIES):
        assert _log_in(client, login, password="sbagliata").status_code == 403
    refused = _log_in(client, login)

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == str(int(FIRST_WAIT.total_seconds()))
    assert "Riprovare fra 1 min." in refused.text

    clock.now += FIRST_WAIT
    assert _log_in(client, login).status_code == (303 if login == "anna" else 403)


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, anna: Operator) -> None:
    client.get(LOG_IN)
    answer = client.post(LOG_IN, data={"login": "anna", "password": "giusta"}, follow_redirects=True)
    assert "La pagina era aperta da troppo tempo." in answer.text
    assert client.get(LIST).status_code == 303

    _log_in(client)
    assert client.post("/console/logout").status_code == 400
    assert client.get("/console/logout").status_code == 405
    assert client.get(LIST).status_code == 200


def test_an_idle_session_ends_and_automatic_updates_do_not_keep_it(
    client: FlaskClient, anna: Operator, clock: Clock
) -> None:
    _log_in(client)
    clock.now += IDLE - timedelta(minutes=1)
    assert client.get(f"{LIST}/live").status_code == 200
    clock.now += timedelta(minutes=2)
    assert client.get(f"{LIST}/live").status_code == 401
    assert "La sessione è terminata per inattività." in client.get(LIST, follow_redirects=True).text


def test_a_used_session_lasts_a_shift_and_no_longer(
    client: FlaskClient, anna: Operator, clock: Clock
) -> None:
    _log_in(client)
    began = clock.now
    while clock.now + timedelta(hours=1) <= began + LONGEST_SESSION:
        clock.now += timedelta(hours=1)
        assert client.get(LIST).status_code == 200
    clock.now += timedelta(hours=1)
    assert client.get(LIST).status_code == 303


def test_the_log_in_leads_to_the_page_that_was_asked_for(client: FlaskClient, anna: Operator) -> None:
    wanted = f"{LIST}?before=7"
    sent_to = client.get(wanted).location
    assert urlsplit(sent_to).path == LOG_IN
    assert parse_qs(urlsplit(sent_to).query) == {"next": [wanted]}
    assert f'name="next" value="{wanted}"' in client.get(sent_to).text
    assert _log_in(client, next=wanted).location == wanted


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://example.org/",
        "//example.org/console/",
        "/\\example.org",
        "/console/\\example.org",
        "javascript:x",
        "/x",
    ],
)
def test_the_log_in_leads_nowhere_else(client: FlaskClient, anna: Operator, elsewhere: str) -> None:
    assert f'name="next" value="{LIST}"' in client.get(LOG_IN, query_string={"next": elsewhere}).text
    assert _log_in(client, next=elsewhere).location == LIST


def test_nothing_planted_in_the_session_survives_the_log_in(client: FlaskClient, anna: Operator) -> None:
    with client.session_transaction() as session:
        session["planted"] = "x"
    before = _token(client.get(LOG_IN))
    _log_in(client)

    with client.session_transaction() as session:
        assert "planted" not in session
    assert client.post("/console/logout", data={"csrf_token": before}).status_code == 400


def test_a_session_of_nobody_is_no_session(client: FlaskClient, anna: Operator, clock: Clock) -> None:
    for forged in (f"{anna.id}", f"{anna.id}.", "0.x", "anna"):
        with client.session_transaction() as session:
            session["_user_id"] = forged
            session["seen"] = session["began"] = int(clock.now.timestamp())
        assert client.get(LIST).status_code == 303, forged


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    app: Flask, client: FlaskClient, anna: Operator
) -> None:
    plain = _log_in(client).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax"} <= set(plain.split("; "))
    assert "Secure" not in plain
    assert "Expires" not in plain

    secure = app.test_client().get(LOG_IN, base_url="https://localhost").headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Secure"} <= set(secure.split("; "))


def test_no_name_or_password_is_logged(
    client: FlaskClient, anna: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        _log_in(client, password="sbagliata")
        _log_in(client)
        client.get(f"{LIST}?before=1")

    assert "log-in refused" in caplog.text
    assert f"operator {anna.id} logged in" in caplog.text
    for private in ("anna", "Anna", "Bianchi", "sbagliata", "giusta", "before"):
        assert private not in caplog.text
