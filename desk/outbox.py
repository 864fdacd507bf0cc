"""What every outbox does: rows are claimed one by one, sent without a session, tried again, given up.

A row is written in the transaction of the change it tells of and sent later. Each is claimed in a transaction
of its own before it is sent, so two workers never send one twice. What differs between text messages and mail
is the :class:`Patience` and what becomes of a row whose worker died while sending it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.db import Sessions, transaction
from desk.models import MessageState
from desk.models.messages import Outgoing

log = logging.getLogger(__name__)

#: A row claimed longer ago than this belongs to a worker that died.
LOST_AFTER = timedelta(minutes=10)
#: What fits into the column.
_FAILURE = 80

Row = TypeVar("Row", bound=Outgoing)
Letter = TypeVar("Letter")


class Undelivered(Exception):
    """It did not go out; the text is a short reason without personal data."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        #: Whether another try cannot help.
        self.final = final


@dataclass(frozen=True, slots=True)
class Patience:
    """How long it is tried: the wait before the second try doubles every time up to the longest one."""

    first_wait: timedelta
    longest_wait: timedelta
    #: What is older than this, or was tried so often, has failed for good.
    give_up: timedelta = timedelta.max
    tries: int | None = None
    #: What a row becomes whose worker died while sending: it may have gone out.
    when_lost: MessageState = MessageState.UNKNOWN

    def is_over(self, *, attempts: int, age: timedelta) -> bool:
        """Whether no further try is made."""
        return age >= self.give_up or (self.tries is not None and attempts >= self.tries)

    def wait(self, attempts: int) -> timedelta:
        """From the failure of try number ``attempts`` to the next one."""
        # No wait doubles more often than this before it is longer than any that is set.
        return min(self.first_wait * (1 << min(attempts - 1, 20)), self.longest_wait)


@dataclass(frozen=True, slots=True)
class _Claim:
    id: str
    attempts: int
    created_at: datetime


def send_waiting(
    sessions: Sessions,
    rows: type[Row],
    read: Callable[[Session, Row], Letter],
    send: Callable[[Letter], Mapping[str, object]],
    patience: Patience,
    *,
    now: datetime,
) -> int:
    """Send the rows that are due, one after the other; returns how many went out.

    Args:
        sessions: of the database.
        rows: the model of the outbox.
        read: what has to be known of a row for sending it.
        send: sends that, with no session held; gives what is noted of it, by column.
            Raises :class:`Undelivered`.
        patience: see there.
        now: aware.
    """
    _settle_lost(sessions, rows, patience.when_lost, now)
    sent = 0
    while (claimed := claim_next(sessions, rows, read, now=now)) is not None:
        claim, letter = claimed
        try:
            noted = send(letter)
        except Undelivered as e:
            _note_failure(sessions, rows, claim, e, patience, now)
            continue
        with transaction(sessions) as session:
            _change(session, rows, claim.id, state=MessageState.SENT, sent_at=now, failure=None, **noted)
        sent += 1
    return sent


def claim_next(
    sessions: Sessions, rows: type[Row], read: Callable[[Session, Row], Letter], *, now: datetime
) -> tuple[_Claim, Letter] | None:
    """Take the next row that is due, so that nobody else can."""
    with transaction(sessions) as session:
        row = session.scalar(
            select(rows)
            .where(rows.state == MessageState.CREATED, rows.not_before <= now)
            .order_by(rows.not_before, rows.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.state, row.claimed_at, row.attempts = MessageState.SENDING, now, row.attempts + 1
        return _Claim(row.id, row.attempts, row.created_at), read(session, row)


def _note_failure(
    sessions: Sessions,
    rows: type[Row],
    claim: _Claim,
    error: Undelivered,
    patience: Patience,
    now: datetime,
) -> None:
    final = error.final or patience.is_over(attempts=claim.attempts, age=now - claim.created_at)
    log.warning("%s %s not sent (%s)%s", rows.__name__, claim.id, error, ", given up" if final else "")
    with transaction(sessions) as session:
        _change(
            session,
            rows,
            claim.id,
            state=MessageState.FAILED if final else MessageState.CREATED,
            not_before=now + patience.wait(claim.attempts),
            failure=str(error)[:_FAILURE],
        )


def _settle_lost(sessions: Sessions, rows: type[Row], state: MessageState, now: datetime) -> None:
    with transaction(sessions) as session:
        session.execute(
            update(rows)
            .where(rows.state == MessageState.SENDING, rows.claimed_at < now - LOST_AFTER)
            .values(state=state)
            .execution_options(synchronize_session=False)
        )


def _change(session: Session, rows: type[Row], row_id: str, **values: object) -> None:
    """Change a row that we have claimed; a state that came in between stays."""
    session.execute(
        update(rows)
        .where(rows.id == row_id, rows.state == MessageState.SENDING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
