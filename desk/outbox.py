"""What every outbox does: rows are claimed one by one, sent without a session, tried again, given up.

A row is written in the transaction of the change it tells of and sent later. Each is claimed in a transaction
of its own before it is sent, so two workers never send one twice. What differs between text messages and mail
is the :class:`Patience`, what has to be true at the moment of sending, and what becomes of a row in doubt:
its worker died while sending it, or the other side never answered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, case, literal, select, update
from sqlalchemy.orm import Session

from desk.db import Sessions, transaction
from desk.models import Attempted, MessageState
from desk.models.messages import Outgoing

log = logging.getLogger(__name__)

#: A row claimed longer ago than this belongs to a worker that died.
LOST_AFTER = timedelta(minutes=10)
#: Seconds after which a run ends: a row's claim is dated from its beginning, and with one try must stay well
#: below :data:`LOST_AFTER`. The next run goes on.
RUN = 60.0
#: What fits into the column.
_FAILURE = 80

Row = TypeVar("Row", bound=Outgoing)
Letter = TypeVar("Letter")


class Undelivered(Exception):
    """It certainly did not go out; the text is a short reason without personal data."""

    def __init__(
        self, reason: str, *, final: bool = False, state: MessageState = MessageState.FAILED
    ) -> None:
        super().__init__(reason)
        #: Whether another try cannot help.
        self.final = final
        #: What the row becomes then.
        self.state = state


class InDoubt(Exception):
    """It may have gone out: no answer came, or none that says; the text is as in :class:`Undelivered`."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long it is tried: the wait before the second try doubles every time up to the longest one."""

    first_wait: timedelta
    longest_wait: timedelta
    #: What is older than this, or was tried so often, has failed for good.
    give_up: timedelta = timedelta.max
    tries: int | None = None
    #: What a row in doubt becomes.
    when_lost: MessageState = MessageState.UNKNOWN

    def is_over(self, *, attempts: int, age: timedelta) -> bool:
        """Whether no further try is made."""
        return age >= self.give_up or (self.tries is not None and attempts >= self.tries)

    def wait(self, attempts: int) -> timedelta:
        """From the failure of try number ``attempts`` to the next one."""
        # No wait doubles more often than this before it is longer than any that is set.
        return min(self.first_wait * (1 << min(attempts - 1, 20)), self.longest_wait)


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is ours to send."""

    id: str
    attempts: int
    created_at: datetime


#: Told of every try, in the transaction that notes how it ended.
Witness = Callable[[Session, Claim, Attempted, "Undelivered | InDoubt | None"], None]


def send_waiting(
    sessions: Sessions,
    rows: type[Row],
    read: Callable[[Session, Row], Letter | None],
    send: Callable[[Letter], Mapping[str, object]],
    patience: Patience,
    *,
    now: datetime,
    due: Sequence[ColumnElement[bool]] = (),
    most: int | None = None,
    witness: Witness = lambda *_: None,
) -> int:
    """Send the rows that are due, one after the other; returns how many went out.

    Args:
        sessions: of the database.
        rows: the model of the outbox.
        read: what has to be known of a row for sending it; ``None`` if it is not to be sent now, which the
            row then says by another state or a later ``not_before``.
        send: sends that, with no session held; gives what is noted of it, by column.
            Raises :class:`Undelivered` or :class:`InDoubt`.
        patience: see there.
        now: aware.
        due: what else must be true of a row.
        most: how many may go out.
        witness: see there.
    """
    _settle_lost(sessions, rows, patience, now)
    end, sent = time.monotonic() + RUN, 0
    while (most is None or sent < most) and time.monotonic() < end:
        claimed = claim_next(sessions, rows, read, now=now, due=due)
        if claimed is None:
            break
        claim, letter = claimed
        try:
            noted = send(letter)
        except Undelivered as e:
            _note_failure(sessions, rows, claim, e, patience, now, witness)
        except InDoubt as e:
            _note_doubt(sessions, rows, claim, e, patience, now, witness)
        else:
            _note_sent(sessions, rows, claim, noted, now, witness)
            sent += 1
    return sent


def claim_next(
    sessions: Sessions,
    rows: type[Row],
    read: Callable[[Session, Row], Letter | None],
    *,
    now: datetime,
    due: Sequence[ColumnElement[bool]] = (),
) -> tuple[Claim, Letter] | None:
    """Take the next row that is due, so that nobody else can."""
    while True:
        with transaction(sessions) as session:
            row = session.scalar(
                select(rows)
                .where(rows.state == MessageState.CREATED, rows.not_before <= now, *due)
                .order_by(rows.not_before, rows.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if row is None:
                return None
            letter = read(session, row)
            if letter is not None:
                row.state, row.claimed_at, row.attempts = MessageState.SENDING, now, row.attempts + 1
                return Claim(row.id, row.attempts, row.created_at), letter
            assert row.state is not MessageState.CREATED or row.not_before > now


def _settle_lost(sessions: Sessions, rows: type[Row], patience: Patience, now: datetime) -> None:
    """Put the rows whose worker died among those in doubt."""
    with transaction(sessions) as session:
        session.execute(
            update(rows)
            .where(rows.state == MessageState.SENDING, rows.claimed_at < now - LOST_AFTER)
            .values(state=patience.when_lost, not_before=now)
            .execution_options(synchronize_session=False)
        )


def _note_sent(
    sessions: Sessions,
    rows: type[Row],
    claim: Claim,
    noted: Mapping[str, object],
    now: datetime,
    witness: Witness,
) -> None:
    # A receipt that was quicker than we are stays; a doubt that somebody had meanwhile is over.
    doubtful = rows.state.in_((MessageState.SENDING, MessageState.UNKNOWN, MessageState.CREATED))
    with transaction(sessions) as session:
        session.execute(
            update(rows)
            .where(rows.id == claim.id)
            .values(
                state=case((doubtful, literal(MessageState.SENT, rows.state.type)), else_=rows.state),
                sent_at=now,
                failure=None,
                **noted,
            )
            .execution_options(synchronize_session=False)
        )
        witness(session, claim, Attempted.ACCEPTED, None)


def _note_failure(
    sessions: Sessions,
    rows: type[Row],
    claim: Claim,
    error: Undelivered,
    patience: Patience,
    now: datetime,
    witness: Witness,
) -> None:
    final = error.final or patience.is_over(attempts=claim.attempts, age=now - claim.created_at)
    log.warning("%s %s not sent (%s)%s", rows.__name__, claim.id, error, ", given up" if final else "")
    with transaction(sessions) as session:
        _change(
            session,
            rows,
            claim,
            state=error.state if final else MessageState.CREATED,
            not_before=now + patience.wait(claim.attempts),
            failure=str(error)[:_FAILURE],
        )
        witness(session, claim, Attempted.REFUSED if error.final else Attempted.FAILED, error)


def _note_doubt(
    sessions: Sessions,
    rows: type[Row],
    claim: Claim,
    error: InDoubt,
    patience: Patience,
    now: datetime,
    witness: Witness,
) -> None:
    log.warning("%s %s may have gone out (%s)", rows.__name__, claim.id, error)
    over = patience.is_over(attempts=claim.attempts, age=now - claim.created_at)
    again = patience.when_lost is MessageState.CREATED
    with transaction(sessions) as session:
        _change(
            session,
            rows,
            claim,
            state=MessageState.FAILED if again and over else patience.when_lost,
            not_before=now + patience.wait(claim.attempts),
            failure=str(error)[:_FAILURE],
        )
        witness(session, claim, Attempted.IN_DOUBT, error)


def _change(session: Session, rows: type[Row], claim: Claim, **values: object) -> None:
    """Change a row that we have claimed; what came in between stays."""
    session.execute(
        update(rows)
        .where(rows.id == claim.id, rows.state == MessageState.SENDING, rows.attempts == claim.attempts)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
