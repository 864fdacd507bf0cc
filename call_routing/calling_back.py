"""Calling citizens back in their turn: what to do next (pure), and the doing over Asterisk's interface.

A call-back is one call of two halves (``asterisk-conf/extensions.conf``): the first takes the citizen's place
in the queue, the second calls the citizen once an operator has picked up. Its name tells which attempt it is.
So whatever is restarted meanwhile, the call is found again among Asterisk's channels, or its result in a file
that the dialplan wrote, or neither: then it is made anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from call_routing.ami import Ami, Refused
from call_routing.names import START, Context, Variable
from desk.call_backs import (
    NOT_REACHED,
    attempt,
    begin_attempt,
    close_settled,
    note_failed_try,
    note_served,
    on_the_line,
    open_call_backs,
    unwanted_attempts,
)
from desk.db import Sessions, reading, transaction
from desk.desk_now import PhoneState, QueueNow
from desk.models import CALL_BACK_CALL, CallBackResult, CallBackState
from desk.phone_numbers import to_call_back
from desk.settings import Settings

log = logging.getLogger(__name__)

#: The dialplan's words for what became of a call.
RESULTS = {
    "SERVED": CallBackResult.SERVED,
    # Answered, and 1 was not pressed.
    "ANSWER": CallBackResult.NO_KEY,
    "BUSY": CallBackResult.BUSY,
    "NOANSWER": CallBackResult.NO_ANSWER,
    "CONGESTION": CallBackResult.UNREACHABLE,
    "CHANUNAVAIL": CallBackResult.UNREACHABLE,
    "INVALIDARGS": CallBackResult.UNREACHABLE,
    "CANCEL": CallBackResult.BROKEN_OFF,
}
#: Asterisk knows a call this long after it was asked for it, or it never will.
KNOWN = timedelta(seconds=5)
#: Between two tries that failed on our side.
SOON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Spacing:
    """How long after a call in vain the next one is made, and how many there are in all."""

    retry: timedelta
    tries: int


def next_try(result: CallBackResult, not_reached: int, spacing: Spacing, now: datetime) -> datetime | None:
    """When to try again after ``result``; ``None``: not any more.

    ``not_reached`` is how often the number was called in vain, this time included. What failed on our side is
    not the citizen's fault: it is tried again soon, as often as it takes. Opening hours are not looked at: a
    time at which the desk is closed means the next opening.
    """
    if result not in NOT_REACHED:
        return now + SOON
    return now + spacing.retry if not_reached < spacing.tries else None


def somebody_takes_calls(queue: QueueNow) -> bool:
    """Whether a call in the queue would be answered some time."""
    return any(
        member.paused is None and member.state is not PhoneState.UNREACHABLE
        for member in queue.members.values()
    )


class CallingBack:
    """The worker's part. ``closes_at`` tells when the desk closes, ``None`` while it is closed."""

    def __init__(
        self,
        settings: Settings,
        database: Sessions,
        closes_at: Callable[[datetime], datetime | None],
    ) -> None:
        self._settings = settings
        self._database = database
        self._closes_at = closes_at
        self._spacing = Spacing(timedelta(seconds=settings.call_back_retry_seconds), settings.call_back_tries)

    def run(self, ami: Ami, queue: QueueNow, now: datetime) -> None:
        """Note what came of earlier calls, hang up those nobody wants any more, make those that are due."""
        notes = list(notes_in(self._settings.call_backs))
        with reading(self._database) as session:
            if not notes and not open_call_backs(session):
                return
        # First the channels, then the notes: a call that is gone has left its note before.
        live = live_calls(ami, CALL_BACK_CALL)
        notes = list(notes_in(self._settings.call_backs))
        with transaction(self._database) as session:
            for _, channel_id, result in notes:
                self._note(session, channel_id, result, now)
            close_settled(session, now=now)
            self._find_lost(session, live, now)
            unwanted = unwanted_attempts(session, list(live))
        for note, _, _ in notes:
            note.unlink(missing_ok=True)
        for channel_id in unwanted:
            _hang_up(ami, live[channel_id])
        closes_at = self._closes_at(now)
        if closes_at is not None and self._settings.trunk_uri and somebody_takes_calls(queue):
            self._call(ami, closes_at, now)

    def _note(self, session: Session, channel_id: str, result: CallBackResult, now: datetime) -> None:
        call_back = attempt(session, channel_id)
        if call_back is None or call_back.state is not CallBackState.QUEUED:
            # Noted before: a worker that is ended between the two takes the same note again.
            return
        log.info("%s: %s", channel_id, result)
        if result is CallBackResult.SERVED:
            note_served(session, call_back, result, now=now)
            return
        not_reached = call_back.not_reached + (result in NOT_REACHED)
        at = next_try(result, not_reached, self._spacing, now)
        note_failed_try(call_back, result, next_try_at=at)

    def _find_lost(self, session: Session, live: Collection[str], now: datetime) -> None:
        """Calls without a channel and without a note: no operator came, or Asterisk was restarted."""
        for call_back in open_call_backs(session, lock=True):
            if (
                call_back.state is CallBackState.QUEUED
                and call_back.channel_id not in live
                and call_back.next_try_at <= now
            ):
                log.info("%s: %s", call_back.channel_id, CallBackResult.NO_OPERATOR)
                note_failed_try(call_back, CallBackResult.NO_OPERATOR, next_try_at=now + SOON)

    def _call(self, ami: Ami, closes_at: datetime, now: datetime) -> None:
        with transaction(self._database) as session:
            engaged = set(on_the_line(session))
            due = [
                (
                    begin_attempt(session, call_back, known_by=now + KNOWN),
                    call_back.e164,
                    call_back.waiting_since,
                )
                for call_back in open_call_backs(session, lock=True)
                if call_back.state is CallBackState.WAITING
                and call_back.next_try_at <= now
                and call_back.id not in engaged
                # Whatever stands in the database: the same rule as where the number was taken.
                and to_call_back(call_back.e164) == call_back.e164
            ]
        # 0 would be no limit.
        patience = max(1, int((closes_at - now).total_seconds() * 1000))
        for channel_id, e164, since in due:
            try:
                ami.send_action(
                    {
                        "Action": "Originate",
                        "Channel": f"Local/{START}@{Context.CALL_BACK}/n",
                        "ChannelId": channel_id,
                        "Context": Context.CALLED_BACK,
                        "Exten": e164,
                        "Priority": "1",
                        # Asterisk itself ends the wait for an operator when the desk closes.
                        "Timeout": str(patience),
                        "Variable": f"{Variable.NUMBER}={e164},{Variable.SINCE}={int(since.timestamp())}",
                        "Async": "true",
                    }
                )
            except Refused as e:
                log.error("%s: Asterisk does not make the call: %s", channel_id, e)


def notes_in(folder: Path) -> Iterator[tuple[Path, str, CallBackResult]]:
    """What the dialplan has noted of calls to citizens: the file, the name of the call, the result."""
    for note in sorted(folder.glob("*.txt")):
        word = note.read_text(encoding="utf-8", errors="replace").strip()
        # An empty note is being written.
        if word:
            yield note, note.stem, RESULTS.get(word, CallBackResult.UNREACHABLE)


def live_calls(ami: Ami, begin: str) -> dict[str, str]:
    """Asterisk's channels of the calls whose names begin so: the name of the call to that of the channel."""
    return {
        channel["Uniqueid"]: channel["Channel"]
        for channel in ami.ask("CoreShowChannels")
        if channel.get("Uniqueid", "").startswith(begin) and not channel["Uniqueid"].endswith(";2")
    }


def _hang_up(ami: Ami, channel: str) -> None:
    try:
        ami.hangup(channel)
    except Refused:
        log.debug("%s is gone already", channel)
