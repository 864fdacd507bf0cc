"""Schemathesis asks the real application whatever its own description allows, and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.parameters import ParameterLocation
from twilio.request_validator import RequestValidator
from werkzeug import Request

from desk import db
from desk.api_keys import create_api_key
from desk.demo import load_demo
from desk.models import Scope
from desk.settings import Settings
from tests.conftest import DEMO_KEYRING, NOW
from webhooks.api.description import describe
from webhooks.app import create_app

PUBLIC, TOKEN = "https://desk.example", "token"
SIGN_ME = "sign me"


class Twilio:
    """In front of the application, which a fixture makes: signs what asks for it, as Twilio would."""

    app: Callable[..., Iterable[bytes]]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("HTTP_X_TWILIO_SIGNATURE") == SIGN_ME:
            request = Request(environ)
            body = request.get_data(cache=True)
            query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
            address = PUBLIC + request.path + query
            signature = RequestValidator(TOKEN).compute_signature(address, request.form)
            environ["HTTP_X_TWILIO_SIGNATURE"] = signature
            environ["wsgi.input"] = BytesIO(body)
        return self.app(environ, start_response)


front = Twilio()
schema = schemathesis.openapi.from_dict(describe(PUBLIC))
schema.app = front


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A key that may do everything, on a demo town of its own."""
    home = tmp_path_factory.mktemp("schemathesis")
    system = Settings(home=home, database_url="", public_url=PUBLIC, twilio_auth_token=TOKEN)
    db.migrate(system.url)
    engine = db.connect(system.url)
    with db.transaction(db.sessions(engine)) as session:
        load_demo(session, DEMO_KEYRING, NOW)
        key = create_api_key(session, name="all", scopes=list(Scope), per_minute=100_000, now=NOW)
    engine.dispose()
    app = create_app(system, DEMO_KEYRING, clock=lambda: NOW)
    assert app.test_client().get("/api/v1/openapi.json").get_json() == describe(PUBLIC)
    front.app = app
    yield key
    app.extensions["engine"].dispose()


@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described_and_never_a_fault(case: schemathesis.Case[Any], key: str) -> None:
    assert case.meta is not None
    signed = case.path.startswith("/webhooks/")
    headers = {"X-Twilio-Signature": SIGN_ME} if signed else {"Authorization": f"Bearer {key}"}
    # What fits the schema can still name a citizen or a slot that is not there.
    excluded = [positive_data_acceptance]
    # Headers that were left out on purpose are put back by us; Twilio may add parameters to an address.
    repaired = {ParameterLocation.HEADER} | ({ParameterLocation.QUERY} if signed else set())
    if any(case.meta.components[place].mode.is_negative for place in repaired & set(case.meta.components)):
        excluded.append(negative_data_rejection)
    case.call_and_validate(headers=headers, excluded_checks=excluded)
