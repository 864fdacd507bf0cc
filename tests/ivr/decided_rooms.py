"""The town's rooms whose standing a test decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast

from ivr.ports import Filed, Identity, Spooled
from ivr.rooms import Part, Purpose, RoomWish, Standing, Unsuitable
from tests.ivr.deciding import Decided, Pick, first

REFERENCE = "12345674"
#: The purpose and the first of the rooms for it with which anything can happen.
TROUBLED = Purpose.CONFERENCE
HALLS = ("conference_hall", "civic_hall")
DUE = date(2026, 11, 30)


class DecidedRooms(Decided):
    """:class:`ivr.rooms.RoomDesk`, decided.

    Most rooms differ in their texts only, so they get the friendliest answers: that is enough to hear them,
    and keeps the crawl short.
    """

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.asked: list[tuple[RoomWish, Identity, bool]] = []

    def purposes(self) -> Sequence[Purpose]:
        return self.one("purposes", tuple(Purpose), ())

    def rooms(self, purpose: Purpose, people: int | None) -> Sequence[str]:
        if purpose is not TROUBLED:
            return ("wedding_hall",) if purpose is Purpose.MARRIAGE else (HALLS[1],)
        # Five rooms take a second page.
        return self.one("rooms", HALLS, (*HALLS, *HALLS, HALLS[0]), ())

    def most_people(self, purpose: Purpose) -> int:
        return 120

    def today(self) -> date:
        return date(2026, 11, 24)

    def unsuitable(self, room: str, purpose: Purpose, day: date) -> Unsuitable | None:
        answers: tuple[Unsuitable | None, ...] = (None, *Unsuitable)
        return self.one("unsuitable", *answers) if purpose is TROUBLED else None

    def standing(self, room: str, day: date) -> Mapping[Part, Standing]:
        all_alike = [dict.fromkeys(Part, standing) for standing in Standing]
        if room == HALLS[0]:
            return self.one("standing", *all_alike)
        return {**dict.fromkeys(Part, Standing.TAKEN), Part.MORNING: Standing.FREE}

    def ask(self, wish: RoomWish, identity: Identity, *, sms: bool) -> Filed | Spooled | None:
        answers = (Filed(REFERENCE, DUE), Spooled(), None)
        answer = self.one("ask for room", *cast(tuple[Filed | Spooled | None, ...], answers))
        if answer is not None:
            self.asked.append((wish, identity, sms))
        return answer
