"""Twilio's REST API, through its own library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from requests import RequestException
from requests.exceptions import ConnectionError as NotConnected
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from desk.models import MessageState
from desk.outbox import InDoubt, Undelivered
from desk.sms.receipts import CALLBACK_PARAMETER, CALLBACK_PATH, LANDLINES, STOPPED
from desk.sms.senders import Text

API = "https://api.twilio.com"
#: Seconds until it is connected, and then for its answer.
ANSWER = 20.0
#: Codes of answers that another try of the same message cannot change: the number, the words, the country.
#: All others (credentials, the account, the sender, a full queue) are mended by somebody, or pass.
FINAL = frozenset(
    {
        "21211", "21214", "21217", "21265", "21401", "21407", "21408", "21601", "21602", "21604", "21605",
        "21608", "21610", "21612", "21614", "21617", "21635",
    }
)  # fmt: skip
#: Too many requests: certainly not taken.
_LATER = 429
#: Messages to one number that are looked through for one in doubt, and how much its clock may differ.
_LATEST, _CLOCKS = 50, timedelta(minutes=2)


class TwilioSender:
    """Sends by a messaging service, or as a sender (a number, or letters).

    Args:
        account: the account's SID.
        token: its secret.
        service: SID of a messaging service; or empty, then
        sender: who the messages are from.
        public_url: where Twilio reaches our webhooks; empty for no receipts.
        api: where Twilio is.
    """

    name = "twilio"
    can_find = True

    def __init__(
        self,
        account: str,
        token: str,
        *,
        service: str = "",
        sender: str = "",
        public_url: str = "",
        api: str = API,
    ) -> None:
        self._client = Client(account, token, http_client=_Http(api))
        self._from = {"messaging_service_sid": service} if service else {"from_": sender}
        self._public_url = public_url.rstrip("/")

    @property
    def gives_receipts(self) -> bool:
        return bool(self._public_url)

    def send(self, text: Text) -> str:
        wanted: dict[str, Any] = {"to": text.to, "body": text.body, **self._from}
        if self._public_url:
            wanted["status_callback"] = f"{self._public_url}{CALLBACK_PATH}?{CALLBACK_PARAMETER}={text.id}"
        try:
            taken = self._client.messages.create(**wanted)
        except TwilioException as e:
            raise _failure(e) from e
        except RequestException as e:
            raise _not_answered(e) from e
        except (ValueError, KeyError) as e:
            # An answer that nobody understands.
            raise InDoubt(f"twilio: {type(e).__name__}") from e
        if taken.error_code:
            raise _refusal(str(taken.error_code), 200)
        if not taken.sid:
            raise InDoubt("twilio: no sid")
        return str(taken.sid)

    def find(self, text: Text) -> Sequence[str]:
        try:
            latest = self._client.messages.list(to=text.to, limit=_LATEST)
        except (TwilioException, RequestException, ValueError, KeyError) as e:
            raise Undelivered(f"twilio: {type(e).__name__}") from e
        since = text.created_at - _CLOCKS
        theirs = [
            message
            for message in latest
            if message.body == text.body and (message.date_created is None or message.date_created >= since)
        ]
        return [str(message.sid) for message in reversed(theirs)]


class _Http(TwilioHttpClient):  # type: ignore[misc]  # the library has no types
    """The library's client with our time-outs and our address, and without numbers in the log."""

    def __init__(self, api: str) -> None:
        super().__init__(max_retries=0)
        self._api = api.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        kwargs["timeout"] = ANSWER
        return super().request(method, url.replace(API, self._api, 1), *args, **kwargs)

    def log_request(self, _kwargs: object) -> None:
        pass

    def log_response(self, _status_code: object, _response: object) -> None:
        pass


def _failure(error: TwilioException) -> Undelivered | InDoubt:
    """What an answer other than 2xx means."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if status is None or status >= 500:
        return InDoubt(f"twilio: {status or type(error).__name__}")
    if status == _LATER or code is None:
        return Undelivered(f"twilio: {status}")
    return _refusal(str(code), status)


def _refusal(code: str, status: int) -> Undelivered:
    state = MessageState.FAILED
    if code == STOPPED:
        state = MessageState.STOPPED
    elif code in LANDLINES:
        state = MessageState.VOICE_NOTICE
    return Undelivered(f"twilio: {status} {code}", final=code in FINAL, state=state)


def _not_answered(error: RequestException) -> Undelivered | InDoubt:
    """Without a connection nothing was sent; after that, nobody knows."""
    name = type(error).__name__
    if isinstance(error, NotConnected) and any(
        isinstance(cause, NewConnectionError | ConnectTimeoutError) for cause in _causes(error)
    ):
        return Undelivered(f"twilio: {name}")
    return InDoubt(f"twilio: {name}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What lies behind an error of requests: urllib3 keeps it in ``reason`` or in the arguments."""
    seen: list[BaseException] = [error]
    while seen:
        found = seen.pop()
        yield found
        seen += [
            cause
            for cause in (getattr(found, "reason", None), *found.args)
            if isinstance(cause, BaseException)
        ]
