"""The e-mail outbox: written with the request it tells of, sent by the worker until it has arrived.

A mail names the request and links to its page: never a recording, never who asked. Unlike an SMS, a mail in
doubt is sent again: the office rather has it twice (with one Message-ID) than never.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.db import Sessions, transaction
from desk.mail.senders import Mail, Mailer, NotMailed
from desk.models import Email, MessageState, Request

log = logging.getLogger(__name__)

#: The wait before the second try, doubled every time up to the longest one; given up when this old.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP = timedelta(days=3)
#: A mail claimed longer ago than this belongs to a worker that died.
LOST_AFTER = timedelta(minutes=10)

#: The address of the page of the request with a reference.
PageOf = Callable[[str], str]

_BODY = """\
È arrivata per telefono una segnalazione per il vostro ufficio.

Argomento: {subject}
Numero:    {reference}
Da evadere entro il {due}

Luogo, messaggio ed eventuale recapito sono nella pagina della richiesta:
{page}

Messaggio automatico: non rispondere.
"""


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: str
    to: str
    subject: str
    reference: str
    due_on: date
    attempts: int
    created_at: datetime


def write_mail(session: Session, request: Request, *, to: str, subject: str, now: datetime) -> Email:
    """Put a mail about ``request`` to an office into the outbox, in the caller's transaction."""
    mail = Email(
        id=str(uuid.uuid4()),
        request_id=request.id,
        to_address=to,
        subject=subject,
        state=MessageState.CREATED,
        created_at=now,
        not_before=now,
    )
    session.add(mail)
    session.flush()
    return mail


def send_mail(sessions: Sessions, mailer: Mailer, page_of: PageOf, *, now: datetime) -> int:
    """Send what waits, one after the other; returns how many went out. No session is held meanwhile."""
    _take_back_lost(sessions, now)
    sent = 0
    while (mail := _claim_next(sessions, now)) is not None:
        try:
            mailer.send(_written(mail, page_of))
        except NotMailed as e:
            _note_failure(sessions, mail, e, now)
            continue
        with transaction(sessions) as session:
            _change(session, mail.id, state=MessageState.SENT, sent_at=now, failure=None)
        sent += 1
    return sent


def _written(mail: _Claimed, page_of: PageOf) -> Mail:
    reference = f"{mail.reference[:4]} {mail.reference[4:]}"
    return Mail(
        id=mail.id,
        to=mail.to,
        subject=f"Segnalazione {reference}: {mail.subject}",
        body=_BODY.format(
            subject=mail.subject,
            reference=reference,
            due=f"{mail.due_on:%d/%m/%Y}",
            page=page_of(mail.reference),
        ),
    )


def _claim_next(sessions: Sessions, now: datetime) -> _Claimed | None:
    with transaction(sessions) as session:
        row = session.scalar(
            select(Email)
            .where(Email.state == MessageState.CREATED, Email.not_before <= now)
            .order_by(Email.not_before, Email.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.state, row.claimed_at, row.attempts = MessageState.SENDING, now, row.attempts + 1
        request = session.get_one(Request, row.request_id)
        return _Claimed(
            row.id,
            row.to_address,
            row.subject,
            request.reference,
            request.due_on,
            row.attempts,
            row.created_at,
        )


def _note_failure(sessions: Sessions, mail: _Claimed, error: NotMailed, now: datetime) -> None:
    final = error.final or now - mail.created_at >= GIVE_UP
    log.warning("mail %s not sent (%s)%s", mail.id, error, ", given up" if final else "")
    wait = min(FIRST_WAIT * 2 ** min(mail.attempts - 1, 10), LONGEST_WAIT)
    with transaction(sessions) as session:
        _change(
            session,
            mail.id,
            state=MessageState.FAILED if final else MessageState.CREATED,
            not_before=now + wait,
            failure=str(error)[:80],
        )


def _take_back_lost(sessions: Sessions, now: datetime) -> None:
    with transaction(sessions) as session:
        session.execute(
            update(Email)
            .where(Email.state == MessageState.SENDING, Email.claimed_at < now - LOST_AFTER)
            .values(state=MessageState.CREATED)
            .execution_options(synchronize_session=False)
        )


def _change(session: Session, mail_id: str, **values: object) -> None:
    session.execute(
        update(Email)
        .where(Email.id == mail_id, Email.state == MessageState.SENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
