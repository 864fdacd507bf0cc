"""Phones that rang in vain: paused, so that nobody waits for an empty chair, and their operators told.

Asterisk's own ``autopause`` would also pause a phone that refuses a call: to it, a SIP phone that says "busy"
and one that says nothing look alike. The cause of the hang-up tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from call_routing.ami import Event
from call_routing.live_view import RINGING
from call_routing.names import PauseReason
from desk.desk_now import PhoneState, QueueNow

#: The cause of a hang-up that came from us: nobody picked up in time. A refusal has a cause of its own.
_OURS = "0"


@dataclass
class SilentPhones:
    """Finds the phones that rang their full time and were not answered."""

    _unanswered: dict[str, str] = field(default_factory=dict)

    def note(self, event: Event) -> str | None:
        """The phone (``PJSIP/201``) that is to be paused after this event."""
        if event["Event"] == "AgentRingNoAnswer" and event["DestChannelState"] == RINGING:
            self._unanswered[event["DestUniqueid"]] = event["Interface"]
        elif event["Event"] == "Hangup":
            interface = self._unanswered.pop(event["Uniqueid"], None)
            return interface if event["Cause"] == _OURS else None
        return None


@dataclass
class Telling:
    """When an operator is rung and told that the phone is paused: soon, then every few minutes."""

    after: timedelta
    again: timedelta
    _next: dict[str, datetime] = field(default_factory=dict)

    def due(self, queue: QueueNow, now: datetime) -> Iterator[str]:
        """The extensions to ring now. A phone in use is told when it is free."""
        silent = {
            extension: member.state
            for extension, member in queue.members.items()
            if member.paused == PauseReason.NO_ANSWER
        }
        for extension in set(self._next) - set(silent):
            del self._next[extension]
        for extension, state in silent.items():
            at = self._next.setdefault(extension, now + self.after)
            if at <= now and state is PhoneState.FREE:
                self._next[extension] = now + self.again
                yield extension
