"""The people at the desk, how they log in, and who is logged in where."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set
from desk.models.town import Tier


class Role(StrEnum):
    """What somebody at the desk may do."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"


class SignInWay(StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105 - no password
    #: A password and a code of the telephone or of the list.
    TWO_STEP = "two_step"
    #: The town's own log-in vouched for them.
    SINGLE_SIGN_ON = "single_sign_on"


class Operator(Base):
    __tablename__ = "operators"
    __table_args__ = (Index(None, "oidc_issuer", "oidc_subject", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(closed_set(Role))
    active: Mapped[bool] = mapped_column(default=True)
    #: Set while the password is one that somebody else gave: until when it lets in, to choose an own one.
    password_expires_at: Mapped[datetime | None]
    #: The language of the pages, once chosen.
    language: Mapped[str | None] = mapped_column(String(2))
    #: Where this operator usually works; both can be changed when work begins.
    default_tier: Mapped[Tier | None] = mapped_column(closed_set(Tier))
    #: An extension; the phone may have been taken away since.
    default_phone: Mapped[str | None] = mapped_column(String(8))
    #: The secret shared with the operator's telephone, encrypted (desk/two_step.py).
    totp_secret: Mapped[str | None] = mapped_column(String(200))
    #: The half minute of the last code that was taken: none is taken twice.
    totp_step: Mapped[int | None]
    #: Who this is to the town's own log-in, noted the first time it vouched for them.
    oidc_issuer: Mapped[str | None] = mapped_column(String(200))
    oidc_subject: Mapped[str | None] = mapped_column(String(255))


class OperatorSession(Base):
    """Somebody logged in. Rows stay as the record of who was, which administrators have to keep."""

    __tablename__ = "operator_sessions"
    __table_args__ = (Index(None, "operator_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id"))
    #: SHA-256 of what the browser's cookie holds.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    way: Mapped[SignInWay] = mapped_column(closed_set(SignInWay))
    began_at: Mapped[datetime]
    #: The last page that somebody asked for, give or take a minute.
    seen_at: Mapped[datetime]
    #: When it was ended; one that ran out has none.
    ended_at: Mapped[datetime | None]
    #: What the browser calls itself.
    agent: Mapped[str] = mapped_column(String(200))
    #: How the town's own log-in calls its session, if it does, and what it vouched with. The latter is shown
    #: to it when the session ends, and goes with it.
    provider_session: Mapped[str | None] = mapped_column(String(255), index=True)
    id_token: Mapped[str | None] = mapped_column(Text)


class RecoveryCode(Base):
    """Lets in once in place of the telephone's code."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operators.id"), index=True)
    #: SHA-256 of the code, which is long and random: nothing slower is needed.
    digest: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class FailedLogin(Base):
    """Wrong passwords in a row for one log-in, whether there is one of that name or not."""

    __tablename__ = "failed_logins"

    #: SHA-256 of the log-in: people type their password into the wrong field.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)
