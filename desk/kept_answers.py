"""Asking twice with one idempotency key changes once and answers the same.

The answer is kept in the transaction of the change, and nobody else with the same key gets further until that
has ended: there is no moment at which a change is made and its answer is not known. Only answers to changes
that were made are kept; what was refused may be asked again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from desk.db import one_at_a_time
from desk.models import KeptAnswer

#: An answer is known for so long; what was filed stays filed once for ever.
KEPT = timedelta(days=7)


class OtherBody(Exception):
    """The key was used for something else before."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A change that is asked for: by which key of the web channel, with which key of its own, and what."""

    api_key_id: int
    idempotency_key: str
    fingerprint: str


def fingerprint(secret: str, operation: str, path: str, body: bytes) -> str:
    """What two equal requests have in common; says nothing of the body to who does not know ``secret``."""
    whole = b"\0".join((operation.encode(), path.encode(), body))
    return hmac.new(secret.encode(), whole, hashlib.sha256).hexdigest()


def holder_of(api_key_id: int) -> str:
    """How every :func:`filing_key` of that key of the web channel begins."""
    return f"web-{api_key_id}-"


def filing_key(ask: Ask) -> str:
    """The idempotency key of what is filed by ``ask``, unique among all channels."""
    return f"{holder_of(ask.api_key_id)}{hashlib.sha256(ask.idempotency_key.encode()).hexdigest()[:40]}"


def once(session: Session, ask: Ask, change: Callable[[], str], *, now: datetime) -> str:
    """What ``change`` answers, or has answered to the same ``ask`` before. Raises :class:`OtherBody`."""
    one_at_a_time(session, f"answers to {ask.api_key_id} {ask.idempotency_key}")
    kept = session.scalar(
        select(KeptAnswer).where(
            KeptAnswer.api_key_id == ask.api_key_id, KeptAnswer.idempotency_key == ask.idempotency_key
        )
    )
    if kept is not None:
        if not hmac.compare_digest(kept.fingerprint, ask.fingerprint):
            raise OtherBody
        return kept.answer
    answer = change()
    session.add(
        KeptAnswer(
            api_key_id=ask.api_key_id,
            idempotency_key=ask.idempotency_key,
            fingerprint=ask.fingerprint,
            answer=answer,
            at=now,
        )
    )
    session.flush()
    return answer


def forget_answers(session: Session, *, now: datetime) -> None:
    """Remove the answers that are older than :data:`KEPT`."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.at < now - KEPT))
