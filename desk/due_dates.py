"""Requests that are due: how many, and a mail to the desk about them once a day."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session

from desk import outbox
from desk.db import Sessions, insert
from desk.mail.senders import Mail, Mailer
from desk.models import OPEN_STATES, Digest, MessageState, Request, RequestState
from desk.outbox import Patience
from desk.settings import ROME

CLOSED = frozenset({RequestState.DONE, RequestState.REJECTED})
OPEN = frozenset(OPEN_STATES)


def is_open() -> ColumnElement[bool]:
    """Requests that are open, said so that the index of the open ones serves it: the states as literals."""
    states: BindParameter[object] = bindparam(
        "open_states", list(OPEN_STATES), expanding=True, literal_execute=True
    )
    return Request.state.in_(states)


#: Requests named in one mail: the rest is counted.
_NAMED = 50
#: A digest of yesterday is of no use.
PATIENCE = Patience(
    timedelta(minutes=1), timedelta(minutes=30), give_up=timedelta(hours=12), when_lost=MessageState.CREATED
)

#: The address of the page of the request with a reference.
PageOf = Callable[[str], str]

_BODY = """\
{overdue} richieste scadute, {today} in scadenza oggi.

{lines}

Chi le ha presentate e ogni altro dato sono nelle pagine delle richieste.
Messaggio automatico: non rispondere.
"""


@dataclass(frozen=True, slots=True)
class Due:
    """How many open requests are overdue, and how many fall due today."""

    overdue: int
    today: int


def count_due(session: Session, *, now: datetime) -> Due:
    """What is due at ``now``, on Rome's calendar."""
    today = now.astimezone(ROME).date()
    overdue, due = session.execute(
        select(
            func.count().filter(Request.due_on < today),
            func.count().filter(Request.due_on == today),
        ).where(is_open(), Request.due_on <= today)
    ).one()
    return Due(overdue, due)


def write_digest(session: Session, *, to: str, page_of: PageOf, now: datetime) -> bool:
    """Put today's mail about what is due into the outbox, unless nothing is; whether it was.

    A second one of the same day is not written, whoever asks for it.
    """
    due = count_due(session, now=now)
    if due == Due(0, 0):
        return False
    today = now.astimezone(ROME).date()
    found = session.scalars(
        select(Request)
        .where(is_open(), Request.due_on <= today)
        .order_by(Request.due_on, Request.id)
        .limit(_NAMED)
    ).all()
    statement = insert(session.get_bind().dialect.name, Digest.__table__)
    written = session.execute(
        statement.on_conflict_do_nothing(index_elements=["day"]).returning(Digest.id),
        {
            "id": str(uuid.uuid4()),
            "day": today,
            "to_address": to,
            "subject": f"Richieste in scadenza: {due.overdue} scadute, {due.today} oggi",
            "body": _body(due, found, page_of),
            "state": MessageState.CREATED,
            "created_at": now,
            "not_before": now,
            "attempts": 0,
        },
    )
    return written.first() is not None


def send_digests(sessions: Sessions, mailer: Mailer, *, now: datetime) -> int:
    """Send the digests that wait; returns how many went out."""

    def read(_session: Session, row: Digest) -> Mail:
        return Mail(id=row.id, to=row.to_address, subject=row.subject, body=row.body)

    def send(mail: Mail) -> Mapping[str, object]:
        mailer.send(mail)
        return {}

    return outbox.send_waiting(sessions, Digest, read, send, PATIENCE, now=now)


def _body(due: Due, requests: Sequence[Request], page_of: PageOf) -> str:
    lines = [
        f"{_day(request.due_on)}  {request.reference}  {page_of(request.reference)}" for request in requests
    ]
    more = due.overdue + due.today - len(lines)
    if more > 0:
        lines.append(f"e altre {more}")
    return _BODY.format(overdue=due.overdue, today=due.today, lines="\n".join(lines))


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"
