"""What Twilio tells us: how far a text message is, a text from a citizen, a call on the alternative trunk.

Nothing of a request is believed before its signature has been checked, and nothing but its size is looked at
before. Twilio signs the address it was given, which is not the one that a proxy in front of us passes on; so
it is the public address, a setting, that is checked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Dial, VoiceResponse

from desk.db import DatabaseGone, Sessions, transaction
from desk.provider_news import Receipt, TextOfCitizen, note_news, take_news
from desk.replay import RECEIPT, TEXT
from desk.settings import Settings
from desk.spool import Spool
from webhooks.problems import BAD_REQUEST, BAD_SIGNATURE, Refused, problem

log = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "/webhooks/twilio"
#: Twilio's forms are far smaller; a text has at most 1600 characters.
LONGEST_BODY = 16 * 1024
#: Seconds our own telephone system is rung, or the number behind it, before the call goes on.
RING = 25
#: How a call ends that reached somebody, or whose caller hung up: there is nobody left to help.
_OVER = {"completed", "answered", "canceled"}


class TwilioHooks:
    """The three addresses that are given to Twilio. ``clock`` gives aware times."""

    def __init__(self, settings: Settings, database: Sessions, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._spool = Spool(settings.home.resolve() / "spool")
        token = settings.twilio_auth_token.get_secret_value()
        # Without a token or a public address nothing can be checked, so nothing is let in.
        self._validator = RequestValidator(token) if token and settings.public_url else None

    def blueprint(self) -> Blueprint:
        """The routes, all with checked signatures."""
        blueprint = Blueprint("twilio", __name__, url_prefix=PREFIX)
        for path, name, view in (
            ("/status", "status", self.status),
            ("/sms", "sms", self.sms),
            ("/voice", "voice", self.voice),
            ("/voice/unanswered", "unanswered", self.unanswered),
        ):
            blueprint.add_url_rule(path, name, view, methods=["POST"], provide_automatic_options=False)
        blueprint.before_request(self._check)
        blueprint.register_error_handler(Refused, lambda refused: problem(refused.kind))
        return blueprint

    def status(self) -> ResponseReturnValue:
        """A receipt. Whatever is no message of ours is left alone: it may be another system's."""
        provider_id, status = _field("MessageSid"), _field("MessageStatus")
        message_id = _message_id(request.args.get("message", ""))
        if message_id is not None:
            receipt = Receipt(
                message_id=message_id,
                status=status,
                error_code=_text("ErrorCode") or None,
                provider_id=provider_id,
            )
            self._keep(
                RECEIPT,
                f"{message_id} {provider_id} {status}",
                receipt,
                lambda session, now: note_news(session, receipt, now=now),
            )
        return "", 204

    def sms(self) -> ResponseReturnValue:
        """A text from a citizen; the answer to it, if any, is TwiML."""
        text = TextOfCitizen(sender=_field("From"), body=_text("Body"), provider_id=_field("MessageSid"))
        answer = self._keep(
            TEXT, text.provider_id, text, lambda session, now: take_news(session, text, now=now)
        )
        response = MessagingResponse()
        if answer:
            response.message(answer)
        return _twiml(response)

    def voice(self) -> ResponseReturnValue:
        """A call: it is dialled on to our telephone system, and what became of that comes back to us."""
        _field("CallSid")
        response = VoiceResponse()
        if self._settings.twilio_sip_uri:
            dial = Dial(timeout=RING, action=f"{self._public}{PREFIX}/voice/unanswered", method="POST")
            dial.sip(self._settings.twilio_sip_uri)
            response.append(dial)
        elif not self._ring_back_office(response):
            # Before it is answered a call can be refused, and costs nothing.
            response.reject(reason="busy")
        return _twiml(response)

    def unanswered(self) -> ResponseReturnValue:
        """The end of a dial: a call that reached nobody goes to the back office's own number."""
        _field("CallSid")
        response = VoiceResponse()
        if request.form.get("DialCallStatus") in _OVER or not self._ring_back_office(response):
            response.hangup()
        return _twiml(response)

    def _ring_back_office(self, response: VoiceResponse) -> bool:
        """Add it to ``response``; whether there is a number to ring."""
        if not self._settings.back_office_number:
            return False
        dial = Dial(timeout=RING)
        dial.number(self._settings.back_office_number)
        response.append(dial)
        return True

    @property
    def _public(self) -> str:
        return self._settings.public_url.rstrip("/")

    def _check(self) -> None:
        request.max_content_length = LONGEST_BODY
        query = request.query_string.decode("latin-1")
        address = self._public + request.path + (f"?{query}" if query else "")
        signature = request.headers.get("X-Twilio-Signature", "")
        form = request.form
        if self._validator is None or not self._validator.validate(address, form, signature):
            raise Refused(BAD_SIGNATURE)

    def _keep(
        self, kind: str, key: str, what: Receipt | TextOfCitizen, keep: Callable[[Session, datetime], T]
    ) -> T | None:
        """Write it to the database, or, while that is away, to the spool: Twilio does not tell it twice."""
        now = self._clock()
        try:
            with transaction(self._database) as session:
                return keep(session, now)
        except DatabaseGone:
            log.error("no database, a %s is spooled", kind)
        self._spool.put(kind, key, what, now=now)
        return None


