"""The town's own log-in, against a real OpenID Connect provider over HTTP."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask, current_app, g
from flask.testing import FlaskClient
from joserfc import jwk, jwt
from playwright.sync_api import Browser, expect
from pydantic import SecretStr
from werkzeug.serving import BaseWSGIServer

from desk.db import Sessions, reading, transaction
from desk.models import Operator, OperatorSession, SignInWay
from desk.settings import Settings
from tests.console.browsing import Visitor, served
from tests.console.fixed import KEYRING, Clock
from tests.console.signing_in import sign_in
from webhooks.app import create_app

with warnings.catch_warnings():
    # It still uses what authlib will give up in its second version.
    warnings.simplefilter("ignore")
    from oidc_provider_mock import User, run_server_in_thread

# The provider runs in this process and has warnings of its own.
pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")


@pytest.fixture(scope="module")
def provider() -> Iterator[BaseWSGIServer]:
    """A provider that knows Anna and two strangers."""
    people = [
        User(sub="subject-of-anna", claims={"preferred_username": "Anna", "sid": "session-7"}),
        User(sub="stranger", claims={"preferred_username": "zeno"}),
        User(sub="namesake", claims={"preferred_username": "anna"}),
        User(sub="nameless"),
    ]
    with run_server_in_thread(user_claims=people) as server:
        yield server


@pytest.fixture(scope="module")
def issuer(provider: BaseWSGIServer) -> str:
    """Where it runs."""
    return f"http://localhost:{provider.server_port}"


@pytest.fixture
def settings(settings: Settings, issuer: str) -> Settings:
    return settings.model_copy(
        update={
            "oidc_issuer": issuer,
            "oidc_client_id": "centralino",
            "oidc_client_secret": SecretStr("a secret"),
            "oidc_label": "Accedi con Esempio",
            "two_step_required": "everybody",
        }
    )


def _answer_of(client: FlaskClient, subject: str | None, *, next_page: str = "") -> str:
    """Where the provider sends the browser back to, after somebody logged in there (None: refused)."""
    away = client.get("/console/login/town", query_string={"next": next_page})
    assert away.status_code == 302
    form = {"sub": subject} if subject else {"action": "deny"}
    answer = requests.post(away.location, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/console/login/town/back"
    return f"{back.path}?{back.query}"


def test_whom_the_town_vouches_for_is_in_and_stays_the_same_person(
    client: FlaskClient, sessions: Sessions, anna: Operator
) -> None:
    assert "Accedi con Esempio" in client.get("/console/login").text
    wanted = "/console/requests?before=7"
    back = _answer_of(client, "subject-of-anna", next_page=wanted)
    into = client.get(back)
    assert (into.status_code, into.location) == (303, wanted)
    # Neither a code nor a password of ours is asked for.
    assert client.get("/console/requests").status_code == 200
    with reading(sessions) as db:
        kept = db.get_one(Operator, anna.id)
        assert kept.oidc_subject == "subject-of-anna"
        assert db.query(OperatorSession).one().way is SignInWay.SINGLE_SIGN_ON
    # The answer lets in once.
    assert client.get(back).status_code == 403

    namesake = client.application.test_client()
    refused = namesake.get(_answer_of(namesake, "namesake"))
    assert refused.status_code == 403
    assert "non corrisponde a nessun operatore" in refused.text
    assert namesake.get("/console/requests").status_code == 303


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize("subject", ["stranger", "nameless"])
def test_a_stranger_is_told_so(client: FlaskClient, subject: str) -> None:
    refused = client.get(_answer_of(client, subject))
    assert refused.status_code == 403
    assert "non corrisponde a nessun operatore" in refused.text
    assert client.get("/console/requests").status_code == 303


def test_who_left_stays_out(client: FlaskClient, sessions: Sessions, anna: Operator) -> None:
    with transaction(sessions) as db:
        db.get_one(Operator, anna.id).active = False
    assert client.get(_answer_of(client, "subject-of-anna")).status_code == 403


@pytest.mark.usefixtures("anna")
def test_a_forged_or_refused_answer_lets_nobody_in(client: FlaskClient) -> None:
    back = _answer_of(client, "subject-of-anna")
    other = client.application.test_client()
    for who, address in (
        (other, back),  # another browser
        (client, re.sub(r"state=\w+", "state=forged", back)),
        (client, re.sub(r"code=\w+", "code=forged", back)),
        (client, _answer_of(client, None)),
        (client, "/console/login/town/back"),
    ):
        refused = who.get(address)
        assert refused.status_code == 403, address
        assert "non ha confermato" in refused.text
        assert who.get("/console/requests").status_code == 303


def test_a_provider_that_is_away_or_another_leaves_the_password(
    settings: Settings, sessions: Sessions, issuer: str, clock: Clock, anna: Operator
) -> None:
    for wrong in ("http://127.0.0.1:1", issuer.replace("localhost", "127.0.0.1") + "/x", f"{issuer}/x"):
        app = create_app(settings.model_copy(update={"oidc_issuer": wrong}), KEYRING, clock=clock)
        with closing(app.extensions["engine"].raw_connection()):
            page = app.test_client().get("/console/login/town")
        assert page.status_code == 503
        assert "Usare nome utente e password" in page.text
        app.extensions["engine"].dispose()


def test_without_one_there_is_no_such_log_in(sessions: Sessions, settings: Settings, clock: Clock) -> None:
    app = create_app(settings.model_copy(update={"oidc_issuer": ""}), KEYRING, clock=clock)
    client = app.test_client()
    assert "/console/login/town" not in client.get("/console/login").text
    for path in ("/console/login/town", "/console/login/town/back"):
        assert client.get(path).status_code == 404
    app.extensions["engine"].dispose()


def test_logging_out_goes_on_to_the_town_s_own_log_in(
    client: FlaskClient, sessions: Sessions, settings: Settings, clock: Clock, anna: Operator, issuer: str
) -> None:
    client.get(_answer_of(client, "subject-of-anna"))
    client.application.config["WTF_CSRF_ENABLED"] = False
    with reading(sessions) as db:
        row = db.query(OperatorSession).one()
        hint = row.id_token
        assert row.provider_session == "session-7"
        assert hint
        assert hint.count(".") == 2
    page = client.post("/console/logout")
    assert page.status_code == 200
    form = page.text.partition("data-submit")[2].partition("</form>")[0]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    assert fields == {
        "id_token_hint": hint,
        "client_id": "centralino",
        "post_logout_redirect_uri": "http://localhost/console/login",
    }
    assert f'action="{issuer}/oauth2/end_session"' in page.text
    assert f"form-action 'self' {issuer} https:;" in page.headers["Content-Security-Policy"]
    # Here it is over whatever happens there, and nothing of it is kept.
    assert client.get("/console/requests").status_code == 303
    with reading(sessions) as db:
        assert db.query(OperatorSession).one().id_token is None

    # A provider that is away keeps nobody in.
    client.get(_answer_of(client, "subject-of-anna"))
    app = create_app(settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:1"}), KEYRING, clock=clock)
    app.config["WTF_CSRF_ENABLED"] = False
    name = app.config["SESSION_COOKIE_NAME"]
    elsewhere, cookie = app.test_client(), client.get_cookie(name)
    assert cookie is not None
    elsewhere.set_cookie(name, cookie.value)
    assert elsewhere.post("/console/logout").location == "/console/login"
    assert client.get("/console/requests").status_code == 303
    app.extensions["engine"].dispose()

    # Who came with a password has nothing to end there.
    sign_in(client, "anna")
    assert client.post("/console/logout").location == "/console/login"


def _log_out_token(provider: BaseWSGIServer, issuer: str, now: datetime, **changed: object) -> str:
    """What the provider posts when somebody has logged out there; ``None`` leaves a claim out."""
    claims: dict[str, object] = {
        "iss": issuer,
        "aud": "centralino",
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 120,
        "jti": "1",
        "sub": "subject-of-anna",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    claims = {name: value for name, value in (claims | changed).items() if value is not None}
    with cast(Flask, provider.app).test_request_context():
        current_app.preprocess_request()
        # Of another library: its keys are not ours.
        key = jwk.RSAKey.import_key(g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))
    return jwt.encode({"alg": "RS256", "kid": key.thumbprint()}, claims, key)


def test_who_logs_out_there_is_out_here(
    client: FlaskClient,
    sessions: Sessions,
    clock: Clock,
    anna: Operator,
    issuer: str,
    provider: BaseWSGIServer,
) -> None:
    def told(token: str) -> int:
        return client.post("/console/login/town/ended", data={"logout_token": token}).status_code

    def inside() -> bool:
        return client.get("/console/requests").status_code == 200

    client.get(_answer_of(client, "subject-of-anna"))
    other = client.application.test_client()
    own_key = jwk.RSAKey.generate_key(2048, {"kid": "mine"}, private=True)
    for token in (
        "",
        "no.token.here",
        _log_out_token(provider, issuer, clock.now, iss="https://elsewhere.example"),
        _log_out_token(provider, issuer, clock.now, aud="another"),
        _log_out_token(provider, issuer, clock.now, events={}),
        _log_out_token(provider, issuer, clock.now, nonce="n"),
        _log_out_token(provider, issuer, clock.now, sub=None),
        _log_out_token(provider, issuer, clock.now - timedelta(hours=1)),
        _log_out_token(provider, issuer, clock.now + timedelta(hours=1)),
        jwt.encode({"alg": "RS256", "kid": "mine"}, {"sub": "subject-of-anna"}, own_key),
    ):
        assert told(token) == 400
        assert inside()
    # Of somebody else, or of another session of hers.
    assert told(_log_out_token(provider, issuer, clock.now, sub="stranger")) == 200
    assert told(_log_out_token(provider, issuer, clock.now, sid="session-8")) == 200
    assert inside()
    # A log-in by password is none of the provider's.
    client.application.config["WTF_CSRF_ENABLED"] = False
    sign_in(other, "anna")
    assert told(_log_out_token(provider, issuer, clock.now, sub=None, sid="session-7")) == 200
    assert not inside()
    client.get(_answer_of(client, "subject-of-anna"))
    assert told(_log_out_token(provider, issuer, clock.now, aud=["centralino", "x"])) == 200
    assert not inside()
    assert other.get("/console/profile").status_code == 303  # the second step comes first
    with reading(sessions) as db:
        ended = [row.ended_at is not None for row in db.query(OperatorSession).order_by(OperatorSession.id)]
    assert ended == [True, False, True]


@pytest.mark.usefixtures("anna")
def test_in_a_browser_the_way_there_and_back_is_allowed_by_the_policy(browser: Browser, app: Flask) -> None:
    with served(app) as address:
        visitor = Visitor.at(browser, address)
        page = visitor.page
        page.goto("/console/requests")
        page.get_by_role("link", name="Accedi con Esempio").click()
        page.get_by_role("button", name="subject-of-anna").click()
        expect(page.locator("h1")).to_have_text("Richieste")
        page.goto("/console/profile")
        expect(page.locator("main")).to_contain_text("Account del Comune")
        page.get_by_role("button", name="Esci").click()
        # On by itself to the provider, and back.
        page.get_by_role("button", name="End session").click()
        expect(page.locator("main")).to_contain_text("Accesso terminato.")
        # The provider's own page asks a server for its style that the tests do not reach.
        assert [told for told in visitor.complaints if "Content Security Policy" in told] == []
        page.context.close()
