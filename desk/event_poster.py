"""How events leave the house: over HTTP, signed at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from desk.event_signature import sign
from desk.events import Letter, signing_secret
from desk.outbox import Undelivered

#: Seconds a receiver may be silent.
PATIENCE = 10


class _NoRedirects(HTTPRedirectHandler):
    """What is signed for one address goes to that one only."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class HttpPoster:
    """Posts events as JSON; any answer of 2xx is "taken". ``clock`` gives aware times."""

    def __init__(self, web_key: str, *, clock: Callable[[], datetime]) -> None:
        self._web_key = web_key
        self._clock = clock
        self._opener = build_opener(_NoRedirects)

    def post(self, letter: Letter) -> None:
        secret = signing_secret(self._web_key, letter.subscription_id)
        headers = {"Content-Type": "application/json", **sign(secret, letter.body, now=self._clock())}
        request = Request(letter.url, letter.body, headers, method="POST")  # noqa: S310  checked at the start
        try:
            with self._opener.open(request, timeout=PATIENCE):
                return
        except HTTPError as e:
            e.close()
            raise Undelivered(f"HTTP {e.code}") from e
        except URLError as e:
            raise Undelivered(type(e.reason).__name__) from e
        except (OSError, HTTPException, ValueError) as e:
            raise Undelivered(type(e).__name__) from e
