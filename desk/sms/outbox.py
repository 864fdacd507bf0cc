"""The outbox: a message is written with the change it tells of, and sent later, at most once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from desk import outbox
from desk.db import Sessions
from desk.models import Message, MessageState
from desk.outbox import Patience
from desk.sms.senders import Sender
from desk.sms.templates import templates

#: Tries before a message has failed for good.
TRIES = 6
#: A message whose worker died may have gone out: it is not sent again.
PATIENCE = Patience(timedelta(minutes=1), timedelta(hours=1), tries=TRIES, when_lost=MessageState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Text:
    """What a sender needs; no database session is held while it works."""

    id: str
    to: str
    body: str


def write_message(
    session: Session,
    *,
    to: str,
    template: str,
    values: Mapping[str, str],
    language: str,
    request_id: int | None,
    now: datetime,
) -> Message:
    """Put a message to ``to`` (E.164) into the outbox, in the caller's transaction.

    Raises:
        TemplateError: the template is unknown, lacks a value or does not fit into GSM-7.
    """
    text = templates(language)[template]
    message = Message(
        id=str(uuid.uuid4()),
        request_id=request_id,
        to_e164=to,
        template=text.name,
        template_version=text.version,
        language=language,
        body=text.fill(values),
        state=MessageState.CREATED,
        created_at=now,
        not_before=now,
    )
    session.add(message)
    session.flush()
    return message


def send_waiting(sessions: Sessions, sender: Sender, *, now: datetime) -> int:
    """Send what waits, one message after the other; returns how many went out."""

    def send(text: Text) -> Mapping[str, object]:
        return {"provider_id": sender.send(text.id, text.to, text.body)}

    return outbox.send_waiting(sessions, Message, read_text, send, PATIENCE, now=now)


def read_text(_session: Session, message: Message) -> Text:
    """What has to be known of a message for sending it."""
    return Text(message.id, message.to_e164, message.body)
