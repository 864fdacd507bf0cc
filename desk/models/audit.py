"""Who looked at, took out or erased what is kept about a person. Rows are added, never changed or removed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
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


class Audit(Base):
    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    #: The log-in.
    by: Mapped[str] = mapped_column(String(40), index=True)
    action: Mapped[AuditAction] = mapped_column(closed_set(AuditAction))
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"), index=True)
    #: What else is to be known of it, without personal data.
    detail: Mapped[str] = mapped_column(String(200))
