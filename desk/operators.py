"""The people at the desk and their log-ins: added, changed, let in and kept out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.audit import AuditAction, note_look
from desk.db import one_at_a_time
from desk.models import Operator, Phone, Role, Tier
from desk.operator_sessions import end_sessions
from desk.two_step import end_two_step

__all__ = [
    "BadPassword",
    "Given",
    "LastAdministrator",
    "LoginTaken",
    "NotAllowed",
    "PasswordFault",
    "Place",
    "Role",
    "active_operator",
    "add_operator",
    "administrator",
    "all_operators",
    "change_operator",
    "chosen_hash",
    "create_operator",
    "drop_two_step",
    "give_password",
    "keep_chosen",
    "let_in",
    "operator_by_login",
    "operator_of_single_sign_on",
    "reset_password",
    "set_password",
    "shut_out",
    "verify_password",
]

_hasher = PasswordHasher()

#: A log-in: what people type without thinking, and never a tax code's or mail address's alphabet soup.
LOGIN = re.compile(r"[a-z][a-z0-9._-]{1,39}")
#: Characters of a password that somebody chooses. Length is what counts (NIST SP 800-63B).
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
#: A password that somebody else gave lets in for so long.
TEMPORARY = timedelta(days=3)
#: Read from one screen and typed into another: no letters that look alike.
_TYPED = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordFault(StrEnum):
    """Why a new password was refused."""

    WRONG = "wrong"  # the present one was not right
    SHORT = "short"
    SAME = "same"
    #: It is, or holds, the log-in or the name; or it is one letter again and again.
    OBVIOUS = "obvious"


class BadPassword(ValueError):
    """The new password was refused."""

    def __init__(self, fault: PasswordFault) -> None:
        super().__init__(f"the new password is refused: {fault}")
        self.fault = fault


class LoginTaken(ValueError):
    """There is somebody with that log-in, active or not."""


class LastAdministrator(ValueError):
    """Nobody would be left to let others in."""


@dataclass(frozen=True, slots=True, repr=False)
class Given:
    """A password that somebody is given for the first log-in."""

    password: str
    hashed: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody usually works: both may be open. A phone that is not there is a ``ValueError``."""

    tier: Tier | None = None
    phone: str | None = None


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


def operator_of_single_sign_on(
    session: Session, *, issuer: str, subject: str, login: str | None
) -> Operator | None:
    """The active operator whom the town's own log-in vouches for.

    Found by ``subject``, which never changes hands. The first time, by ``login``, and the subject noted: from
    then on another subject with the same name is a stranger.
    """
    operator = session.scalar(
        select(Operator).where(Operator.oidc_issuer == issuer, Operator.oidc_subject == subject)
    )
    if operator is None and login:
        operator = session.scalar(
            select(Operator).where(Operator.login == login.casefold(), Operator.active).with_for_update()
        )
        if operator is None or operator.oidc_issuer == issuer:
            return None
        operator.oidc_issuer, operator.oidc_subject = issuer, subject
    return operator if operator and operator.active else None


def verify_password(
    session: Session, login: str, password: str, *, now: datetime | None = None
) -> Operator | None:
    """The active operator with that log-in and password; a temporary password may have run out by ``now``.

    Takes as long for a log-in that does not exist, so the time does not tell which ones do.
    """
    operator = operator_by_login(session, login)
    try:
        _hasher.verify(operator.password_hash if operator else _no_password(), password)
    except (VerificationError, InvalidHashError):
        return None
    if operator is None or not operator.active:
        return None
    if now and operator.password_expires_at and operator.password_expires_at <= now:
        return None
    if _hasher.check_needs_rehash(operator.password_hash):
        operator.password_hash = _hasher.hash(password)
    return operator


@cache
def _no_password() -> str:
    return _hasher.hash("a password that nobody has")


def all_operators(session: Session) -> Sequence[Operator]:
    """Everybody, those who left last."""
    return session.scalars(
        select(Operator).order_by(Operator.active.desc(), Operator.name, Operator.id)
    ).all()


def add_operator(
    session: Session,
    given: Given,
    *,
    login: str,
    name: str,
    role: Role,
    place: Place = Place(),
    by: str,
    now: datetime,
) -> Operator:
    """Add somebody with a password for the first log-in, valid for :data:`TEMPORARY`.

    Args:
        session: a transaction.
        given: of :func:`give_password`.
        login: matches :data:`LOGIN`.
        name: as it is shown, 1 to 80 characters.
        role: what they may do.
        place: where they usually work.
        by: the log-in of who does it, for the audit.
        now: the time.

    Raises:
        LoginTaken: see there.
        ValueError: the log-in or the name is none, or there is no such phone.
    """
    if not LOGIN.fullmatch(login):
        raise ValueError("a log-in has small letters, digits, dots and hyphens, and begins with a letter")
    one_at_a_time(session, f"operator {login}")
    if operator_by_login(session, login) is not None:
        raise LoginTaken(login)
    operator = Operator(
        login=login,
        name=_named(name),
        password_hash=given.hashed,
        password_expires_at=now + TEMPORARY,
        role=role,
    )
    _put(session, operator, place)
    session.add(operator)
    session.flush()
    _note(session, AuditAction.OPERATOR_ADDED, operator, f" as {role}", by, now)
    return operator


