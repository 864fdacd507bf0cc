"""How the queue stands, as Asterisk tells it over its manager interface: pure, event by event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from string import ascii_lowercase

from call_routing.ami import Event
from call_routing.names import (
    BETWEEN_EVENT,
    LAST_SECOND,
    PHONE_QUEUE,
    TRUNK,
    TRY_IT,
    WEB_PHONE,
    Context,
    PauseReason,
    Queue,
    Script,
    interfaces,
)
from desk.desk_now import Member, OnCall, OnCallState, PhoneState, QueueNow

#: Asterisk's device states. A phone of ours counts as busy from its first call on, ringing or not.
_FREE, _UNREACHABLE = {"1"}, {"0", "4", "5"}
#: Asterisk's channel state of a phone that rings.
RINGING = "5"
#: Channels of citizens.
_CITIZENS = (f"PJSIP/{TRUNK}-", f"PJSIP/{TRY_IT}-")
#: Of a phone's channel: it dials or its call rings, it rings, it is up.
_STATES = {
    "3": OnCallState.CALLING,
    "4": OnCallState.CALLING,
    RINGING: OnCallState.RINGING,
    "6": OnCallState.TALKING,
}
#: A priority below this is none of ours: it does not tell since when the caller waits.
_OURS = 1_000_000


@dataclass
class _Phone:
    status: str
    paused: str | None
    penalty: int = 0

    @property
    def reachable(self) -> bool:
        return self.status not in _UNREACHABLE


@dataclass
class LiveQueue:
    """The queue ``desk``: its places by extension and its callers by Asterisk's name for the call.

    Each place has two phones (``asterisk-conf/queues.conf``); what counts is the one that is used.
    """

    #: By interface (``PJSIP/201``, ``PJSIP/web201``).
    _phones: dict[str, _Phone] = field(default_factory=dict)
    #: Those of offices, which are in no queue but their own.
    _offices: dict[str, _Phone] = field(default_factory=dict)
    _callers: dict[str, datetime] = field(default_factory=dict)
    #: The calls that ring at a phone now, and its extension.
    _ringing: dict[str, str] = field(default_factory=dict)
    _on_calls: tuple[OnCall, ...] = ()

    def reconcile(self, status: Iterable[Event], channels: Iterable[Event], now: datetime) -> None:
        """Begin anew with what ``QueueStatus`` and ``CoreShowChannels`` list, whatever was missed before."""
        before = dict(self._callers)
        self._phones.clear()
        self._offices.clear()
        self._callers.clear()
        self._ringing.clear()
        for event in status:
            if event["Event"] == "QueueMember":
                self._note_phone(event["Location"], event)
            elif event["Event"] == "QueueEntry" and event["Queue"] == Queue.DESK:
                self._callers[event["Uniqueid"]] = _since(event, now)
        listed = list(channels)
        for event in listed:
            extension = extension_of(event["Channel"])
            if event["ChannelState"] == RINGING and f"PJSIP/{extension}" in self._phones:
                self._ringing[event["Uniqueid"]] = extension
            elif _hears_of_the_wait(event):
                call = event["Uniqueid"]
                self._callers.setdefault(call, before.get(call) or _told_to_script(event, now))
        self.note_channels(listed, now)

    def note_channels(self, channels: Iterable[Event], now: datetime) -> None:
        """Who is on which call, by ``CoreShowChannels``."""
        before = {(on.call, on.extension, on.state): on.since for on in self._on_calls}
        self._on_calls = tuple(
            replace(on, since=before.get((on.call, on.extension, on.state), on.since))
            for on in on_calls(channels, now)
        )

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
        elif kind in {"QueueMemberStatus", "QueueMemberPause", "QueueMemberAdded", "QueueMemberPenalty"}:
            self._note_phone(event["Interface"], event)
        elif event.get("Queue") != Queue.DESK:
            return
        elif kind == "QueueMemberRemoved":
            self._phones.pop(event["Interface"], None)
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
            members=self._members(self._phones),
            offices=self._members(self._offices),
            on_calls=self._on_calls,
        )

    def paused(self, interface: str) -> str | None:
        """Why that phone of the desk or of an office is paused; ``None``: it is not, or there is none."""
        phone = self._phones.get(interface) or self._offices.get(interface)
        return phone.paused if phone else None

    def pauses(self) -> Mapping[str, str | None]:
        """Every phone by its interface, and why it is paused."""
        return {interface: phone.paused for interface, phone in (self._offices | self._phones).items()}

    def penalty(self, interface: str) -> int | None:
        """That phone's penalty in the desk's queue."""
        phone = self._phones.get(interface)
        return phone.penalty if phone else None

    def _members(self, phones: dict[str, _Phone]) -> dict[str, Member]:
        extensions = sorted({interface.partition("/")[2].removeprefix(WEB_PHONE) for interface in phones})
        return {extension: self._member(extension, phones) for extension in extensions}

    def _member(self, extension: str, phones: dict[str, _Phone]) -> Member:
        web, desk = (phones.get(interface) for interface in interfaces(extension))
        if web and web.reachable and web.paused != PauseReason.ELSEWHERE:
            return Member(self._state(extension, web), web.paused)
        if desk is None or desk.paused == PauseReason.ELSEWHERE:
            return Member(PhoneState.UNREACHABLE, None)
        return Member(self._state(extension, desk), desk.paused)

    def _note_phone(self, interface: str, event: Event) -> None:
        queue = event["Queue"]
        office = queue.startswith(PHONE_QUEUE) and interface not in self._phones
        if queue != Queue.DESK and not office:
            return
        paused = event["PausedReason"] if event["Paused"] == "1" else None
        phone = _Phone(event["Status"], paused, int(event.get("Penalty") or 0))
        if office:
            self._offices[interface] = phone
        else:
            self._phones[interface] = phone
            # Its own queue may have been listed before the desk's.
            self._offices.pop(interface, None)

    def _state(self, extension: str, phone: _Phone) -> PhoneState:
        if phone.status in _FREE:
            return PhoneState.FREE
        if phone.status in _UNREACHABLE:
            return PhoneState.UNREACHABLE
        return PhoneState.RINGING if extension in self._ringing.values() else PhoneState.BUSY


def extension_of(channel: str) -> str:
    """The extension of a phone's channel: ``201`` of ``PJSIP/201-0000002a`` and ``PJSIP/web201-0000002a``."""
    return channel.partition("/")[2].rpartition("-")[0].removeprefix(WEB_PHONE)


