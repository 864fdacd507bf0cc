"""Events for the town's other systems: written with the change they tell of, delivered until they arrive.

An event names what it is about by its reference and says where that stands: nothing personal is in it. It is
delivered at least once, in no promised order; its id and time let a receiver put that right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from desk import outbox
from desk.db import Sessions
from desk.models import EventDelivery, EventKind, EventSubscription, MessageState
from desk.outbox import Patience, Undelivered

#: A receiver may be away for a long weekend. One that was told twice knows it by the event's id.
PATIENCE = Patience(
    timedelta(seconds=30),
    timedelta(hours=1),
    give_up=timedelta(days=4),
    when_lost=MessageState.CREATED,
)
#: What was delivered, or given up, is kept for so long.
KEPT = timedelta(days=30)
_OVER = (MessageState.SENT, MessageState.FAILED)
#: Without encryption only a receiver on this machine is told anything.
_HERE = {"127.0.0.1", "localhost", "::1"}


class BadAddress(ValueError):
    """Events cannot be sent there."""


class UnknownSubscription(ValueError):
    """There is no such subscription (any more)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An event for one receiver."""

    subscription_id: str
    url: str
    ended: bool
    body: bytes


class Poster(Protocol):
    """A way out. ``post`` raises :class:`~desk.outbox.Undelivered` unless the receiver has taken it."""

    def post(self, letter: Letter) -> None: ...


def subscribe(session: Session, *, url: str, kinds: Collection[EventKind], now: datetime) -> str:
    """Tell the system at ``url`` of events of these kinds from now on; the subscription's id.

    Raises:
        BadAddress: not https, or with a password or fragment in it.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise BadAddress("the address must begin with https://")
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise BadAddress("the address must be a host and a path only")
    subscription = EventSubscription(id=str(uuid.uuid4()), url=url, kinds=sorted(kinds), created_at=now)
    session.add(subscription)
    session.flush()
    return subscription.id


def unsubscribe(session: Session, subscription_id: str, *, now: datetime) -> None:
    """End a subscription; what waits for it is not sent any more. Raises :class:`UnknownSubscription`."""
    subscription = session.get(EventSubscription, subscription_id)
    if subscription is None or subscription.ended_at is not None:
        raise UnknownSubscription(subscription_id)
    subscription.ended_at = now
    session.execute(
        update(EventDelivery)
        .where(EventDelivery.subscription_id == subscription_id, EventDelivery.state == MessageState.CREATED)
        .values(state=MessageState.FAILED, failure="unsubscribed")
        .execution_options(synchronize_session=False)
    )


def subscriptions(session: Session) -> Sequence[EventSubscription]:
    """The subscriptions in force, the oldest first."""
    return session.scalars(
        select(EventSubscription)
        .where(EventSubscription.ended_at.is_(None))
        .order_by(EventSubscription.created_at, EventSubscription.id)
    ).all()


def signing_secret(web_key: str, subscription_id: str) -> str:
    """What the events of a subscription are signed with: always the same for one web key, kept nowhere."""
    return hmac.new(web_key.encode(), f"events of {subscription_id}".encode(), hashlib.sha256).hexdigest()


def note_event(session: Session, kind: EventKind, data: Mapping[str, str | None], *, now: datetime) -> None:
    """Write the event for everybody who is told of its kind, in the transaction of the change."""
    event_id = str(uuid.uuid4())
    session.add_all(
        EventDelivery(
            id=str(uuid.uuid4()),
            subscription_id=subscription.id,
            event_id=event_id,
            kind=kind,
            data=dict(data),
            state=MessageState.CREATED,
            created_at=now,
            not_before=now,
        )
        for subscription in subscriptions(session)
        if kind in subscription.kinds
    )
    session.flush()


def deliver_events(sessions: Sessions, poster: Poster, *, now: datetime) -> int:
    """Send what waits, one after the other; returns how many arrived. No session is held meanwhile."""
    # One receiver that does not answer must not keep the others waiting with each of its events.
    silent: set[str] = set()

    def send(letter: Letter) -> Mapping[str, object]:
        if letter.ended:
            raise Undelivered("unsubscribed", final=True)
        if letter.subscription_id in silent:
            raise Undelivered("the receiver failed a moment ago")
        try:
            poster.post(letter)
        except Undelivered:
            silent.add(letter.subscription_id)
            raise
        return {}

    return outbox.send_waiting(sessions, EventDelivery, _read, send, PATIENCE, now=now)


def forget_events(session: Session, *, now: datetime) -> None:
    """Remove what was delivered or given up, after :data:`KEPT`."""
    session.execute(
        delete(EventDelivery).where(EventDelivery.state.in_(_OVER), EventDelivery.created_at < now - KEPT)
    )


def _read(session: Session, row: EventDelivery) -> Letter:
    subscription = session.get_one(EventSubscription, row.subscription_id)
    event: dict[str, Any] = {
        "id": row.event_id,
        "type": row.kind.value,
        "occurred_at": row.created_at.isoformat(),
        "data": row.data,
    }
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return Letter(subscription.id, subscription.url, subscription.ended_at is not None, body)
