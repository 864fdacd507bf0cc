"""Who looked at, took out or erased what is kept about a person, and who changed who may.

Rows are added, never changed or removed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set


class AuditAction(StrEnum):
    """What somebody did."""

    #: A page of the list of requests, which names citizens.
    LISTED = "listed"
    VIEWED = "viewed"
    #: A recording was listened to.
    HEARD = "heard"
    #: A citizen was looked for.
    SEARCHED = "searched"
    #: A document that belongs to a request was taken out.
    DOWNLOADED = "downloaded"
    #: A citizen was registered, or what is kept about one was changed.
    CHANGED = "changed"
    EXPORTED = "exported"
    ERASED = "erased"
    #: An operator was added, or changed: the detail names who and what.
    OPERATOR_ADDED = "operator_added"
    OPERATOR_CHANGED = "operator_changed"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - no password
    #: By the operator, for the own account.
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - no password
    TWO_STEP_ON = "two_step_on"
    TWO_STEP_OFF = "two_step_off"
    #: All open sessions of an operator were ended.
    SIGNED_OUT = "signed_out"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"


class Audit(Base):
    __tablename__ = "audit"
    # The page of the audit reads what somebody did, and what was done, by time.
    __table_args__ = (Index(None, "by", "at"), Index(None, "action", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    #: The log-in.
    by: Mapped[str] = mapped_column(String(40))
    action: Mapped[AuditAction] = mapped_column(closed_set(AuditAction))
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"), index=True)
    #: Whose record it was, where that is somebody outside the register: a pseudonym of the tax code.
    outsider: Mapped[str | None] = mapped_column(String(16), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)
    #: What else is to be known of it, without personal data.
    detail: Mapped[str] = mapped_column(String(200))
