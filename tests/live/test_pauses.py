"""A phone that rang in vain is paused and its operator told; one that refuses, or is gone, is not."""

from __future__ import annotations

import pytest

from call_routing.names import PAUSE_KEY, PauseReason
from desk.desk_now import Member, PhoneState
from tests.live.harness import CLOSED, PATIENCE, System, wait_until

pytestmark = pytest.mark.live


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


def test_star_22_pauses_and_ends_the_pause(system: System) -> None:
    system.phone("201")
    with system.worker():
        _paused(system, "201", None)
        for said, reason, lamp in (
            ("pause.begun", PauseReason.OPERATOR, "InUse"),
            ("pause.ended", None, "Idle"),
        ):
            call = system.call_from_phone("201", PAUSE_KEY)
            call.hear(system.prompt(said))
            call.over()
            _paused(system, "201", reason)
            assert lamp in system.ask(f"core show hint {PAUSE_KEY}201")
