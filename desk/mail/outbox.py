"""The e-mail outbox: written with the request it tells of, sent by the worker until it has arrived.

A mail names the request and links to its page: never a recording, never who asked. Unlike an SMS, a mail in
doubt is sent again: the office rather has it twice (with one Message-ID) than never.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from desk import outbox
from desk.db import Sessions
from desk.mail.senders import Mail, Mailer
from desk.models import Email, MessageState, Request
from desk.outbox import Patience

GIVE_UP = timedelta(days=3)
PATIENCE = Patience(timedelta(minutes=1), timedelta(hours=1), give_up=GIVE_UP, when_lost=MessageState.CREATED)

#: The address of the page of the request with a reference.
PageOf = Callable[[str], str]

_BODY = """\
È arrivata una segnalazione per il vostro ufficio.

Argomento: {subject}
Numero:    {reference}
Da evadere entro il {due}

Luogo, messaggio ed eventuale recapito sono nella pagina della richiesta:
{page}

Messaggio automatico: non rispondere.
"""


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

    def read(session: Session, row: Email) -> Mail:
        return _written(row, session.get_one(Request, row.request_id), page_of)

    def send(mail: Mail) -> Mapping[str, object]:
        mailer.send(mail)
        return {}

    return outbox.send_waiting(sessions, Email, read, send, PATIENCE, now=now)


def _written(row: Email, request: Request, page_of: PageOf) -> Mail:
    reference = f"{request.reference[:4]} {request.reference[4:]}"
    return Mail(
        id=row.id,
        to=row.to_address,
        subject=f"Segnalazione {reference}: {row.subject}",
        body=_BODY.format(
            subject=row.subject,
            reference=reference,
            due=f"{request.due_on:%d/%m/%Y}",
            page=page_of(request.reference),
        ),
    )
