"""Keys of the web channel: made, checked with every request, revoked.

A key is ``ctl_<prefix>_<secret>``. The prefix finds the row, of the secret only a hash is kept. How often a
key may ask is kept in its row, so that it holds however many processes answer.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import ApiKey, Scope

#: Requests a minute, unless a key is given another number.
PER_MINUTE = 120
_MINUTE = timedelta(minutes=1)


class BadKey(Exception):
    """There is no such key, or it was revoked."""


class TooFast(Exception):
    """The key asks too often."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("the key asks too often")
        #: Until it may ask again.
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks."""

    key_id: int
    scopes: frozenset[Scope]


def create_api_key(
    session: Session, *, name: str, scopes: Collection[Scope], now: datetime, per_minute: int = PER_MINUTE
) -> str:
    """Make a key and return it: it is shown this once and cannot be had again."""
    prefix, secret = secrets.token_hex(6), secrets.token_hex(24)
    session.add(
        ApiKey(
            name=name,
            prefix=prefix,
            digest=_digest(secret),
            scopes=sorted(scopes),
            per_minute=per_minute,
            created_at=now,
        )
    )
    session.flush()
    return f"ctl_{prefix}_{secret}"


def api_keys(session: Session) -> Sequence[ApiKey]:
    """All keys, revoked ones too, the newest last."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def revoke_api_key(session: Session, prefix: str, *, now: datetime) -> None:
    """End a key at once. Raises :class:`BadKey` where no key in force has that prefix."""
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None)))
    if key is None:
        raise BadKey
    key.revoked_at = now


def admit(session: Session, presented: str, *, now: datetime) -> Holder:
    """Who holds the key that was ``presented``; counts and notes the use of it, in the caller's transaction.

    Raises:
        BadKey: also while the text is no key at all.
        TooFast: see there. The use is not counted then.
    """
    _, prefix, secret = presented.split("_") if presented.count("_") == 2 else ("", "", "")
    # Locked: two processes must not both take the last of what a key may ask.
    key = session.scalar(select(ApiKey).where(ApiKey.prefix == prefix).with_for_update())
    # A key that is not there takes as long as one that is.
    right = hmac.compare_digest(_digest(secret), key.digest if key else _digest(""))
    if key is None or not right or key.revoked_at is not None:
        raise BadKey
    key.busy_until, key.used_at = busy_after(key.busy_until, key.per_minute, now), now
    return Holder(key.id, frozenset(Scope(scope) for scope in key.scopes))


def busy_after(busy_until: datetime | None, per_minute: int, now: datetime) -> datetime:
    """Until when a key is busy that asks once more at ``now``. Raises :class:`TooFast`.

    Each use keeps it busy for its share of a minute; it may be ahead of the clock by one minute.
    """
    until = max(busy_until or now, now) + _MINUTE / per_minute
    if until > now + _MINUTE:
        raise TooFast(until - now - _MINUTE)
    return until


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
