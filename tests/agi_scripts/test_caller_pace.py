"""A number's pace is kept beside its language."""

from __future__ import annotations

from collections.abc import Callable

from agi_scripts.call_desk import CallDesk


def test_slow_is_remembered_for_the_number(desk_for: Callable[[str | None], CallDesk]) -> None:
    caller, other = "+393331112203", "+393331112204"
    desk = desk_for(caller)
    assert not desk.pace.is_slow()
    desk.pace.remember_slow()
    assert desk_for(caller).pace.is_slow()
    assert not desk_for(other).pace.is_slow()
    desk.remember_language("en")
    assert desk_for(caller).pace.is_slow()
    assert desk_for(caller).language() == "en"
    desk.pace.remember_slow()
    assert desk_for(caller).language() == "en"


def test_a_withheld_number_is_nobodys(desk_for: Callable[[str | None], CallDesk]) -> None:
    desk = desk_for(None)
    desk.pace.remember_slow()
    assert not desk_for(None).pace.is_slow()
