"""Voice notices: what a landline cannot be texted is told by telephone, by the same outbox.

A message to a landline waits as ``voice_notice`` until the worker has it called (``calling``). Then it was
heard, refused, or told in vain: it waits again, a limited number of times, until it has failed. Whether it
may be told at all is asked before each call, as for text messages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.calendar import is_working_day
from desk.consents import stop_texts
from desk.db import one_at_a_time
from desk.models import Attempted, Message, MessageAttempt, MessageState
from desk.phone_numbers import to_call_back
from desk.settings import ROME, Settings
from desk.sms.limits import Limits, sms_limits_of
from desk.sms.outbox import may_tell
from desk.sms.templates import templates

#: How the names of the calls begin, and the route that their attempts are noted for.
CHANNEL, ROUTE = "voice-notice-", "voice"
#: What has waited for so long is told to nobody any more.
GIVE_UP = timedelta(days=7)
#: How a consent was withdrawn that a voice notice was told by.
HOW = "phone keypad"
#: Notices that are looked through in one run.
_MOST = 100


@dataclass(frozen=True, slots=True)
class CallingRules:
    """When landlines are called (wall clock Europe/Rome, working days), and how many at a time."""

    begin: time
    end: time
    at_once: int
    limits: Limits

    def is_time(self, now: datetime) -> bool:
        """Whether a landline may be called at ``now``."""
        here = now.astimezone(ROME)
        return is_working_day(here.date()) and self.begin <= here.time() < self.end


def calling_rules_of(settings: Settings) -> CallingRules:
    """The rules that are set."""
    return CallingRules(
        settings.voice_notices_from,
        settings.voice_notices_until,
        settings.voice_notices_at_once,
        sms_limits_of(settings),
    )


def begin_calls(
    session: Session, rules: CallingRules, *, now: datetime, known_by: datetime
) -> Sequence[tuple[str, str]]:
    """Claim the notices that are to be told now: the name of each one's call, and the number.

    By ``known_by`` Asterisk must know a call, or it is lost. What may not be told, or not by telephone, says
    why.
    """
    if not rules.is_time(now):
        return ()
    one_at_a_time(session, "voice notices")
    busy = set(session.scalars(select(Message.to_e164).where(Message.state == MessageState.CALLING)))
    waiting = session.scalars(
        select(Message)
        .where(Message.state == MessageState.VOICE_NOTICE, Message.not_before <= now)
        .order_by(Message.not_before, Message.id)
        .limit(_MOST)
        .with_for_update(skip_locked=True)
    ).all()
    begun = []
    for message in waiting:
        if len(busy) >= rules.at_once:
            break
        if message.to_e164 in busy or not _may_be_called(session, message, rules.limits, now):
            continue
        message.attempts += 1
        message.state, message.claimed_at, message.not_before = MessageState.CALLING, now, known_by
        message.route, message.provider_id = ROUTE, f"{CHANNEL}{message.id}-{message.attempts}"
        busy.add(message.to_e164)
        begun.append((message.provider_id, message.to_e164))
    session.flush()
    return begun


def called(session: Session, channel_id: str, *, lock: bool = True) -> Message | None:
    """The notice whose last call has that name and is going on; with ``lock`` it stays so."""
    found = select(Message).where(Message.provider_id == channel_id, Message.state == MessageState.CALLING)
    return session.scalar(found.with_for_update() if lock else found)


def lost_calls(session: Session, live: Collection[str], *, now: datetime) -> Sequence[Message]:
    """The notices whose calls should be going on and are not among the ``live`` ones."""
    return session.scalars(
        select(Message)
        .where(
            Message.state == MessageState.CALLING,
            Message.not_before <= now,
            Message.provider_id.not_in(live),
        )
        .with_for_update()
    ).all()


def note_heard(session: Session, channel_id: str, *, now: datetime) -> None:
    """Somebody pressed the key to hear it, and heard it."""
    message = called(session, channel_id)
    if message is not None:
        message.state, message.sent_at, message.failure = MessageState.HEARD, now, None
        _note_attempt(session, message, Attempted.ACCEPTED, now)


def note_refused(session: Session, channel_id: str, *, now: datetime) -> None:
    """Whoever answered wants no more of these calls: all consent of the number is withdrawn."""
    message = session.scalar(select(Message).where(Message.provider_id == channel_id).with_for_update())
    if message is None:
        return
    if message.state is MessageState.CALLING:
        message.state = MessageState.STOPPED
        _note_attempt(session, message, Attempted.REFUSED, now)
    stop_texts(session, e164=message.to_e164, how=HOW, by=f"voice notice {message.id}", now=now)


def note_in_vain(
    session: Session, message: Message, reason: str, *, next_try_at: datetime | None, now: datetime
) -> None:
    """Nobody heard it. Call again at ``next_try_at``, or (``None``) it has failed, which an operator sees."""
    message.failure = f"{ROUTE}: {reason}"
    message.state = MessageState.FAILED if next_try_at is None else MessageState.VOICE_NOTICE
    message.not_before = next_try_at or now
    _note_attempt(session, message, Attempted.FAILED, now)


def any_waiting(session: Session) -> bool:
    """Whether there is anything to call for, or a call going on."""
    states = (MessageState.VOICE_NOTICE, MessageState.CALLING)
    return session.scalar(select(Message.id).where(Message.state.in_(states)).limit(1)) is not None


def _may_be_called(session: Session, message: Message, limits: Limits, now: datetime) -> bool:
    template = templates("it").get(message.template)
    why = ""
    if to_call_back(message.to_e164) != message.to_e164:
        # Whatever stands in the database: the rule of call-backs, at whose cost the town telephones.
        why = "not an Italian number"
    elif template is None or not template.voice or message.filled_with is None:
        why = "cannot be said"
    elif now - message.created_at >= GIVE_UP:
        why = "too late"
    if why:
        message.state, message.failure = MessageState.FAILED, f"{ROUTE}: {why}"
        return False
    return may_tell(session, message, limits, now)


def _note_attempt(session: Session, message: Message, outcome: Attempted, now: datetime) -> None:
    session.add(MessageAttempt(message_id=message.id, route=ROUTE, outcome=outcome, at=now))