def change_operator(
    session: Session, operator: Operator, *, name: str, role: Role, place: Place, by: str, now: datetime
) -> None:
    """Change name, role and place. A new role holds from the next page on.

    Raises:
        LastAdministrator: see there.
        ValueError: the name is none, or there is no such phone.
    """
    named = _named(name)
    if role is not Role.ADMIN:
        _somebody_else_is_administrator(session, operator)
    _put(session, operator, place)
    changed = f" from {operator.role} to {role}" if role is not operator.role else ""
    operator.name, operator.role = named, role
    _note(session, AuditAction.OPERATOR_CHANGED, operator, changed, by, now)


def reset_password(session: Session, operator: Operator, given: Given, *, by: str, now: datetime) -> None:
    """Give a new password for one log-in; ends what was open with the old one."""
    operator.password_hash = given.hashed
    operator.password_expires_at = now + TEMPORARY
    end_sessions(session, operator.id, now=now)
    _note(session, AuditAction.PASSWORD_RESET, operator, "", by, now)


def shut_out(session: Session, operator: Operator, *, by: str, now: datetime) -> None:
    """Let somebody in no longer, at once; their rows keep the name. Raises :class:`LastAdministrator`."""
    _somebody_else_is_administrator(session, operator)
    operator.active = False
    end_sessions(session, operator.id, now=now)
    _note(session, AuditAction.OPERATOR_CHANGED, operator, " shut out", by, now)


def let_in(session: Session, operator: Operator, *, by: str, now: datetime) -> None:
    """Let somebody in again who was shut out."""
    operator.active = True
    _note(session, AuditAction.OPERATOR_CHANGED, operator, " let in again", by, now)


def drop_two_step(session: Session, operator: Operator, *, by: str, now: datetime) -> None:
    """Ask for no code any more: the telephone is lost, or its owner wants it so."""
    end_two_step(session, operator)
    _note(session, AuditAction.TWO_STEP_OFF, operator, "", by, now)


def give_password() -> Given:
    """A new password for a first log-in, 16 letters (79 bits). Slow on purpose: outside of transactions."""
    letters = "".join(secrets.choice(_TYPED) for _ in range(16))
    password = "-".join(letters[start : start + 4] for start in range(0, 16, 4))
    return Given(password, _hasher.hash(password))


def chosen_hash(operator: Operator, *, present: str, new: str) -> str:
    """The hash of a password that somebody chose, for :func:`keep_chosen`.

    Slow on purpose: outside of any transaction, which would hold up who writes. Raises :class:`BadPassword`.
    """
    if not _is(operator.password_hash, present):
        raise BadPassword(PasswordFault.WRONG)
    if len(new) < SHORTEST_PASSWORD:
        raise BadPassword(PasswordFault.SHORT)
    if new == present:
        raise BadPassword(PasswordFault.SAME)
    plain = new.casefold()
    if operator.login in plain or operator.name.casefold() in plain or len(set(plain)) < 4:
        raise BadPassword(PasswordFault.OBVIOUS)
    return _hasher.hash(new)


def keep_chosen(
    session: Session, operator: Operator, hashed: str, *, former: str, session_id: int, now: datetime
) -> None:
    """Replace the own password; every session but that with ``session_id`` ends.

    ``former`` is the hash that the present password was checked against. Raises :class:`BadPassword` (WRONG)
    where somebody gave another password meanwhile.
    """
    if operator.password_hash != former:
        raise BadPassword(PasswordFault.WRONG)
    operator.password_hash = hashed
    operator.password_expires_at = None
    end_sessions(session, operator.id, now=now, but=session_id)
    _note(session, AuditAction.PASSWORD_CHANGED, operator, "", operator.login, now)


def _is(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _somebody_else_is_administrator(session: Session, operator: Operator) -> None:
    if operator.role is not Role.ADMIN or not operator.active:
        return
    # Two administrators must not shut each other out at the same moment.
    one_at_a_time(session, "the last administrator")
    others = session.scalar(
        select(func.count())
        .select_from(Operator)
        .where(Operator.role == Role.ADMIN, Operator.active, Operator.id != operator.id)
    )
    if not others:
        raise LastAdministrator


def _named(name: str) -> str:
    named = " ".join(name.split())
    if not 1 <= len(named) <= 80 or not named.isprintable():
        raise ValueError("a name has 1 to 80 characters")
    return named


def _put(session: Session, operator: Operator, place: Place) -> None:
    if place.phone is not None and session.get(Phone, place.phone) is None:
        raise ValueError("there is no such phone")
    operator.default_tier, operator.default_phone = place.tier, place.phone


def _note(
    session: Session, action: AuditAction, operator: Operator, more: str, by: str, now: datetime
) -> None:
    note_look(session, by=by, action=action, now=now, detail=f"{operator.login}{more}")
