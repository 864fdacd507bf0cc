"""Opening and closing the desk from a phone, on the demo town, on a Monday at ten o'clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.override_desk import PhoneOverrideDesk, next_at_clock, phone_of
from desk import db
from desk.keyring import open_keyring
from desk.overrides import LOCK_OUT, WRONG_PINS
from desk.settings import ROME
from tests.agi_scripts.conftest import NOW, DeskFor


class Lights:
    def __init__(self) -> None:
        self.seen: list[bool] = []

    def __call__(self, is_open: bool) -> None:
        self.seen.append(is_open)


@pytest.fixture
def light() -> Lights:
    return Lights()


@pytest.fixture
def pin(house: House) -> str:
    keyring = open_keyring(house.settings.home, extensions=(), logins=(), overriding=["201"])
    return keyring.override_pins["201"]


def rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


def test_calls_follow_at_once(house: House, light: Lights, desk_for: DeskFor) -> None:
    citizen: CallDesk = desk_for(None)
    desk = PhoneOverrideDesk(house, "201", light)
    assert citizen.hours().open_now
    until = desk.regular_end(opened=False)
    assert until == rome("2026-11-23T12:45")
    assert desk.override(opened=False, until=until)
    state = desk.state()
    assert (state.open, state.by_hand, state.until) == (False, True, rome("2026-11-23T16:00"))
    told = citizen.hours()
    assert not told.open_now
    assert told.next_time == time(16)
    # What was opened this morning, and what opens this afternoon.
    assert [(span.opens.hour, span.closes.hour) for span in told.week[0].spans] == [(9, 10), (16, 19)]
    assert desk.back_to_hours()
    assert citizen.hours().open_now
    assert light.seen == [False, True]


def test_another_phone_may_not(house: House, light: Lights) -> None:
    assert PhoneOverrideDesk(house, "201", light).may_override()
    assert not PhoneOverrideDesk(house, "101", light).may_override()
    assert not PhoneOverrideDesk(house, None, light).may_override()


def test_wrong_pins_lock_out_this_phone_for_a_while(house: House, light: Lights, pin: str) -> None:
    desk = PhoneOverrideDesk(house, "201", light)
    assert desk.is_pin(pin)
    for _ in range(WRONG_PINS):
        assert not desk.is_locked_out()
        assert not desk.is_pin("0000")
    assert desk.is_locked_out()
    # In the next call, too, but not on another phone, and not for ever.
    assert PhoneOverrideDesk(house, "201", light).is_locked_out()
    assert not PhoneOverrideDesk(house, "101", light).is_locked_out()
    house.clock = lambda: NOW + LOCK_OUT
    assert not PhoneOverrideDesk(house, "201", light).is_locked_out()


def test_without_a_keyring_no_pin_is_right(house: House, light: Lights) -> None:
    desk = PhoneOverrideDesk(house, "201", light)
    assert not desk.is_pin("")
    (house.settings.home / "keyring.toml").touch(0o644)
    assert not desk.is_pin("0000")


def test_without_a_database_nothing_is_promised(house: House, light: Lights, tmp_path: Path) -> None:
    desk = PhoneOverrideDesk(house, "201", light)
    assert desk.may_override()
    engine = db.connect(f"sqlite:///{tmp_path / 'nowhere' / 'none.sqlite'}")
    house.sessions = db.sessions(engine)
    assert not desk.is_locked_out()
    assert not desk.override(opened=False, until=NOW + timedelta(hours=1))
    assert not desk.back_to_hours()
    assert light.seen == []
    # Guessing ends all the same.
    assert not any(desk.is_pin("0000") for _ in range(WRONG_PINS))
    assert desk.is_locked_out()


def test_an_end_that_passed_while_it_was_told_is_none(house: House, light: Lights) -> None:
    desk = PhoneOverrideDesk(house, "201", light)
    assert desk.override(opened=False, until=NOW)
    assert desk.state().until == (NOW + timedelta(minutes=1)).astimezone(ROME)


def test_an_hour_is_told_in_minutes(house: House, light: Lights) -> None:
    house.clock = lambda: NOW.replace(minute=7, second=31)
    assert PhoneOverrideDesk(house, "201", light).in_an_hour() == rome("2026-11-23T11:08")


@pytest.mark.parametrize(
    ("now", "clock", "then"),
    [
        ("2026-11-23T09:00+00:00", time(13, 30), "2026-11-23T12:30+00:00"),
        ("2026-11-23T09:00+00:00", time(10, 0), "2026-11-24T09:00+00:00"),
        ("2026-11-23T22:30+00:00", time(0, 0), "2026-11-23T23:00+00:00"),
        # Skipped in March: the clocks show half past three then.
        ("2026-03-29T00:00+00:00", time(2, 30), "2026-03-29T01:30+00:00"),
        # Shown twice in October: the next time.
        ("2026-10-25T00:00+00:00", time(2, 30), "2026-10-25T00:30+00:00"),
        ("2026-10-25T00:45+00:00", time(2, 30), "2026-10-25T01:30+00:00"),
    ],
)
def test_a_typed_time_is_the_next_one_that_the_clocks_show(now: str, clock: time, then: str) -> None:
    found = next_at_clock(datetime.fromisoformat(now), clock)
    assert found.astimezone(UTC) == datetime.fromisoformat(then)
    assert found.tzinfo is ROME


@pytest.mark.parametrize(
    ("channel", "extension"),
    [
        ("PJSIP/201-0000001f", "201"),
        ("PJSIP/trunk-00000001", "trunk"),
        ("Local/201@phones-00000001;2", None),
        ("", None),
    ],
)
def test_the_phone_is_known_by_its_channel(channel: str, extension: str | None) -> None:
    assert phone_of(channel) == extension
