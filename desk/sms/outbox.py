"""The outbox: a message is written with the change it tells of, and sent later, at most once.

Whether it may go out is asked again when it is sent: consent can be withdrawn, the day's limit be reached.
A message in doubt is not sent again until the provider was asked and does not have it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk import outbox
from desk.consents import has_consent, stop_texts
from desk.db import Sessions, one_at_a_time, reading, transaction
from desk.models import Attempted, Message, MessageAttempt, MessageState
from desk.outbox import Claim, InDoubt, Patience, Undelivered
from desk.phone_numbers import is_mobile
from desk.sms import routes
from desk.sms.limits import Limits, day_begins, day_ends
from desk.sms.own_texts import template_of
from desk.sms.receipts import NO_RECEIPT_AFTER, STOPPED
from desk.sms.senders import Sender, Text
from desk.sms.templates import templates

log = logging.getLogger(__name__)

#: Tries before a message has failed for good: six hours.
TRIES = 12
PATIENCE = Patience(timedelta(minutes=1), timedelta(hours=1), tries=TRIES, when_lost=MessageState.UNKNOWN)
#: The provider is asked about a message in doubt so often, and for so long.
ASK_AGAIN, STOP_ASKING = timedelta(minutes=5), timedelta(days=1)

#: What an operator has to see to.
TROUBLED = (
    MessageState.FAILED,
    MessageState.UNDELIVERED,
    MessageState.UNKNOWN,
    MessageState.NO_RECEIPT,
    MessageState.VOICE_NOTICE,
)


@dataclass(frozen=True, slots=True)
class _Routed:
    """What is sent, and how; no database session is held meanwhile."""

    text: Text
    sender: Sender


def write_message(
    session: Session,
    *,
    to: str,
    template: str,
    values: Mapping[str, str],
    language: str,
    request_id: int | None,
    now: datetime,
    not_after: datetime | None = None,
    key: str | None = None,
) -> Message:
    """Put a message to ``to`` (E.164) into the outbox, in the caller's transaction.

    To a landline it is a voice notice (:mod:`desk.sms.voice_notices`). After ``not_after`` it is not sent any
    more; writing twice with one ``key`` writes one message.

    Raises:
        TemplateError: the template is unknown, lacks a value or does not fit into GSM-7.
    """
    if key is not None:
        one_at_a_time(session, f"message {key}")
        known = session.scalar(select(Message).where(Message.idempotency_key == key))
        if known is not None:
            return known
    text = template_of(session, template, language)
    message = Message(
        id=str(uuid.uuid4()),
        request_id=request_id,
        to_e164=to,
        template=text.name,
        template_version=text.version,
        language=language,
        body=text.fill(values),
        filled_with=dict(values),
        state=MessageState.CREATED if is_mobile(to) else MessageState.VOICE_NOTICE,
        created_at=now,
        not_before=now,
        not_after=not_after,
        idempotency_key=key,
    )
    session.add(message)
    session.flush()
    return message


def write_if_agreed(
    session: Session,
    *,
    to: str | None,
    template: str,
    values: Mapping[str, str],
    language: str,
    request_id: int | None,
    now: datetime,
    not_after: datetime | None = None,
    key: str | None = None,
) -> Message | None:
    """:func:`write_message`, if the number consents to what the template is for."""
    if to is None or not has_consent(session, to, templates("it")[template].purpose):
        return None
    return write_message(
        session,
        to=to,
        template=template,
        values=values,
        language=language,
        request_id=request_id,
        now=now,
        not_after=not_after,
        key=key,
    )


def send_waiting(
    sessions: Sessions, senders: Sequence[Sender], *, now: datetime, limits: Limits | None = None
) -> int:
    """Send what waits, one message after the other; returns how many went out.

    ``senders`` are the routes, the preferred one first.
    """
    limits = limits or Limits()
    by_name = {sender.name: sender for sender in senders}
    ask_about_doubts(sessions, senders, now=now)
    with transaction(sessions) as session:
        routes.watch(session, list(by_name), now=now)
    with reading(sessions) as session:
        today = select(func.count()).where(Message.sent_at >= day_begins(now))
        left = max(0, limits.a_day - (session.scalar(today) or 0))
    tried: dict[str, _Routed] = {}

    def read(session: Session, message: Message) -> _Routed | None:
        if not _may_go(session, message, limits, now):
            return None
        shares = routes.shares_of(session, list(by_name))
        message.route = routes.pick(shares, message.id, message.attempts)
        text = Text(message.id, message.to_e164, message.body, message.created_at)
        tried[message.id] = _Routed(text, by_name[message.route])
        return tried[message.id]

    def send(routed: _Routed) -> Mapping[str, object]:
        due = now + NO_RECEIPT_AFTER if routed.sender.gives_receipts else None
        return {"provider_id": routed.sender.send(routed.text), "receipt_due_at": due}

    def witness(
        session: Session, claim: Claim, outcome: Attempted, error: Undelivered | InDoubt | None
    ) -> None:
        routed = tried.pop(claim.id)
        session.add(MessageAttempt(message_id=claim.id, route=routed.sender.name, outcome=outcome, at=now))
        if isinstance(error, Undelivered) and error.state is MessageState.STOPPED:
            stop_texts(session, e164=routed.text.to, how="SMS", by=f"send {STOPPED}", now=now)

    quiet = [Message.template.in_(_at_once())] if limits.is_quiet(now) else []
    sent = outbox.send_waiting(
        sessions, Message, read, send, PATIENCE, now=now, due=quiet, most=left, witness=witness
    )
    if sent == left and sent:
        log.warning("the day's limit of %d SMS is reached; what waits goes out tomorrow", limits.a_day)
    return sent


def ask_about_doubts(sessions: Sessions, senders: Sequence[Sender], *, now: datetime) -> int:
    """Ask the providers about messages in doubt; returns for how many that ended it.

    What the provider has is sent. What it does not have waits to be sent again. Where nobody can be asked the
    doubt stays.
    """
    settled = 0
    askable = {sender.name: sender for sender in senders if sender.can_find}
    while (doubt := _next_doubt(sessions, list(askable), now)) is not None:
        text, route = doubt
        try:
            found = askable[route].find(text)
        except Undelivered as e:
            # The others are asked about in the next runs: waiting for each would hold up what is to be sent.
            log.warning("message %s: %s could not be asked (%s)", text.id, route, e)
            break
        with transaction(sessions) as session:
            _settle(session, text, found, askable[route], now)
        settled += 1
    return settled


def troubled(session: Session, *, since: datetime) -> Sequence[Message]:
    """What failed, is in doubt or has to be told by phone, written since then, the newest first."""
    return session.scalars(
        select(Message)
        .where(Message.state.in_(TROUBLED), Message.created_at >= since)
        .order_by(Message.created_at.desc(), Message.id)
    ).all()


def _may_go(session: Session, message: Message, limits: Limits, now: datetime) -> bool:
    """Whether it may be sent now. If not, the message says why, or waits."""
    if not is_mobile(message.to_e164):
        message.state = MessageState.VOICE_NOTICE
        return False
    return may_tell(session, message, limits, now)


def may_tell(session: Session, message: Message, limits: Limits, now: datetime) -> bool:
    """Whether the citizen may be told now, by text or by voice. If not, the message says why, or waits."""
    template = templates("it").get(message.template)
    if message.not_after is not None and now >= message.not_after:
        message.state, message.failure = MessageState.FAILED, "too late"
    elif template is None or not has_consent(session, message.to_e164, template.purpose):
        message.state = MessageState.NO_CONSENT
    elif limits.only_to and message.to_e164 not in limits.only_to:
        message.state = MessageState.TRIAL
    elif _sent_today(session, message.to_e164, now) >= limits.a_number:
        message.not_before, message.failure = day_ends(now), "limit of the number"
    else:
        return True
    return False


def _sent_today(session: Session, to: str, now: datetime) -> int:
    return (
        session.scalar(select(func.count()).where(Message.to_e164 == to, Message.sent_at >= day_begins(now)))
        or 0
    )


def _at_once() -> list[str]:
    return [name for name, template in templates("it").items() if template.at_once]


def _next_doubt(sessions: Sessions, names: Sequence[str], now: datetime) -> tuple[Text, str] | None:
    with transaction(sessions) as session:
        message = session.scalar(
            select(Message)
            .where(
                Message.state == MessageState.UNKNOWN,
                Message.not_before <= now,
                Message.claimed_at > now - STOP_ASKING,
                Message.route.in_(names),
            )
            .order_by(Message.not_before, Message.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if message is None or message.route is None:
            return None
        # Nobody else asks meanwhile, and the next one is asked about if this one cannot be.
        message.not_before = now + ASK_AGAIN
        return Text(message.id, message.to_e164, message.body, message.created_at), message.route


def _settle(session: Session, text: Text, found: Sequence[str], sender: Sender, now: datetime) -> None:
    # Two messages can have the same words: each takes one of those the provider has.
    one_at_a_time(session, f"messages to {text.to}")
    message = session.get_one(Message, text.id, with_for_update=True)
    if message.state is not MessageState.UNKNOWN:
        # A receipt was quicker.
        return
    known = set(
        session.scalars(
            select(Message.provider_id).where(Message.provider_id.in_(found), Message.id != message.id)
        )
    )
    ours = next((name for name in found if name not in known), None)
    if ours is not None:
        log.info("message %s had gone out", message.id)
        message.state, message.provider_id, message.failure = MessageState.SENT, ours, None
        message.sent_at = message.claimed_at
        message.receipt_due_at = now + NO_RECEIPT_AFTER if sender.gives_receipts else None
        return
    over = PATIENCE.is_over(attempts=message.attempts, age=now - message.created_at)
    log.info("message %s had not gone out%s", message.id, ", given up" if over else "")
    message.state = MessageState.FAILED if over else MessageState.CREATED
    message.not_before = now
