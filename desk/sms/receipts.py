"""What providers tell about messages: stored all, and followed only forwards.

Receipts come out of order, twice, before our own commit, or never. A message's row is locked while one is
noted, and a final state is never left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.consents import stop_texts
from desk.models import Message, MessageReceipt, MessageState

#: Where a provider reports to, below our public address, and the parameter that carries our own id of the
#: message: a receipt can be here before the provider's answer with its id is.
CALLBACK_PATH = "/webhooks/twilio/status"
CALLBACK_PARAMETER = "message"

#: Without a receipt for so long there is none.
NO_RECEIPT_AFTER = timedelta(days=3)

#: The provider's error codes: the citizen has told the provider STOP; a landline.
STOPPED = "21610"
LANDLINES = frozenset({"21614", "30006"})

#: What the states are left for, in the order of a message's life: a message is never moved backwards.
_OPEN = frozenset({MessageState.CREATED, MessageState.SENDING, MessageState.UNKNOWN})
_AWAITING = _OPEN | {MessageState.SENT, MessageState.NO_RECEIPT}

_STATES = {
    "accepted": MessageState.SENT,
    "scheduled": MessageState.SENT,
    "queued": MessageState.SENT,
    "sending": MessageState.SENT,
    "sent": MessageState.SENT,
    "delivered": MessageState.DELIVERED,
    "read": MessageState.DELIVERED,
    "undelivered": MessageState.UNDELIVERED,
    "failed": MessageState.FAILED,
    "canceled": MessageState.FAILED,
}
_BAD = frozenset({MessageState.UNDELIVERED, MessageState.FAILED})


def note_receipt(
    session: Session,
    message_id: str,
    *,
    status: str,
    error_code: str | None,
    provider_id: str | None,
    at: datetime,
) -> bool:
    """Store a receipt and follow it; returns whether we have a message with that id.

    Args:
        session: a transaction.
        message_id: ours.
        status: in the provider's words; unknown ones are stored and change nothing.
        error_code: the provider's, if there is one.
        provider_id: the provider's own name for the message.
        at: when it came.
    """
    message = session.get(Message, message_id, with_for_update=True, populate_existing=True)
    if message is None:
        return False
    session.add(
        MessageReceipt(
            message_id=message.id,
            provider_id=provider_id and provider_id[:80],
            status=status[:40],
            error_code=error_code and error_code[:20],
            at=at,
        )
    )
    if error_code == STOPPED:
        stop_texts(session, e164=message.to_e164, how="SMS", by=f"receipt {STOPPED}", now=at)
    _follow(message, _state(status, error_code), error_code, provider_id, at)
    session.flush()
    return True


def settle_unreceipted(session: Session, *, now: datetime) -> int:
    """Give up waiting for receipts that are overdue; returns of how many. A late one is still followed."""
    overdue = (
        select(Message.id)
        .where(Message.state == MessageState.SENT, Message.receipt_due_at <= now)
        # One whose receipt is just being noted is left alone.
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(overdue).all()
    session.execute(
        update(Message)
        .where(Message.id.in_(ids))
        .values(state=MessageState.NO_RECEIPT)
        .execution_options(synchronize_session=False)
    )
    return len(ids)


def _state(status: str, error_code: str | None) -> MessageState | None:
    state = _STATES.get(status)
    if state in _BAD and error_code == STOPPED:
        return MessageState.STOPPED
    if state in _BAD and error_code in LANDLINES:
        return MessageState.VOICE_NOTICE
    return state


def _follow(
    message: Message, to: MessageState | None, error_code: str | None, provider_id: str | None, at: datetime
) -> None:
    if to is None or message.state not in (_OPEN if to is MessageState.SENT else _AWAITING):
        return
    message.state = to
    message.provider_id = message.provider_id or (provider_id and provider_id[:80])
    # It was taken, whatever our own worker knows of that.
    message.sent_at = message.sent_at or at
    if to is MessageState.SENT:
        message.receipt_due_at = at + NO_RECEIPT_AFTER
    elif to is not MessageState.DELIVERED:
        message.failure = f"provider: {error_code[:20]}" if error_code else "provider"