def _described(summary: str, fields: dict[str, str], *, needed: Sequence[str], xml: bool) -> dict[str, Any]:
    """One of the addresses, for the description."""
    taken: dict[str, Any] = {
        "description": "What to do with it, as TwiML",
        "content": {"text/xml": {"schema": {"type": "string"}}},
    }
    refused = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    properties = {
        name: {"type": "string", "description": text} | ({"minLength": 1} if name in needed else {})
        for name, text in fields.items()
    }
    return {
        "summary": summary,
        "security": [{"twilio": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "object", "properties": properties, "required": list(needed)}
                }
            },
        },
        "responses": {
            "200" if xml else "204": taken if xml else {"description": "Taken, or of no message of ours"},
            "400": {"description": BAD_REQUEST.title, "content": refused},
            "403": {"description": BAD_SIGNATURE.title, "content": refused},
            "413": {"description": "The body is too large", "content": refused},
        },
    }


#: The addresses in the terms of OpenAPI.
DESCRIBED: dict[str, Any] = {
    f"{PREFIX}/status": {
        "post": {
            "operationId": "twilio_status",
            "parameters": [
                {
                    "name": "message",
                    "in": "query",
                    "required": False,
                    "description": "Our id of the message, as we gave it with the address",
                    "schema": {"type": "string"},
                }
            ],
            **_described(
                "How far a text message is",
                {
                    "MessageSid": "Twilio's name for the message",
                    "MessageStatus": "queued, sent, delivered, undelivered, failed ...",
                    "ErrorCode": "Why it was not delivered",
                },
                needed=("MessageSid", "MessageStatus"),
                xml=False,
            ),
        }
    },
    f"{PREFIX}/sms": {
        "post": {
            "operationId": "twilio_sms",
            **_described(
                "A text from a citizen",
                {"MessageSid": "Twilio's name for it", "From": "Who sent it", "Body": "What is written"},
                needed=("MessageSid", "From"),
                xml=True,
            ),
        }
    },
    f"{PREFIX}/voice": {
        "post": {
            "operationId": "twilio_voice",
            **_described(
                "A call on the alternative trunk",
                {"CallSid": "Twilio's name for the call"},
                needed=("CallSid",),
                xml=True,
            ),
        }
    },
    f"{PREFIX}/voice/unanswered": {
        "post": {
            "operationId": "twilio_voice_unanswered",
            **_described(
                "What became of dialling on",
                {
                    "CallSid": "Twilio's name for the call",
                    "DialCallStatus": "completed, busy, no-answer, failed, canceled",
                },
                needed=("CallSid",),
                xml=True,
            ),
        }
    },
}


def _field(name: str) -> str:
    """A field without which the request is none of Twilio's."""
    value = _text(name)
    if not value:
        raise Refused(BAD_REQUEST)
    return value


def _text(name: str) -> str:
    # PostgreSQL keeps no zero characters.
    return request.form.get(name, "").replace("\0", "")


def _message_id(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _twiml(response: MessagingResponse | VoiceResponse) -> Response:
    return Response(str(response), mimetype="text/xml")
