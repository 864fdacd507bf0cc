"""The live view as events come; the events are those of a real Asterisk, shortened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from call_routing.ami import Event
from call_routing.live_view import LiveQueue
from call_routing.names import LAST_SECOND
from call_routing.pauses import SilentPhones, Telling
from desk.desk_now import Member, PhoneState, QueueNow

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def member(status: int, *, paused: str = "", name: str = "201") -> Event:
    return {
        "Event": "QueueMember",
        "Queue": "desk",
        "Name": name,
        "MemberName": name,
        "Status": str(status),
        "Paused": str(int(bool(paused))),
        "PausedReason": paused,
    }


def called(name: str = "201", call: str = "1.2") -> Event:
    return {"Event": "AgentCalled", "Queue": "desk", "MemberName": name, "DestUniqueid": call}


def rang_in_vain(*, state: str = "5", call: str = "1.2") -> Event:
    return {**called(call=call), "Event": "AgentRingNoAnswer", "DestChannelState": state}


def hang_up(cause: str, call: str = "1.2") -> Event:
    return {"Event": "Hangup", "Uniqueid": call, "Cause": cause}


def entry(priority: int, wait: int) -> Event:
    return {
        "Event": "QueueEntry",
        "Queue": "desk",
        "Uniqueid": "1.1",
        "Priority": str(priority),
        "Wait": str(wait),
    }


def view(*events: Event, channels: tuple[Event, ...] = ()) -> QueueNow:
    queue = LiveQueue()
    queue.reconcile(events, channels, NOW)
    return queue.now(NOW)


def test_states_of_a_phone() -> None:
    for status, state in ((1, "free"), (2, "busy"), (3, "busy"), (4, "unreachable"), (5, "unreachable")):
        assert view(member(status)).members == {"201": Member(PhoneState(state))}
    assert view(member(1, paused="no_answer")).members["201"].paused == "no_answer"
    assert view({**member(1), "Queue": "phone-201"}).members == {}


def test_a_ringing_phone_counts_as_busy_for_asterisk() -> None:
    queue = LiveQueue()
    queue.reconcile([member(1)], [], NOW)
    queue.note(called(), NOW)
    queue.note({**member(3), "Event": "QueueMemberStatus"}, NOW)
    assert queue.now(NOW).members["201"].state is PhoneState.RINGING
    queue.note({**called(), "Event": "AgentConnect"}, NOW)
    assert queue.now(NOW).members["201"].state is PhoneState.BUSY


def test_a_connection_in_the_middle_of_ringing() -> None:
    ringing = {"Channel": "PJSIP/201-0000002a", "ChannelState": "5", "Uniqueid": "1.2"}
    assert view(member(3), channels=(ringing,)).members["201"].state is PhoneState.RINGING


def test_since_when_a_caller_waits() -> None:
    since = NOW - timedelta(minutes=20)
    assert view(entry(LAST_SECOND - int(since.timestamp()), 3)).waiting_since == since
    # One who has no place of ours waits since the entry.
    assert view(entry(0, 3)).waiting_since == NOW - timedelta(seconds=3)


def test_callers_come_and_go() -> None:
    queue = LiveQueue()
    for kind, waiting in (("QueueCallerJoin", 1), ("QueueCallerLeave", 0)):
        queue.note({"Event": kind, "Queue": "desk", "Uniqueid": "1.1"}, NOW)
        assert queue.now(NOW).waiting == waiting


def test_who_hears_an_announcement_waits_and_keeps_the_place() -> None:
    queue, since = LiveQueue(), NOW - timedelta(minutes=7)
    queue.note({"Event": "QueueCallerJoin", "Queue": "desk", "Uniqueid": "1.1"}, NOW)
    queue.note({"Event": "QueueCallerLeave", "Queue": "desk", "Uniqueid": "1.1"}, NOW)
    between = {"Event": "UserEvent", "UserEvent": "Between", "Uniqueid": "1.1"}
    queue.note({**between, "UserEvent": "Other"}, NOW)
    assert queue.now(NOW).waiting == 0
    queue.note({**between, "Since": str(int(since.timestamp()))}, NOW)
    assert queue.now(NOW).waiting_since == since
    queue.note({"Event": "QueueCallerJoin", "Queue": "desk", "Uniqueid": "1.1"}, NOW)
    assert (queue.now(NOW).waiting, queue.now(NOW).waiting_since) == (1, since)
    queue.note(hang_up("16", call="1.1"), NOW)
    assert queue.now(NOW).waiting == 0


def test_a_connection_in_the_middle_of_an_announcement() -> None:
    since = NOW - timedelta(minutes=7)
    channel = {
        "Channel": "PJSIP/trunk-0000002b",
        "ChannelState": "6",
        "Uniqueid": "1.1",
        "Context": "operators",
        "Application": "AGI",
        "ApplicationData": f"agi://127.0.0.1:4573/waiting,{int(since.timestamp())},{int(NOW.timestamp())},",
    }
    seen = view(channels=(channel,))
    assert (seen.waiting, seen.waiting_since) == (1, since)
    others = (channel | {"Context": "unanswered"}, channel | {"ApplicationData": "agi://h:1/switchboard"})
    assert view(channels=others).waiting == 0


def test_only_a_phone_that_rang_its_full_time_is_silent() -> None:
    for state, cause, silent in (("5", "0", "201"), ("5", "17", None), ("0", "17", None), ("0", "0", None)):
        phones = SilentPhones()
        assert phones.note(rang_in_vain(state=state)) is None
        assert phones.note(hang_up("0", call="9.9")) is None
        assert phones.note(hang_up(cause)) == silent
        assert phones.note(hang_up(cause)) is None


def test_when_an_operator_is_told() -> None:
    telling = Telling(timedelta(seconds=10), timedelta(minutes=5))

    def told(seconds: int, *members: Member) -> list[str]:
        now = NOW + timedelta(seconds=seconds)
        return list(
            telling.due(QueueNow(now, 0, None, dict(zip(("201", "101"), members, strict=False))), now)
        )

    silent = Member(PhoneState.FREE, "no_answer")
    assert told(0, silent, Member(PhoneState.FREE, "operator")) == []
    assert told(9, silent) == []
    # Not while in use.
    assert told(11, Member(PhoneState.BUSY, "no_answer")) == []
    assert told(12, silent) == ["201"]
    assert told(200, silent) == []
    assert told(312, silent) == ["201"]
    # Back, and silent again later: told anew.
    assert told(320, Member(PhoneState.FREE)) == []
    assert told(330, silent) == []
    assert told(340, silent) == ["201"]
