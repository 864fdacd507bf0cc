"""Opening and closing by hand, whose outcome a test decides."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from ivr.override import DeskState
from tests.ivr.deciding import Decided, Pick, first

ROME = ZoneInfo("Europe/Rome")


def at(hour: int, minute: int = 0) -> datetime:
    """A time on Tuesday 24 November 2026."""
    return datetime(2026, 11, 24, hour, minute, tzinfo=ROME)


class DecidedOverride(Decided):
    """:class:`ivr.override.OverrideDesk`, decided."""

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.done: list[tuple[bool, datetime]] = []
        self.undone = 0

    def may_override(self) -> bool:
        return self.one("may override", True, False)

    def is_locked_out(self) -> bool:
        return self.one("locked out", False, True)

    def is_pin(self, typed: str) -> bool:
        return self.one("pin", True, False)

    def state(self) -> DeskState:
        return self.one(
            "state",
            DeskState(open=True, by_hand=False, until=at(12, 45)),
            DeskState(open=False, by_hand=True, until=at(16)),
            DeskState(open=False, by_hand=False, until=None),
        )

    def regular_end(self, *, opened: bool) -> datetime:
        return at(12, 45)

    def in_an_hour(self) -> datetime:
        return at(11, 1)

    def at_clock(self, clock: time) -> datetime:
        return at(clock.hour, clock.minute)

    def override(self, *, opened: bool, until: datetime) -> bool:
        self.done.append((opened, until))
        return self.one("kept", True, False)

    def back_to_hours(self) -> bool:
        self.undone += 1
        return self.one("kept", True, False)
