"""The people at the desk and their log-ins."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Operator, Role

__all__ = [
    "NotAllowed",
    "Role",
    "active_operator",
    "administrator",
    "create_operator",
    "operator_by_login",
    "set_password",
    "verify_password",
]

_hasher = PasswordHasher()


def create_operator(session: Session, *, login: str, name: str, password: str, role: Role) -> Operator:
    """Add somebody; the password is kept as an argon2 hash only."""
    operator = Operator(login=login, name=name, password_hash=_hasher.hash(password), role=role)
    session.add(operator)
    session.flush()
    return operator


class NotAllowed(ValueError):
    """The log-in is unknown, not active, or of somebody who may not do that."""


def administrator(session: Session, login: str) -> Operator:
    """The administrator with that log-in. Raises :class:`NotAllowed`."""
    operator = operator_by_login(session, login)
    if operator is None or not operator.active or operator.role is not Role.ADMIN:
        raise NotAllowed("only an active administrator may do that")
    return operator


def active_operator(session: Session, login: str) -> Operator:
    """The operator with that log-in, who works here. Raises :class:`NotAllowed`."""
    operator = operator_by_login(session, login)
    if operator is None or not operator.active:
        raise NotAllowed("only an active operator may do that")
    return operator


def set_password(operator: Operator, password: str) -> None:
    """Give somebody a new password. Sessions that were opened with the old one end."""
    operator.password_hash = _hasher.hash(password)


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
