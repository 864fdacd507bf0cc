"""The people at the desk and their log-ins."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Operator, Role

__all__ = ["Role", "create_operator", "operator_by_login", "verify_password"]

_hasher = PasswordHasher()


def create_operator(session: Session, *, login: str, name: str, password: str, role: Role) -> Operator:
    """Add somebody; the password is kept as an argon2 hash only."""
    operator = Operator(login=login, name=name, password_hash=_hasher.hash(password), role=role)
    session.add(operator)
    session.flush()
    return operator


def operator_by_login(session: Session, login: str) -> Operator | None:
    """The operator with that log-in, active or not."""
    return session.scalar(select(Operator).where(Operator.login == login))


def verify_password(session: Session, login: str, password: str) -> Operator | None:
    """The active operator with that log-in and password.

    Takes as long for a log-in that does not exist, so the time does not tell which ones do.
    """
    operator = operator_by_login(session, login)
    try:
        _hasher.verify(operator.password_hash if operator else _no_password(), password)
    except (VerificationError, InvalidHashError):
        return None
    if operator is None or not operator.active:
        return None
    if _hasher.check_needs_rehash(operator.password_hash):
        operator.password_hash = _hasher.hash(password)
    return operator


@cache
def _no_password() -> str:
    return _hasher.hash("a password that nobody has")
