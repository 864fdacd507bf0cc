"""Who is logged in where: one row for each browser, so that a log-in can be ended from elsewhere."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from desk.models import Operator, OperatorSession, SignInWay

#: A session ends this long after the last page somebody asked for; automatic updates do not count.
IDLE = timedelta(hours=4)
#: A session ends after this long in any case: nobody's shift is longer.
LONGEST_SESSION = timedelta(hours=12)
#: Log-ins of administrators have to be kept for six months (Garante, 27 November 2008); ours are for a year.
KEPT = timedelta(days=366)

_AGENT = 200


def begin_session(
    session: Session,
    operator: Operator,
    way: SignInWay,
    *,
    agent: str,
    now: datetime,
    id_token: str | None = None,
    provider_session: str | None = None,
) -> str:
    """Note that somebody logged in; returns what the browser has to keep. Old rows of theirs go.

    ``id_token`` and ``provider_session`` (its claim ``sid``) are of the town's own log-in, where it vouched.
    """
    session.execute(
        delete(OperatorSession).where(
            OperatorSession.operator_id == operator.id, OperatorSession.began_at < now - KEPT
        )
    )
    # Sessions that ran out have nothing to show any more.
    session.execute(
        update(OperatorSession)
        .where(
            OperatorSession.operator_id == operator.id,
            OperatorSession.began_at < now - LONGEST_SESSION,
            OperatorSession.id_token.is_not(None),
        )
        .values(id_token=None)
    )
    key = secrets.token_urlsafe(32)
    session.add(
        OperatorSession(
            operator_id=operator.id,
            digest=_digest(key),
            way=way,
            began_at=now,
            seen_at=now,
            agent=agent[:_AGENT],
            id_token=id_token,
            provider_session=provider_session,
        )
    )
    session.flush()
    return key


def session_of(session: Session, key: str) -> tuple[OperatorSession, Operator] | None:
    """The session that was not ended with what a browser kept, and whose it is. Its age is not looked at."""
    found = session.execute(
        select(OperatorSession, Operator)
        .join(Operator, Operator.id == OperatorSession.operator_id)
        .where(
            OperatorSession.digest == _digest(key),
            OperatorSession.ended_at.is_(None),
            Operator.active,
        )
    ).first()
    return (found[0], found[1]) if found else None


def note_seen(session: Session, session_id: int, *, now: datetime) -> None:
    """Somebody asked for a page."""
    session.execute(update(OperatorSession).where(OperatorSession.id == session_id).values(seen_at=now))


def open_sessions(session: Session, operator_id: int, *, now: datetime) -> Sequence[OperatorSession]:
    """Where an operator is logged in, the newest first."""
    return session.scalars(
        select(OperatorSession)
        .where(
            OperatorSession.operator_id == operator_id,
            OperatorSession.ended_at.is_(None),
            OperatorSession.seen_at > now - IDLE,
            OperatorSession.began_at > now - LONGEST_SESSION,
        )
        .order_by(OperatorSession.began_at.desc(), OperatorSession.id.desc())
    ).all()


def end_session(session: Session, operator_id: int, session_id: int, *, now: datetime) -> bool:
    """End one session of that operator; whether there was one to end."""
    return (
        _end(session, now, OperatorSession.operator_id == operator_id, OperatorSession.id == session_id) == 1
    )


def id_token_of(session: Session, session_id: int) -> str | None:
    """What the town's own log-in vouched with for a session that is open."""
    return session.scalar(select(OperatorSession.id_token).where(OperatorSession.id == session_id))


def end_sessions_of_provider(
    session: Session, *, issuer: str, subject: str | None, provider_session: str | None, now: datetime
) -> int:
    """End what the town's own log-in says is over; returns how many sessions.

    With ``provider_session`` only those that began in it, else all of the operator whom it knows as
    ``subject``, as far as that log-in vouched for them.
    """
    of_operator = select(Operator.id).where(Operator.oidc_issuer == issuer)
    if subject is not None:
        of_operator = of_operator.where(Operator.oidc_subject == subject)
    which = [
        OperatorSession.way == SignInWay.SINGLE_SIGN_ON,
        OperatorSession.operator_id.in_(of_operator),
    ]
    if provider_session is not None:
        which.append(OperatorSession.provider_session == provider_session)
    elif subject is None:
        return 0
    return _end(session, now, *which)


def end_sessions(session: Session, operator_id: int, *, now: datetime, but: int | None = None) -> int:
    """End all sessions of that operator, except the one with the id ``but``; returns how many."""
    others = [] if but is None else [OperatorSession.id != but]
    return _end(session, now, OperatorSession.operator_id == operator_id, *others)


def _end(session: Session, now: datetime, *which: object) -> int:
    done = session.execute(
        update(OperatorSession)
        .where(OperatorSession.ended_at.is_(None), *which)  # type: ignore[arg-type]
        .values(ended_at=now, id_token=None)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
