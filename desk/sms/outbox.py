"""The outbox: a message is written with the change it tells of, and sent later, at most once."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.db import Sessions, transaction
from desk.models import Message, MessageState
from desk.sms.senders import NotSent, Sender
from desk.sms.templates import templates

log = logging.getLogger(__name__)

#: Tries before a message has failed for good, and the wait before the second one; it doubles every time.
TRIES = 6
FIRST_WAIT = timedelta(minutes=1)
#: A message claimed longer ago than this belongs to a worker that died: it may have gone out.
LOST_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a sender needs; no database session is held while it works."""

    id: str
    to: str
    body: str
    attempts: int


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
    """Send what waits, one message after the other; returns how many went out.

    Each is claimed in a transaction of its own before it is sent, so two workers never send one twice.
    """
    _give_up_lost(sessions, now)
    sent = 0
    while (message := claim_next(sessions, now=now)) is not None:
        try:
            provider_id = sender.send(message.id, message.to, message.body)
        except NotSent as e:
            _note_failure(sessions, message, e, now)
            continue
        with transaction(sessions) as session:
            _change(
                session,
                message.id,
                state=MessageState.SENT,
                sent_at=now,
                provider_id=provider_id,
                failure=None,
            )
        sent += 1
    return sent


def claim_next(sessions: Sessions, *, now: datetime) -> Claimed | None:
    """Take the next message that is due, so that nobody else can."""
    with transaction(sessions) as session:
        row = session.scalar(
            select(Message)
            .where(Message.state == MessageState.CREATED, Message.not_before <= now)
            .order_by(Message.not_before, Message.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.state, row.claimed_at, row.attempts = MessageState.SENDING, now, row.attempts + 1
        return Claimed(row.id, row.to_e164, row.body, row.attempts)


def _note_failure(sessions: Sessions, message: Claimed, error: NotSent, now: datetime) -> None:
    final = error.final or message.attempts >= TRIES
    log.warning("message %s not sent (%s)%s", message.id, error, ", given up" if final else "")
    with transaction(sessions) as session:
        _change(
            session,
            message.id,
            state=MessageState.FAILED if final else MessageState.CREATED,
            not_before=now + FIRST_WAIT * 2 ** (message.attempts - 1),
            failure=str(error)[:80],
        )


def _give_up_lost(sessions: Sessions, now: datetime) -> None:
    with transaction(sessions) as session:
        session.execute(
            update(Message)
            .where(Message.state == MessageState.SENDING, Message.claimed_at < now - LOST_AFTER)
            .values(state=MessageState.UNKNOWN)
            .execution_options(synchronize_session=False)
        )


def _change(session: Session, message_id: str, **values: object) -> None:
    """Change a message that we have claimed; a state that came in between stays."""
    session.execute(
        update(Message)
        .where(Message.id == message_id, Message.state == MessageState.SENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
