"""Places and Asterisk's queues: what is told, what is heard, and what a restart of Asterisk changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from call_routing.ami import Event
from call_routing.duties import Heard, Pause, Penalty, Told, compare, orders_of
from call_routing.live_view import LiveQueue
from desk.models import Tier
from desk.places import Device, Duty, PauseReason, Place

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STARTED = NOW - timedelta(hours=1)
#: Asterisk was told so long ago that it must have settled.
TOLD = NOW - timedelta(minutes=1)


def place(
    reason: PauseReason | None = None,
    *,
    told: datetime | None = TOLD,
    device: Device = Device.WEB,
    tier: Tier = Tier.BACK_OFFICE,
    start: datetime = STARTED,
) -> Place:
    duty = Duty(reason, "", TOLD, None, told, start)
    return Place(7, "201", "Back office", tier, Tier.BACK_OFFICE, device, 1, "anna", "Anna", TOLD, NOW, duty)


def queue(**paused: str) -> LiveQueue:
    """The two phones at 201, paused as said: ``queue(web201="", _201="elsewhere")``."""

    def member(phone: str) -> Event:
        reason = paused.get(phone if phone.startswith("web") else f"_{phone}", "")
        return {
            "Event": "QueueMember",
            "Queue": "desk",
            "Location": f"PJSIP/{phone}",
            "Status": "1",
            "Paused": "1" if reason else "0",
            "PausedReason": reason,
            "Penalty": "0",
        }

    live = LiveQueue()
    live.reconcile([member("web201"), member("201")], [], NOW)
    return live


def found(live: LiveQueue, *places: Place, now: datetime = NOW) -> list[Told | Heard | Pause | Penalty]:
    return list(compare(live, places, ["201"], started=STARTED, now=now))


def test_the_phone_that_is_used_takes_the_calls_and_the_other_one_does_not() -> None:
    web, desk = "PJSIP/web201", "PJSIP/201"
    assert orders_of(place()) == (Pause(web, None), Pause(desk, "elsewhere"))
    assert orders_of(place(PauseReason.BREAK, device=Device.DESK)) == (
        Pause(desk, "break"),
        Pause(web, "elsewhere"),
    )


def test_nothing_is_done_where_both_are_the_same() -> None:
    assert found(queue(_201="elsewhere"), place()) == []
    assert found(queue(web201="break", _201="elsewhere"), place(PauseReason.BREAK)) == []


def test_what_was_said_in_the_page_is_told_also_after_asterisk_was_restarted() -> None:
    for paused in (
        place(PauseReason.MEETING, told=None),
        place(PauseReason.MEETING, start=STARTED - timedelta(seconds=1)),
    ):
        assert found(queue(), paused) == [Told(7, orders_of(paused))]


def test_what_was_said_on_the_phone_is_heard() -> None:
    for word, reason in (
        ("operator", PauseReason.PHONE),
        ("no_answer", PauseReason.NO_ANSWER),
        ("something", PauseReason.OTHER),
    ):
        assert found(queue(web201=word, _201="elsewhere"), place()) == [Heard(7, reason, TOLD)]
    back = found(queue(_201="elsewhere"), place(PauseReason.BREAK))
    assert back == [Heard(7, None, TOLD)]
    # Not before the queue's own view can have followed.
    just_now = place(PauseReason.BREAK, told=NOW - timedelta(seconds=1))
    assert found(queue(_201="elsewhere"), just_now) == []


def test_who_was_moved_and_who_left() -> None:
    moved = place(tier=Tier.COUNTER)
    assert found(queue(_201="elsewhere"), moved) == [Penalty("PJSIP/web201", 1), Penalty("PJSIP/201", 1)]
    # Nobody is at the place any more: its phones are as they were.
    assert found(queue(_201="elsewhere")) == [Pause("PJSIP/201", None)]
    assert found(queue(_201="operator")) == []
