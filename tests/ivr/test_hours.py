"""How hours are told: of the days that come, and what is special about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from ivr.hours import opening_hours, today
from ivr.ports import Hours
from ivr.switchboard import switchboard
from tests.ivr.doubles import AT_NOON, CLOSED, HANG_UP, LISTEN, OPEN, DecidedDesk, converse


class HoursDesk(DecidedDesk):
    """A desk with these hours."""

    def __init__(self, hours: Hours) -> None:
        super().__init__()
        self._hours = hours

    def hours(self) -> Hours:
        return self._hours


def heard(hours: Hours) -> list[str]:
    _, line, _ = converse(opening_hours(HoursDesk(hours)), ())
    return line.heard


def test_today_and_the_days_that_come_with_a_day_that_is_closed_for_once() -> None:
    assert heard(OPEN) == [
        *("hours.today", "hours.span", "hours.and", "hours.span"),
        "hours.week",
        *("hours.tuesday", "hours.span"),
        *("hours.wednesday", "hours.span"),
        *("hours.thursday", "hours.span"),
        # Friday is open as a rule; Saturday and Sunday are not news.
        *("hours.friday", "hours.closed_day"),
    ]


def test_while_closed_the_next_opening_is_said_also_when_it_is_today() -> None:
    assert [prompt.key for prompt in today(CLOSED)] == ["hours.closed_today", "hours.next"]
    (*_, following) = today(AT_NOON)
    assert (following.key, dict(following.values)) == ("hours.next_today", {"at": time(16)})
    never = replace(CLOSED, next_day=None, next_time=None)
    assert [prompt.key for prompt in today(never)] == ["hours.closed_today"]


def test_nothing_is_said_of_hours_that_are_not_known() -> None:
    assert heard(Hours(open_now=True, week=(), next_day=None, next_time=None)) == []


def test_the_closed_welcome_tells_the_opening_and_what_keys_can_do_and_never_that_it_is_busy() -> None:
    _, line, _ = converse(switchboard(HoursDesk(CLOSED)), (LISTEN, LISTEN, HANG_UP))
    assert line.heard[2:5] == ["welcome.closed", "hours.next", "welcome.by_keypad"]
