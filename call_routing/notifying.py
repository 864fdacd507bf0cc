"""Telling landlines by telephone what they cannot be texted: the calls, over Asterisk's interface.

As a call-back (:mod:`call_routing.calling_back`), such a call has two halves and a name that tells which
attempt it is; nobody is at the first half. That a notice was heard is noted by the AGI server
(``agi_scripts/voice_notice.py``), what else became of the call by the dialplan.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from call_routing.ami import Ami, Refused
from call_routing.calling_back import KNOWN, Spacing, live_calls, next_try, notes_in
from call_routing.names import START, Context
from desk.db import Sessions, reading, transaction
from desk.models import CallBackResult, Message
from desk.settings import Settings
from desk.sms.voice_notices import (
    CHANNEL,
    any_waiting,
    begin_calls,
    called,
    calling_rules_of,
    lost_calls,
    note_in_vain,
)

log = logging.getLogger(__name__)

#: Asterisk ends a call whose first half is not there by then (milliseconds).
_ANSWER = 10_000


class Notifying:
    """The worker's part."""

    def __init__(self, settings: Settings, database: Sessions) -> None:
        self._settings = settings
        self._database = database
        self._rules = calling_rules_of(settings)
        self._spacing = Spacing(
            timedelta(seconds=settings.voice_notice_retry_seconds), settings.voice_notice_tries
        )

    def run(self, ami: Ami, now: datetime) -> None:
        """Note what came of earlier calls, and make those that are due."""
        folder = self._settings.voice_notices
        with reading(self._database) as session:
            if not any_waiting(session) and not any(notes_in(folder)):
                return
        # First the channels, then the notes: a call that is gone has left its note before.
        live = live_calls(ami, CHANNEL)
        notes = list(notes_in(folder))
        with transaction(self._database) as session:
            for _, channel_id, result in notes:
                message = called(session, channel_id)
                # None: heard or refused, or noted before by a worker that was ended just then.
                if message is not None:
                    self._in_vain(session, message, result, now)
            session.flush()
            for message in lost_calls(session, live, now=now):
                self._in_vain(session, message, CallBackResult.BROKEN_OFF, now)
        for note, _, _ in notes:
            note.unlink(missing_ok=True)
        if self._settings.trunk_uri:
            self._call(ami, now)

    def _in_vain(self, session: Session, message: Message, result: CallBackResult, now: datetime) -> None:
        at = next_try(result, message.attempts, self._spacing, now)
        if message.attempts >= self._spacing.tries:
            # Also what failed on our side: a citizen's telephone may have rung.
            at = None
        log.info("voice notice %s: %s%s", message.id, result, ", given up" if at is None else "")
        note_in_vain(session, message, result, next_try_at=at, now=now)

    def _call(self, ami: Ami, now: datetime) -> None:
        with transaction(self._database) as session:
            begun = begin_calls(session, self._rules, now=now, known_by=now + KNOWN)
        for channel_id, e164 in begun:
            try:
                ami.send_action(
                    {
                        "Action": "Originate",
                        "Channel": f"Local/{START}@{Context.VOICE_NOTICE}/n",
                        "ChannelId": channel_id,
                        "Context": Context.NOTIFIED,
                        "Exten": e164,
                        "Priority": "1",
                        "Timeout": str(_ANSWER),
                        "Async": "true",
                    }
                )
            except Refused as e:
                log.error("%s: Asterisk does not make the call: %s", channel_id, e)
