"""A phone that rang in vain is paused and its operator told; one that refuses, or is gone, is not."""

from __future__ import annotations

import re
import time

import pytest

from call_routing.names import PAUSE_KEY, SILENT, PauseReason
from desk.desk_now import Member, PhoneState
from tests.live.harness import CLOSED, PATIENCE, System, wait_until

pytestmark = pytest.mark.live

#: What a phone is told whose lamp is lit, or goes out.
LIT, WENT_OUT = "<state>confirmed</state>", "<state>terminated</state>"


def _paused(system: System, extension: str, reason: PauseReason | None) -> None:
    wait_until(
        lambda: system.member(extension) == Member(PhoneState.FREE, reason),
        f"{extension}: paused is {reason}",
    )


def test_silent_is_paused_and_told_and_comes_back_by_one_key(system: System) -> None:
    silent = system.phone("201")
    refusing = system.phone("101", busy=True)
    with system.worker():
        call = system.call(keys="0")
        silent.rings()
        refusing.device.wait_for("refused", PATIENCE)
        call.hang_up()
        _paused(system, "201", PauseReason.NO_ANSWER)
        _paused(system, "101", None)
        # Told, and since nobody answers, told again.
        silent.device.wait_for("ringing", 60, times=3)
        assert system.queue_log.count("PAUSEALL|no_answer") == 1
    assert "|201|PAUSE" in system.queue_log
    assert "|101|PAUSE" not in system.queue_log


@pytest.mark.parametrize(("key", "reason"), [("1", None), ("2", PauseReason.NO_ANSWER)])
def test_the_operator_is_asked(system: System, key: str, reason: PauseReason | None) -> None:
    system.ask("queue pause member PJSIP/201 queue desk reason no_answer")
    operator = system.phone("201", answer_after=0)
    with system.worker():
        operator.answered()
        operator.sound.wait_for(system.prompt("paused.told"), timeout=PATIENCE)
        operator.sound.press(key)
        said = system.prompt("paused.ended" if key == "1" else "paused.stays")
        operator.sound.wait_for(said, timeout=PATIENCE)
        operator.device.wait_for("ended", PATIENCE)
        _paused(system, "201", reason)


def test_nobody_is_rung_after_hours(system: System) -> None:
    system.ask("queue pause member PJSIP/201 queue desk reason no_answer")
    operator = system.phone("201", answer_after=0)
    with system.worker(CLOSED):
        _paused(system, "201", PauseReason.NO_ANSWER)
        system.ask("queue pause member PJSIP/101 queue desk reason operator")
        wait_until(
            lambda: system.member("101") == Member(PhoneState.UNREACHABLE, "operator"),
            "the worker looked again",
        )
    assert operator.events == []


def test_star_22_pauses_and_ends_the_pause_and_the_lamp_shows_it(system: System) -> None:
    system.phone("201")
    # A key of another phone, subscribed to *22201: what counts is what is sent to that phone.
    lamp = system.lamp("101", f"{PAUSE_KEY}201")
    lamp.wait_for(WENT_OUT, PATIENCE)
    with system.worker():
        _paused(system, "201", None)
        for said, reason, shown, times in (
            ("pause.begun", PauseReason.OPERATOR, LIT, 1),
            ("pause.ended", None, WENT_OUT, 2),
        ):
            call = system.call_from_phone("201", PAUSE_KEY)
            call.hear(system.prompt(said))
            call.over()
            _paused(system, "201", reason)
            lamp.wait_for(shown, PATIENCE, times=times)


def test_a_pause_ends_by_itself_when_the_worker_that_made_it_is_gone(system: System, caller: str) -> None:
    """The worker holds its own pauses, never those that an operator wants."""
    silent = system.phone("201")
    system.phone("101", answer_after=0)
    with system.worker() as worker:
        assert system.call_from_phone("101", PAUSE_KEY)
        _paused(system, "101", PauseReason.OPERATOR)
        call = system.call(keys="0")
        silent.rings()
        _paused(system, "201", PauseReason.NO_ANSWER)
        call.hang_up()
        # Told again and again, and held meanwhile for longer than it would hold without the worker.
        silent.device.wait_for("ringing", 60, times=4)
        held = _held(system, "201")
        wait_until(lambda: _held(system, "201") > held, "the worker renews its pause")
        worker.kill()
        worker.wait()
    # Nobody is there, and nobody is left who would end the pause or tell of it.
    call = system.call(caller=caller, keys="0")
    call.hear(system.prompt("person.nobody"))
    call.hang_up()
    silent.device.close()
    back = system.phone("201", answer_after=0)
    wait_until(lambda: time.time() > _held(system, "201") + 1, "the pause has run out")
    system.call(caller="+393335550009", keys="0")
    back.answered()
    assert "PAUSE|no_answer" in system.queue_log
    assert "|201|UNPAUSE|worker_gone" in system.queue_log
    assert "|101|UNPAUSE" not in system.queue_log
    # A worker that comes back goes on from there.
    with system.worker():
        wait_until(lambda: system.member("201") == Member(PhoneState.BUSY), "201 talks, unpaused")
        _paused(system, "101", PauseReason.OPERATOR)


def _held(system: System, extension: str) -> int:
    """The second up to which the worker's pause of that phone holds; 0 if it has none."""
    found = re.search(rf"{SILENT}{extension}=(\d+)", system.ask("dialplan show globals"))
    return int(found[1]) if found else 0
