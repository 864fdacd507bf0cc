from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from desk.settings import Settings
from tests.console.fixed import KEYRING
from webhooks.api.serving import KEYED
from webhooks.app import OPEN, SIGNED, create_app
from webhooks.problems import MEDIA_TYPE
from webhooks.security import HEADERS

DATABASE = "centralino.sqlite"


def _address(app: Flask, rule: Rule) -> str:
    """Some address of the route."""
    values: dict[str, Any] = dict.fromkeys(rule.arguments, "1" * 8)
    with app.test_request_context():
        return app.url_for(rule.endpoint, **values)


def test_every_route_needs_a_log_in_unless_listed(app: Flask, client: FlaskClient) -> None:
    # Without a token a form would be refused before anybody asks who sends it.
    app.config["WTF_CSRF_ENABLED"] = False
    asked = set()
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            if method in {"HEAD", "OPTIONS"}:
                continue
            answer = client.open(_address(app, rule), method=method, buffered=True)
            refused = answer.status_code == 401 or (
                answer.status_code == 303 and answer.location.startswith("/console/login")
            )
            shown = f"{method} {rule.rule}: {answer.status_code}"
            if rule.endpoint == "console.single_sign_on_ended":
                # This town has no log-in of its own, so nobody to sign for it.
                assert answer.status_code == 404, shown
            elif rule.endpoint in SIGNED:
                assert answer.status_code == 403, shown
            elif rule.endpoint in KEYED:
                assert (answer.status_code, answer.mimetype) == (401, MEDIA_TYPE), shown
            else:
                # Who did not give the password is not asked for the code.
                assert refused != (rule.endpoint in OPEN - {"console.second_step"}), shown
            asked.add(rule.endpoint)

    assert OPEN | KEYED | SIGNED | {"console.requests", "console.live_requests", "console.recording"} <= asked


@pytest.mark.parametrize("start", ["/", "/console/"])
def test_the_start_addresses_lead_to_the_log_in(client: FlaskClient, start: str) -> None:
    page = client.get(start, follow_redirects=True)
    assert (page.status_code, page.request.path) == (200, "/console/login")


@pytest.mark.parametrize("path", ["/console/login", "/health", "/console/static/console.css", "/nowhere"])
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path, buffered=True)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "Strict-Transport-Security" not in answer.headers
    assert (
        "Strict-Transport-Security" in client.get(path, base_url="https://localhost", buffered=True).headers
    )
    assert ("no-store" in answer.headers["Cache-Control"]) != path.endswith(".css")


def test_only_the_pages_with_a_phone_get_the_microphone_and_the_way_to_asterisk(
    app: Flask, client: FlaskClient
) -> None:
    with app.test_request_context("/console/phone", base_url="https://desk.example"):
        app.preprocess_request()
        phone = app.process_response(Response()).headers
    policy = phone["Content-Security-Policy"]
    assert "connect-src 'self' wss://desk.example:8089;" in policy
    assert "frame-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "microphone=(self)" in phone["Permissions-Policy"]
    # The pages of work stand beside it, and beside nothing else.
    work = client.get("/console/requests").headers
    assert "frame-ancestors 'self'" in work["Content-Security-Policy"]
    assert "microphone=()" in work["Permissions-Policy"]


def test_no_inline_script_or_style_is_allowed_or_used() -> None:
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    templates = list((Path(__file__).parents[2] / "console" / "templates").glob("*.html"))
    assert templates
    for file in templates:
        text = file.read_text()
        assert "<style" not in text
        assert " style=" not in text
        assert text.count("<script") == text.count("<script src=")
        assert "http://" not in text
        assert "https://" not in text


def test_an_unknown_address_is_a_page_in_italian(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert '<html lang="it">' in answer.text
    assert "Pagina non trovata" in answer.text


def test_a_wrong_method_and_an_endless_form_are_refused(client: FlaskClient) -> None:
    assert client.delete("/console/login").status_code == 405
    assert client.post("/console/login", data={"login": "x" * 100_000}).status_code == 413


def _sign_in_as_anybody(client: FlaskClient) -> None:
    with client.session_transaction() as session:
        session["_user_id"] = "1.x.y"
        session["seen"] = session["began"] = 2**40


@pytest.mark.parametrize("damage", ["deleted", "emptied", "never made"])
def test_a_dead_database_is_a_clear_page_and_no_stack_trace(
    settings: Settings, client: FlaskClient, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    for file in settings.home.glob(f"{DATABASE}*"):
        file.unlink()
    if damage == "emptied":
        (settings.home / DATABASE).touch()
    if damage == "never made":
        settings.home.rmdir()
    _sign_in_as_anybody(client)
    answer = client.get("/console/requests?before=7")

    assert answer.status_code == 503
    assert '<html lang="it">' in answer.text
    assert "Archivio non raggiungibile" in answer.text
    assert 'href="/console/requests?before=7"' in answer.text
    assert "Traceback" not in answer.text + caplog.text
    assert "sqlite" not in answer.text.lower()
    live = client.get("/console/requests/live")
    assert (live.status_code, live.data) == (503, b"")
    # The form itself needs no database.
    with client.session_transaction() as session:
        session.clear()
    assert client.get("/console/login").status_code == 200


def test_an_unreachable_postgresql_is_the_same_clear_page(tmp_path: Path, client: FlaskClient) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    other = create_app(settings, KEYRING).test_client()
    _sign_in_as_anybody(other)
    assert other.get("/console/requests").status_code == 503
    assert other.get("/health").status_code == 503


def test_the_database_is_found_again_when_it_is_back(settings: Settings, client: FlaskClient) -> None:
    _sign_in_as_anybody(client)
    assert client.get("/console/requests").status_code == 303
    _sign_in_as_anybody(client)
    away = settings.home / "away"
    (settings.home / DATABASE).rename(away)
    assert client.get("/console/requests").status_code == 503
    away.rename(settings.home / DATABASE)
    assert client.get("/console/requests").status_code == 303


def test_a_fault_of_ours_is_a_page_that_gives_nothing_away(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fault() -> str:
        raise RuntimeError("a private matter")

    app.view_functions["health"] = fault
    answer = app.test_client().get("/health?key=secret")

    assert answer.status_code == 500
    assert "Errore imprevisto" in answer.text
    assert "private" not in answer.text
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_the_log_names_routes_and_never_what_was_asked(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="webhooks.access_log"):
        client.get("/console/requests/12345678?name=Rossi")
        client.get("/+393331234567")
        client.get("/health")

    lines = [record.getMessage() for record in caplog.records if record.name == "webhooks.access_log"]
    assert lines[0].startswith("GET /console/requests/<reference> 303 ")
    assert lines[1].startswith("GET (no such page) 404 ")
    assert len(lines) == 2
    assert not any(private in line for line in lines for private in ("12345678", "Rossi", "39333"))