def on_calls(channels: Iterable[Event], now: datetime) -> Iterator[OnCall]:
    """Who of our phones is in which call, by the channels there are: those of one bridge talk together."""
    listed = list(channels)
    citizens = {c["Linkedid"] for c in listed if c["Channel"].startswith(_CITIZENS)}
    for channel in listed:
        extension = extension_of(channel["Channel"])
        state = _STATES.get(channel["ChannelState"])
        if not channel["Channel"].startswith("PJSIP/") or not extension.isdecimal() or state is None:
            continue
        bridge = channel["BridgeId"]
        others = {
            extension_of(other["Channel"])
            for other in listed
            if bridge and other["BridgeId"] == bridge and other is not channel
        }
        if state is OnCallState.TALKING and not bridge:
            # Up, but alone: it hears a sentence, or its own call rings.
            state = OnCallState.CALLING
        yield OnCall(
            channel["Linkedid"],
            extension,
            state,
            now - _age(channel["Duration"]),
            channel["Linkedid"] in citizens,
            tuple(sorted(other for other in others if other.isdecimal())),
            _heard_by(channel),
        )


def _heard_by(channel: Event) -> str | None:
    """The place that a supervisor listens to with that channel: ``201`` of the extension ``listenweb201``."""
    if channel.get("Context") != Context.LISTENING:
        return None
    return channel["Exten"].lstrip(ascii_lowercase) or None


def _age(duration: str) -> timedelta:
    """``01:02:03``."""
    hours, minutes, seconds = (int(part) for part in duration.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


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
    """Since when the caller waits, from what the script is called with: its last argument is the place."""
    return _moment(channel["ApplicationData"].split(",")[-1]) or now


def _moment(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() and len(seconds) <= 10 else None
