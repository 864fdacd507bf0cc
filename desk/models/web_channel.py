"""What other systems of the town have with us: keys to ask with, answers they got, events they are sent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base, closed_set
from desk.models.messages import Outgoing

_JSON = JSON().with_variant(JSONB(), "postgresql")


class Scope(StrEnum):
    """What a key may do."""

    REQUESTS_READ = "requests:read"
    CERTIFICATES_WRITE = "certificates:write"
    REPORTS_WRITE = "reports:write"
    APPOINTMENTS_READ = "appointments:read"
    APPOINTMENTS_WRITE = "appointments:write"
    COURSES_WRITE = "courses:write"
    ROOMS_WRITE = "rooms:write"
    CONSENTS_WRITE = "consents:write"
    STATISTICS_READ = "statistics:read"


class EventKind(StrEnum):
    """What other systems are told of."""

    REQUEST_FILED = "request.filed"
    REQUEST_STATE_CHANGED = "request.state_changed"
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_MOVED = "appointment.moved"
    APPOINTMENT_CANCELLED = "appointment.cancelled"


class ApiKey(Base):
    """A key of the web channel. The key itself is known to its holder only."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint("per_minute > 0", name="per_minute"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Whose it is, as the town calls them.
    name: Mapped[str] = mapped_column(String(80))
    #: The part of the key by which it is found; no secret.
    prefix: Mapped[str] = mapped_column(String(12), unique=True)
    #: SHA-256 of the secret part, which is long and random: nothing slower is needed.
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(_JSON)
    #: Requests a minute in the long run, and at once after a pause.
    per_minute: Mapped[int]
    #: When all that was asked so far would be done at that rate.
    busy_until: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class KeptAnswer(Base):
    """What a key was answered to a change, so that asking again changes nothing and gives the same answer."""

    __tablename__ = "kept_answers"
    __table_args__ = (UniqueConstraint("api_key_id", "idempotency_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    idempotency_key: Mapped[str] = mapped_column(String(64))
    #: Of the operation and the whole body; keyed, since the body names a citizen.
    fingerprint: Mapped[str] = mapped_column(String(64))
    #: Byte by byte as it was given. Never anything personal.
    answer: Mapped[str] = mapped_column(String(2000))
    at: Mapped[datetime] = mapped_column(index=True)


class EventSubscription(Base):
    """A system that is told of events until ``ended_at``."""

    __tablename__ = "event_subscriptions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    url: Mapped[str] = mapped_column(String(400))
    kinds: Mapped[list[str]] = mapped_column(_JSON)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class EventDelivery(Outgoing):
    """One event on its way to one system."""

    __tablename__ = "event_deliveries"
    __table_args__ = (Index(None, "state", "not_before"),)

    subscription_id: Mapped[str] = mapped_column(ForeignKey("event_subscriptions.id"), index=True)
    #: The same for all systems that are told of it.
    event_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[EventKind] = mapped_column(closed_set(EventKind))
    #: Never anything personal.
    data: Mapped[dict[str, Any]] = mapped_column(_JSON)
