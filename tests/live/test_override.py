"""Opening and closing the desk by hand with *21, what citizens meet right after it, and the lamp."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from call_routing import names
from call_routing.lamp import Lamp
from call_routing.trial.sipp import CallFailed
from desk.db import reading, transaction
from desk.models import Override
from desk.overrides import override_hours
from tests.live.harness import CLOSED, OPEN, PATIENCE, Call, Exchange, System

pytestmark = pytest.mark.live

BACK_OFFICE, COUNTER = "201", "101"
TO_OPEN, TO_CLOSE, TO_HOURS = "1", "2", "3"
REGULAR, AN_HOUR, BY_CLOCK = "1", "2", "3"
#: What a lamp's phone is told.
LIT, WENT_OUT = "<state>confirmed</state>", "<state>terminated</state>"


def _at(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _dial(system: System, extension: str = BACK_OFFICE, pin: str | None = None) -> Call:
    """A phone dials *21 and types the PIN."""
    call = system.call_from_phone(extension, names.OVERRIDE)
    call.answered()
    call.press(f"{system.keyring.override_pins[BACK_OFFICE] if pin is None else pin}#")
    return call


def _overrides(system: System) -> list[Override]:
    with reading(system.database) as session:
        return list(session.scalars(select(Override).order_by(Override.id)))


def _lamp(system: System) -> str:
    found = re.search(rf"'{names.LAMP}'\s+State: '(\w+)'", system.ask("devstate list"))
    return found[1] if found else ""


def test_closed_by_hand_citizens_hear_so_at_once_and_reach_the_phones_again_after_it(system: System) -> None:
    Lamp(system.settings, system.database).keep(_at(OPEN))
    lamp = system.lamp(COUNTER, names.OVERRIDE)
    lamp.wait_for(LIT, PATIENCE)
    phone = system.phone(BACK_OFFICE, answer_after=0)
    call = _dial(system)
    call.hear(system.prompt("override.state.open"))
    call.press(TO_CLOSE + REGULAR)
    call.hear_all([system.prompt("override.done"), system.prompt("override.state.closed")])
    call.over()
    (override,) = _overrides(system)
    assert (override.open, override.set_by) == (False, BACK_OFFICE)
    assert override.until == _at("2026-11-24T12:45+01:00")
    assert _lamp(system) == names.DARK
    lamp.wait_for(WENT_OUT, PATIENCE)

    citizen = system.call(caller="+393335550001")
    tomorrow = _at("2026-11-25T09:00")
    citizen.hear_all(
        [
            system.prompt("welcome.closed"),
            *system.sentence("hours.next", day=tomorrow.date(), at=tomorrow.time()),
            system.prompt("welcome.by_keypad"),
        ]
    )
    # The keypad works; a person does not.
    citizen.press("0")
    citizen.hear(system.prompt("person.closed"))
    citizen.hang_up()
    assert "ringing" not in phone.events

    call = _dial(system)
    call.hear_all([system.prompt("override.state.closed"), system.prompt("override.state.by_hand")])
    call.press(TO_HOURS)
    call.hear_all([system.prompt("override.done"), system.prompt("override.state.open")])
    call.over()
    assert _lamp(system) == names.LIT
    lamp.wait_for(LIT, PATIENCE, times=2)
    citizen = system.call(caller="+393335550002", keys="0")
    phone.answered()
    assert not citizen.sound.has_heard(system.prompt("welcome.closed"))
    citizen.hang_up()
    (override,) = _overrides(system)
    assert override.cleared_by == BACK_OFFICE


def test_opened_by_hand_in_the_evening_until_a_typed_time(system: System) -> None:
    system.kill_agi()
    system.start_agi(at=CLOSED)
    phone = system.phone(BACK_OFFICE, answer_after=0)
    call = _dial(system)
    call.hear(system.prompt("override.state.closed"))
    call.press(TO_OPEN + BY_CLOCK + "2330")
    call.hear_all([system.prompt("override.done"), system.prompt("override.state.open")])
    call.over()
    (override,) = _overrides(system)
    assert (override.open, override.until) == (True, _at("2026-11-23T23:30+01:00"))
    assert _lamp(system) == names.LIT
    citizen = system.call(keys="0")
    phone.answered()
    citizen.hang_up()


def test_three_wrong_pins_lock_the_phone_out(system: System) -> None:
    call = _dial(system, pin="0000")
    for _ in range(2):
        call.hear(system.prompt("override.wrong_pin"))
        call.press("0000#")
    call.hear(system.prompt("override.locked"))
    call.over()
    # The right one comes too late, also in another call.
    call = system.call_from_phone(BACK_OFFICE, names.OVERRIDE)
    call.hear(system.prompt("override.locked"))
    call.over()
    assert _overrides(system) == []
    assert system.keyring.override_pins[BACK_OFFICE] not in system.agi_output


def test_other_phones_and_citizens_cannot(system: System) -> None:
    call = system.call_from_phone(COUNTER, names.OVERRIDE)
    call.hear(system.prompt("override.refused"))
    call.over()
    # The trunk does not lead there, and who pretends to be a phone is asked for its password.
    for caller, status in ((None, 404), (BACK_OFFICE, 401)):
        citizen = system.call(number=names.OVERRIDE, caller=caller)
        with pytest.raises(CallFailed) as refused:
            citizen.answered()
        assert refused.value.status == status
    assert _overrides(system) == []


def test_without_the_agi_server_nothing_changes_and_the_phone_is_let_go(system: System) -> None:
    system.kill_agi()
    call = system.call_from_phone(BACK_OFFICE, names.OVERRIDE)
    call.answered()
    call.over()
    assert _overrides(system) == []


def test_the_lamp_follows_hours_overrides_and_restarts(system: System) -> None:
    lamp = Lamp(system.settings, system.database)
    tuesday = _at("2026-11-24T12:30+01:00")
    lamp.keep(tuesday)
    assert _lamp(system) == names.LIT
    lamp.keep(tuesday + timedelta(minutes=15))
    assert _lamp(system) == names.DARK
    with transaction(system.database) as session:
        override_hours(
            session,
            opened=True,
            until=tuesday + timedelta(minutes=40),
            by=BACK_OFFICE,
            now=tuesday + timedelta(minutes=20),
        )
    lamp.keep(tuesday + timedelta(minutes=21))
    assert _lamp(system) == names.LIT
    # Asterisk is away when the override ends, and somebody changes the lamp besides.
    lamp.keep(tuesday + timedelta(minutes=39))
    Exchange.stop(system)
    lamp.keep(tuesday + timedelta(minutes=40))
    Exchange.start(system)
    assert _lamp(system) == names.LIT
    lamp.keep(tuesday + timedelta(minutes=40, seconds=5))
    assert _lamp(system) == names.DARK
    system.ask(f"devstate change {names.LAMP} {names.LIT}")
    lamp.keep(tuesday + timedelta(minutes=42))
    assert _lamp(system) == names.DARK
