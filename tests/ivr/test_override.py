"""Opening and closing by hand, as somebody of the desk hears it."""

from __future__ import annotations

from datetime import time

import pytest

from ivr.conversation import Happening
from ivr.override import override, parse_clock, parse_pin
from tests.ivr.decided_override import DecidedOverride, at
from tests.ivr.doubles import SILENCE, converse

PIN = "123456#"


@pytest.mark.parametrize(
    ("keys", "done"),
    [
        ("11", (True, at(12, 45))),
        ("21", (False, at(12, 45))),
        ("12", (True, at(11, 1))),
        ("231230", (False, at(12, 30))),
    ],
)
def test_one_key_opens_or_closes_and_one_says_until_when(keys: str, done: tuple[bool, object]) -> None:
    desk = DecidedOverride()
    _, line, _ = converse(override(desk), PIN + keys)
    assert desk.done == [done]
    assert "override.done" in line.heard


def test_back_to_the_hours() -> None:
    desk = DecidedOverride()
    _, line, _ = converse(override(desk), PIN + "3")
    assert desk.undone == 1
    assert line.heard[-3:] == ["override.done", "override.state.open", "override.state.until"]


def test_whoever_may_not_or_gives_up_or_presses_zero_changes_nothing() -> None:
    refused = DecidedOverride(
        lambda question, answers: answers[-1] if question == "may override" else answers[0]
    )
    _, line, _ = converse(override(refused), ())
    assert line.heard == ["override.refused"]
    for keys in ((SILENCE, SILENCE), (*PIN, "0"), (*PIN, "1", "0")):
        desk = DecidedOverride()
        _, line, _ = converse(override(desk), keys)
        assert line.heard[-1] == "override.nothing"
        assert desk.done == []


def test_a_wrong_pin_is_asked_again_and_stands_in_no_log() -> None:
    answers = iter([False, True])
    desk = DecidedOverride(lambda question, given: next(answers) if question == "pin" else given[0])
    _, line, notes = converse(override(desk), ("9999#" + PIN + "3"))
    assert "override.wrong_pin" in line.heard
    assert not any("9999" in detail or "123456" in detail for _, _, detail in notes.entries)
    assert [detail for _, _, detail in notes.of(Happening.ANSWERED)][:2] == ["4 keys", "6 keys"]


def test_what_cannot_be_kept_is_said() -> None:
    desk = DecidedOverride(lambda question, answers: answers[-1] if question == "kept" else answers[0])
    _, line, _ = converse(override(desk), PIN + "11")
    assert line.heard[-1] == "override.not_kept"


def test_what_is_typed() -> None:
    assert parse_clock("0930") == time(9, 30)
    assert [parse_clock(typed) for typed in ("", "930", "2400", "1260")] == [None] * 4
    assert parse_pin("1234") == "1234"
    assert [parse_pin(typed) for typed in ("", "123", "123456789")] == [None] * 3
