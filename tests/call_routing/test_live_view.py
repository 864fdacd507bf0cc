"""The live view as events come; the events are those of a real Asterisk, shortened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from call_routing.ami import Event
from call_routing.live_view import LiveQueue
from call_routing.names import LAST_SECOND
from call_routing.pauses import SilentPhones, Telling
from desk.desk_now import Member, OnCall, OnCallState, PhoneState, QueueNow

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def member(status: int, *, paused: str = "", name: str = "201", phone: str = "201") -> Event:
    return {
        "Event": "QueueMember",
        "Queue": "desk",
        "Name": name,
        "MemberName": name,
        # Asterisk's two words for the same thing, in the list and in events.
        "Location": f"PJSIP/{phone}",
        "Interface": f"PJSIP/{phone}",
        "Status": str(status),
        "Paused": str(int(bool(paused))),
        "PausedReason": paused,
    }


def called(name: str = "201", call: str = "1.2") -> Event:
    return {
        "Event": "AgentCalled",
        "Queue": "desk",
        "MemberName": name,
        "Interface": f"PJSIP/{name}",
        "DestUniqueid": call,
    }


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
    # In no queue but its own: an office's.
    office = view({**member(1), "Queue": "phone-201"})
    assert (office.members, office.offices) == ({}, {"201": Member(PhoneState.FREE)})
    both = view({**member(1), "Queue": "phone-201"}, member(2))
    assert (both.members, both.offices) == ({"201": Member(PhoneState.BUSY)}, {})


def test_what_counts_is_the_phone_that_is_used() -> None:
    def place(web: int, desk: int, *, web_paused: str = "", desk_paused: str = "") -> Member:
        return view(member(web, paused=web_paused, phone="web201"), member(desk, paused=desk_paused)).members[
            "201"
        ]

    assert place(5, 1) == Member(PhoneState.FREE)
    assert place(1, 5) == Member(PhoneState.FREE)
    assert place(2, 1, desk_paused="elsewhere") == Member(PhoneState.BUSY)
    assert place(1, 1, web_paused="break", desk_paused="elsewhere") == Member(PhoneState.FREE, "break")
    assert place(1, 2, web_paused="elsewhere") == Member(PhoneState.BUSY)
    # The page is gone, and its place is still worked at with it.
    assert place(5, 1, desk_paused="elsewhere") == Member(PhoneState.UNREACHABLE)


def channel(name: str, state: str, call: str = "1.1", bridge: str = "") -> Event:
    return {
        "Channel": name,
        "ChannelState": state,
        "Linkedid": call,
        "Uniqueid": name,
        "BridgeId": bridge,
        "Duration": "00:01:05",
    }


def test_who_is_on_which_call() -> None:
    queue = LiveQueue()
    talking = [
        channel("PJSIP/trunk-00000001", "6", bridge="b"),
        channel("PJSIP/web201-00000002", "6", bridge="b"),
    ]
    asking = [channel("PJSIP/web201-00000003", "6", "9.1"), channel("PJSIP/102-00000004", "5", "9.1")]
    queue.note_channels([*talking, *asking, channel("Local/s@call-back-0000;1", "6", "7.1")], NOW)
    begun = NOW - timedelta(seconds=65)
    assert queue.now(NOW).on_calls == (
        OnCall("1.1", "201", OnCallState.TALKING, begun, citizen=True),
        OnCall("9.1", "201", OnCallState.CALLING, begun),
        OnCall("9.1", "102", OnCallState.RINGING, begun),
    )
    # Since when stays as it was first seen.
    queue.note_channels([{**c, "Duration": "00:01:07"} for c in talking], NOW + timedelta(seconds=3))
    assert queue.now(NOW).on_calls == (OnCall("1.1", "201", OnCallState.TALKING, begun, citizen=True),)


def test_a_ringing_phone_counts_as_busy_for_asterisk() -> None:
    queue = LiveQueue()
    queue.reconcile([member(1)], [], NOW)
    queue.note(called(), NOW)
    queue.note({**member(3), "Event": "QueueMemberStatus"}, NOW)
    assert queue.now(NOW).members["201"].state is PhoneState.RINGING
    queue.note({**called(), "Event": "AgentConnect"}, NOW)
    assert queue.now(NOW).members["201"].state is PhoneState.BUSY


def test_a_connection_in_the_middle_of_ringing() -> None:
    ringing = channel("PJSIP/201-0000002a", "5")
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
    since, now = NOW - timedelta(minutes=7), int(NOW.timestamp())
    channel = {
        "Channel": "PJSIP/trunk-0000002b",
        "ChannelState": "6",
        "Uniqueid": "1.1",
        "Linkedid": "1.1",
        "BridgeId": "",
        "Duration": "00:00:09",
        "Context": "operators",
        "Application": "AGI",
        # Since when the call waits, the time, what was told, and the place: of an earlier call-back.
        "ApplicationData": f"agi://h:1/waiting,{now - 60},{now},2-11-0-660,{int(since.timestamp())}",
    }
    seen = view(channels=(channel,))
    assert (seen.waiting, seen.waiting_since) == (1, since)
    others = (channel | {"Context": "unanswered"}, channel | {"ApplicationData": "agi://h:1/switchboard"})
    assert view(channels=others).waiting == 0


def test_only_a_phone_that_rang_its_full_time_is_silent() -> None:
    for state, cause, silent in (
        ("5", "0", "PJSIP/201"),
        ("5", "17", None),
        ("0", "17", None),
        ("0", "0", None),
    ):
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
