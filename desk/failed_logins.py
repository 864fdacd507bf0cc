"""Slows down password guessing: after a few wrong ones a log-in has to wait, twice as long each time.

Kept in the database, so that neither a restart nor a second web process gives new tries.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import FailedLogin

#: Wrong passwords in a row that cost no waiting: people mistype.
FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
#: The longest wait, so that nobody can keep an operator out for long by guessing on purpose.
LONGEST_WAIT = timedelta(minutes=15)
#: Wrong passwords are forgotten after this long without another one.
FORGET_AFTER = timedelta(hours=12)
#: Log-ins remembered at once, so that invented names cannot fill the disk.
REMEMBERED = 10_000


def wait_before_trying(session: Session, login: str, *, now: datetime) -> timedelta:
    """How long this log-in has to wait; zero means: check the password now.

    Zero counts as one more wrong password until :func:`note_success` says otherwise, so that many tries sent
    at the same moment are counted before the first of them is answered. Whether the log-in exists plays no
    part: the answer must not tell. Wants a transaction that ends before the password is checked, which is
    slow on purpose.
    """
    key = _key(login)
    table = FailedLogin.__table__
    dialect = session.get_bind().dialect.name
    made = session.scalar(
        insert(dialect, table)
        .values(key=key, count=0, last_at=now)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(FailedLogin.key)
    )
    if made is not None:
        _forget(session, now)
    failures = session.get_one(FailedLogin, key, with_for_update=True, populate_existing=True)
    if now - failures.last_at > FORGET_AFTER:
        failures.count = 0
    left = failures.last_at + _penalty(failures.count) - now
    if left > timedelta(0):
        return left
    failures.count += 1
    failures.last_at = now
    return timedelta(0)


def note_success(session: Session, login: str) -> None:
    """The password was right: the wrong ones before it no longer count."""
    session.execute(delete(FailedLogin).where(FailedLogin.key == _key(login)))


def _forget(session: Session, now: datetime) -> None:
    session.execute(delete(FailedLogin).where(FailedLogin.last_at < now - FORGET_AFTER))
    too_many = session.scalar(select(func.count()).select_from(FailedLogin)) or 0
    if too_many > REMEMBERED:
        oldest = select(FailedLogin.key).order_by(FailedLogin.last_at).limit(too_many - REMEMBERED)
        session.execute(delete(FailedLogin).where(FailedLogin.key.in_(oldest)))


def _penalty(failures: int) -> timedelta:
    if failures < FREE_TRIES:
        return timedelta(0)
    # Bounded because the counter is not.
    doublings = min(failures - FREE_TRIES, 16)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def _key(login: str) -> str:
    return hashlib.sha256(login.casefold().encode()).hexdigest()
