"""The town's own log-in by OpenID Connect: the code flow with PKCE, state and nonce, all by authlib.

authlib and requests are imported where they are used: most towns need neither at the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from flask import current_app, session
from flask.typing import ResponseReturnValue

from desk.settings import Settings

#: Seconds: the operator waits before a page.
_PATIENCE = 10
_WANTED = "single_sign_on_wanted"
#: What a log-out token is signed with: the provider's own key, never a secret that both know.
_SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
#: The event that a log-out token tells of.
_LOGGED_OUT = "http://schemas.openid.net/event/backchannel-logout"
#: Seconds that clocks may differ, and after which a log-out token is too old to be believed.
_LEEWAY, _FRESH = 120, 600
#: How often its keys are asked for because of somebody who need not be it.
_KEYS_FRESH = timedelta(minutes=1)
#: Characters.
_LONGEST_CLAIM = 255


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
    #: What it vouched with, and how it calls its own session, if it does.
    id_token: str | None
    session: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that the town's log-in says is over: its own name for it, or whose all are."""

    issuer: str
    subject: str | None
    session: str | None


class SingleSignOn:
    """One provider, found by its issuer's discovery document."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, *, claim: str, label: str) -> None:
        from authlib.integrations.flask_client import OAuth

        self.label = label
        self._claim = claim
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        #: When its keys were asked for because one was unknown.
        self._keys_at: datetime | None = None
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
            token.get("id_token"),
            _text(claims.get("sid")),
        )

    def end_session_endpoint(self) -> str | None:
        """Where it wants to be told that somebody logged out, if anywhere. Raises :class:`NotVouched`."""
        with _telling():
            return _text(self._client().load_server_metadata().get("end_session_endpoint"))

    @property
    def client_id(self) -> str:
        """What it knows us by."""
        return self._client_id

    def ended(self, logout_token: str, now: datetime) -> Ended:
        """What a log-out token tells (OpenID Connect Back-Channel Logout 1.0, section 2.6).

        Raises :class:`NotVouched` for one that does not hold.
        """
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        with _telling():
            client = self._client()
            registry = JWSRegistry(algorithms=_SIGNATURES, strict_check_header=False)
            try:
                keys = KeySet.import_key_set(client.fetch_jwk_set())
                claims = jwt.decode(logout_token, key=keys, registry=registry).claims
            except InvalidKeyIdError:
                # It has changed its keys, or somebody makes them up: so it is not asked each time.
                if self._keys_at is not None and now - self._keys_at < _KEYS_FRESH:
                    raise
                self._keys_at = now
                keys = KeySet.import_key_set(client.fetch_jwk_set(force=True))
                claims = jwt.decode(logout_token, key=keys, registry=registry).claims
        audience = claims.get("aud")
        issued, expires = claims.get("iat"), claims.get("exp", now.timestamp())
        events = claims.get("events")
        subject, ended = _text(claims.get("sub")), _text(claims.get("sid"))
        if (
            str(claims.get("iss", "")).rstrip("/") != self._issuer
            or self._client_id not in (audience if isinstance(audience, list) else [audience])
            or not isinstance(issued, int | float)
            or not isinstance(expires, int | float)
            or abs(now.timestamp() - issued) > _FRESH
            or expires < now.timestamp() - _LEEWAY
            or not isinstance(events, dict)
            or _LOGGED_OUT not in events
            or "nonce" in claims
            or not (subject or ended)
        ):
            raise NotVouched("a log-out token does not hold")
        return Ended(self._issuer, subject, ended)

    def _client(self) -> Any:
        if self._oauth.app is None:
            self._oauth.init_app(current_app)
        client = self._oauth.create_client("town")
        if str(client.load_server_metadata().get("issuer", "")).rstrip("/") != self._issuer:
            raise NotVouched("the document of the town's log-in is another's")
        return client


def _text(claim: object) -> str | None:
    """A claim that is a text of a length we keep."""
    return claim if isinstance(claim, str) and 0 < len(claim) <= _LONGEST_CLAIM else None


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
