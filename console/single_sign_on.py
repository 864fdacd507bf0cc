"""The town's own log-in by OpenID Connect: the code flow with PKCE, state and nonce, all by authlib.

authlib and requests are imported where they are used: most towns need neither at the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from flask import current_app, session
from flask.typing import ResponseReturnValue

from desk.settings import Settings

#: Seconds: the operator waits before a page.
_PATIENCE = 10
_WANTED = "single_sign_on_wanted"


class NotVouched(Exception):
    """The town's log-in cannot be reached, refused, or its answer does not hold."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the town's log-in vouches for. ``login`` is what it says the log-in here is, if it does."""

    issuer: str
    subject: str
    login: str | None
    #: The page that was asked for before.
    wanted: str | None


class SingleSignOn:
    """One provider, found by its issuer's discovery document."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, *, claim: str, label: str) -> None:
        from authlib.integrations.flask_client import OAuth

        self.label = label
        self._claim = claim
        self._issuer = issuer.rstrip("/")
        self._oauth = OAuth()
        self._oauth.register(
            "town",
            client_id=client_id,
            client_secret=client_secret or None,
            server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile",
                "code_challenge_method": "S256",
                "default_timeout": _PATIENCE,
                # A client without a secret proves itself by PKCE alone.
                "token_endpoint_auth_method": "client_secret_basic" if client_secret else "none",
            },
        )

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """What the settings say; None where the town has no log-in of its own."""
        if not settings.oidc_issuer:
            return None
        return cls(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret.get_secret_value(),
            claim=settings.oidc_claim,
            label=settings.oidc_label,
        )

    def begin(self, back: str, wanted: str) -> ResponseReturnValue:
        """Send the browser there; ``back`` is our address that it returns to. Raises :class:`NotVouched`."""
        with _telling():
            answer: ResponseReturnValue = self._client().authorize_redirect(back)
        session[_WANTED] = wanted
        return answer

    def end(self) -> Vouched:
        """Whom the answer in the present request vouches for. Raises :class:`NotVouched`."""
        with _telling():
            token = self._client().authorize_access_token()
        claims: dict[str, Any] | None = token.get("userinfo")
        if not claims or not claims.get("sub"):
            raise NotVouched("the answer names nobody")
        login = claims.get(self._claim)
        return Vouched(
            # Checked by authlib against what the issuer's own document says; that this is the issuer's, here.
            str(claims["iss"]).rstrip("/"),
            str(claims["sub"]),
            str(login) if login else None,
            session.pop(_WANTED, None),
        )

    def _client(self) -> Any:
        if self._oauth.app is None:
            self._oauth.init_app(current_app)
        client = self._oauth.create_client("town")
        if str(client.load_server_metadata().get("issuer", "")).rstrip("/") != self._issuer:
            raise NotVouched("the document of the town's log-in is another's")
        return client


@contextmanager
def _telling() -> Iterator[None]:
    """What goes wrong between us and the provider is :class:`NotVouched`, without what was sent."""
    import requests
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    try:
        yield
    except requests.RequestException as e:
        raise NotVouched(f"the town's log-in cannot be reached ({type(e).__name__})") from e
    except (AuthlibBaseError, JoseError, RuntimeError, ValueError) as e:
        raise NotVouched(f"the town's log-in did not vouch ({type(e).__name__})") from e
