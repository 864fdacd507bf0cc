"""How the queue stands, as Asterisk tells it over its manager interface: pure, event by event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from call_routing.ami import Event
from call_routing.names import BETWEEN_EVENT, LAST_SECOND, Context, Queue, Script
from desk.desk_now import Member, PhoneState, QueueNow

#: Asterisk's device states. A phone of ours counts as busy from its first call on, ringing or not.
_FREE, _UNREACHABLE = {"1"}, {"0", "4", "5"}
#: Asterisk's channel state of a phone that rings.
RINGING = "5"
#: A priority below this is none of ours: it does not tell since when the caller waits.
_OURS = 1_000_000


@dataclass
class _Phone:
    status: str
    paused: str | None


@dataclass
class LiveQueue:
    """The queue ``desk``: its phones by extension and its callers by Asterisk's name for the call."""

    _phones: dict[str, _Phone] = field(default_factory=dict)
    _callers: dict[str, datetime] = field(default_factory=dict)
    #: The calls that ring at a phone now, and its extension.
    _ringing: dict[str, str] = field(default_factory=dict)

    def reconcile(self, status: Iterable[Event], channels: Iterable[Event], now: datetime) -> None:
        """Begin anew with what ``QueueStatus`` and ``CoreShowChannels`` list, whatever was missed before."""
        before = dict(self._callers)
        self._phones.clear()
        self._callers.clear()
        self._ringing.clear()
        for event in status:
            if event["Event"] == "QueueMember" and event["Queue"] == Queue.DESK:
                self._note_phone(event["Name"], event)
            elif event["Event"] == "QueueEntry" and event["Queue"] == Queue.DESK:
                self._callers[event["Uniqueid"]] = _since(event, now)
        for event in channels:
            extension = extension_of(event["Channel"])
            if event["ChannelState"] == RINGING and extension in self._phones:
                self._ringing[event["Uniqueid"]] = extension
            elif _hears_of_the_wait(event):
                call = event["Uniqueid"]
                self._callers.setdefault(call, before.get(call) or _told_to_script(event, now))

    def note(self, event: Event, now: datetime) -> None:
        """Follow what has just happened."""
        kind = event["Event"]
        if kind in {"AgentConnect", "AgentRingNoAnswer"}:
            self._ringing.pop(event["DestUniqueid"], None)
        elif kind == "AgentCalled":
            self._ringing[event["DestUniqueid"]] = event["MemberName"]
        elif kind == "Hangup":
            self._ringing.pop(event["Uniqueid"], None)
            self._callers.pop(event["Uniqueid"], None)
        elif kind == "UserEvent" and event["UserEvent"] == BETWEEN_EVENT:
            # Out of the queue for an announcement, with the place kept.
            self._callers[event["Uniqueid"]] = _moment(event["Since"]) or now
        elif event.get("Queue") != Queue.DESK:
            return
        elif kind in {"QueueMemberStatus", "QueueMemberPause", "QueueMemberAdded"}:
            self._note_phone(event["MemberName"], event)
        elif kind == "QueueMemberRemoved":
            self._phones.pop(event["MemberName"], None)
        elif kind == "QueueCallerJoin":
            self._callers.setdefault(event["Uniqueid"], now)
        elif kind == "QueueCallerLeave":
            self._callers.pop(event["Uniqueid"], None)

    def now(self, seen_at: datetime) -> QueueNow:
        """How it stands."""
        return QueueNow(
            seen_at,
            waiting=len(self._callers),
            waiting_since=min(self._callers.values(), default=None),
            members={
                extension: Member(self._state(extension, phone), phone.paused)
                for extension, phone in sorted(self._phones.items())
            },
        )

    def _note_phone(self, extension: str, event: Event) -> None:
        paused = event["PausedReason"] if event["Paused"] == "1" else None
        self._phones[extension] = _Phone(event["Status"], paused)

    def _state(self, extension: str, phone: _Phone) -> PhoneState:
        if phone.status in _FREE:
            return PhoneState.FREE
        if phone.status in _UNREACHABLE:
            return PhoneState.UNREACHABLE
        return PhoneState.RINGING if extension in self._ringing.values() else PhoneState.BUSY


def extension_of(channel: str) -> str:
    """The extension of a phone's channel: ``201`` of ``PJSIP/201-0000002a``."""
    return channel.partition("/")[2].rpartition("-")[0]


def _since(entry: Event, now: datetime) -> datetime:
    """Since when a caller waits: the priority says it, also of one who left the queue for an announcement."""
    since = LAST_SECOND - int(entry["Priority"])
    if _OURS < since < LAST_SECOND:
        return datetime.fromtimestamp(since, UTC)
    return now - timedelta(seconds=int(entry["Wait"]))


def _hears_of_the_wait(channel: Event) -> bool:
    """Whether that channel is a caller's who has left the queue for an announcement."""
    return (
        channel.get("Context") == Context.OPERATORS
        and channel.get("Application") == "AGI"
        and f"/{Script.WAITING}," in channel.get("ApplicationData", "")
    )


def _told_to_script(channel: Event, now: datetime) -> datetime:
    """Since when the caller waits, from what the script is called with."""
    return _moment(channel["ApplicationData"].split(",")[1]) or now


def _moment(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() and len(seconds) <= 10 else None
