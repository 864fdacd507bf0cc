"""Rooms by keypad: what for, which room, day and part of day, and the request that is filed for approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Protocol

from ivr.certificate import receipt_by_sms, reference_twice, sms_sent
from ivr.identification import identify
from ivr.paging import choose_in_pages
from ivr.ports import Desk, Filed, Identity, Spooled
from ivr.steps import Dialog, Option, Prompt, ask, choose, prompt, say

#: The key that leads from the parts of a day to another day.
ANOTHER_DAY = "4"
#: Digits of a number of people, and of a day with its year.
PEOPLE, DAY = 3, 8
#: # alone: back to what the room is for.
_BACK_FROM_PEOPLE, _BACK_FROM_DAY = 0, date.min


class Purpose(StrEnum):
    """What a room is asked for."""

    MARRIAGE = "marriage"
    CONFERENCE = "conference"
    OTHER = "other"


class Part(StrEnum):
    """When a room is asked for."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class Standing(StrEnum):
    """Whether a room can be had for a part of a day."""

    FREE = "free"
    #: Somebody has asked, and nobody has decided yet.
    ASKED = "asked"
    TAKEN = "taken"
    #: The database cannot be asked: the office will see.
    UNKNOWN = "unknown"


class Unsuitable(StrEnum):
    """Why a day cannot be asked for."""

    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class RoomWish:
    """What is asked for. ``people`` is ``None`` where it was not asked."""

    purpose: Purpose
    people: int | None
    room: str
    day: date
    part: Part


class RoomDesk(Protocol):
    """The rooms of the town, as one caller may ask for them."""

    def purposes(self) -> Sequence[Purpose]:
        """What there is a room for, in the order it is spoken."""

    def rooms(self, purpose: Purpose, people: int | None) -> Sequence[str]:
        """The codes of the rooms for that which hold so many, in the order they are spoken."""

    def most_people(self, purpose: Purpose) -> int:
        """How many the largest room for that holds."""

    def today(self) -> date:
        """The day it is."""

    def unsuitable(self, room: str, purpose: Purpose, day: date) -> Unsuitable | None:
        """Why the room cannot be asked for on that day."""

    def standing(self, room: str, day: date) -> Mapping[Part, Standing]:
        """How each part of the day stands."""

    def ask(self, wish: RoomWish, identity: Identity, *, sms: bool) -> Filed | Spooled | None:
        """File the request. ``None`` if the room has been given to somebody else meanwhile."""


def rooms(desk: Desk) -> Dialog[None]:
    """The whole request."""
    wish: RoomWish | None = None
    identity: Identity | None = None
    filed: Filed | Spooled | None = None
    sms = False
    while filed is None:
        if wish is None:
            wish = yield from _what(desk.rooms)
        if identity is None:
            identity = yield from identify(desk)
            sms = yield from receipt_by_sms(desk)
        if not (yield from _confirm(wish)):
            wish = None
            continue
        filed = desk.rooms.ask(wish, identity, sms=sms)
        if filed is None:
            yield from say("rooms.gone", prompt("rooms.gone"), must_hear=True)
            wish = yield from _when(desk.rooms, wish)
    yield from _told(filed, sms=sms)


def _what(town: RoomDesk) -> Dialog[RoomWish]:
    wish: RoomWish | None = None
    while wish is None:
        purpose = yield from choose(
            "rooms",
            prompt("rooms.intro"),
            options=[
                Option(str(key), purpose, prompt(f"rooms.purpose.{purpose}"))
                for key, purpose in enumerate(town.purposes(), 1)
            ],
        )
        fitting = yield from _fitting(town, purpose)
        if fitting is None:
            continue
        people, codes = fitting
        room = yield from _room(codes)
        wish = yield from _when(town, RoomWish(purpose, people, room, date.min, Part.MORNING))
    return wish


def _fitting(town: RoomDesk, purpose: Purpose) -> Dialog[tuple[int | None, Sequence[str]] | None]:
    """For how many people, and the rooms that hold them; ``None`` if the caller goes back."""
    if purpose is Purpose.MARRIAGE:
        # Who marries does not choose a room by its size.
        return None, town.rooms(purpose, None)
    while True:
        people = yield from ask(
            "rooms.people",
            prompt("rooms.people"),
            parse=parse_people,
            longest=PEOPLE,
            skip=Option("#", _BACK_FROM_PEOPLE),
        )
        if people == _BACK_FROM_PEOPLE:
            return None
        codes = town.rooms(purpose, people)
        if codes:
            return people, codes
        yield from say("rooms.too_many", prompt("rooms.too_many", people=town.most_people(purpose)))


def _room(codes: Sequence[str]) -> Dialog[str]:
    if len(codes) == 1:
        return codes[0]
    return (
        yield from choose_in_pages(
            "rooms.room",
            codes,
            said=lambda room: prompt(f"rooms.name.{room}"),
            others=prompt("rooms.others"),
        )
    )


def _when(town: RoomDesk, wish: RoomWish) -> Dialog[RoomWish | None]:
    """``wish`` with a day and a part of it; ``None`` if the caller goes back."""
    while True:
        day = yield from ask(
            "rooms.day",
            prompt("rooms.day"),
            parse=partial(parse_day, today=town.today()),
            longest=DAY,
            skip=Option("#", _BACK_FROM_DAY),
        )
        if day == _BACK_FROM_DAY:
            return None
        why = town.unsuitable(wish.room, wish.purpose, day)
        if why is not None:
            yield from say("rooms.unsuitable", prompt(f"rooms.unsuitable.{why}"))
            continue
        part = yield from _part(day, town.standing(wish.room, day))
        if part is not None:
            return replace(wish, day=day, part=part)


def _part(day: date, standing: Mapping[Part, Standing]) -> Dialog[Part | None]:
    """The part of the day; ``None`` for another day. What is taken is said, and has no key."""
    options: list[Option[Part | None]] = [
        Option(str(key), part, prompt(f"rooms.part.{part}.{standing[part]}"))
        for key, part in enumerate(Part, 1)
        if standing[part] is not Standing.TAKEN
    ]
    options.append(Option(ANOTHER_DAY, None, prompt("rooms.another_day")))
    return (
        yield from choose("rooms.part", prompt("rooms.on_day", day=day), *_taken(standing), options=options)
    )


def _taken(standing: Mapping[Part, Standing]) -> Iterator[Prompt]:
    for part in Part:
        if standing[part] is Standing.TAKEN:
            yield prompt(f"rooms.part.{part}.taken")


def _confirm(wish: RoomWish) -> Dialog[bool]:
    people = () if wish.people is None else (prompt("rooms.read_back.people", people=wish.people),)
    return (
        yield from choose(
            "rooms.confirm",
            prompt("rooms.confirm.intro"),
            prompt(f"rooms.name.{wish.room}"),
            prompt(f"rooms.read_back.{wish.purpose}"),
            *people,
            prompt("rooms.read_back.day", day=wish.day),
            prompt(f"rooms.read_back.{wish.part}"),
            options=(
                Option("1", value=True, said=prompt("rooms.confirm.yes")),
                Option("2", value=False, said=prompt("rooms.confirm.no")),
            ),
        )
    )


def _told(filed: Filed | Spooled, *, sms: bool) -> Dialog[None]:
    if isinstance(filed, Spooled):
        yield from say("rooms.spooled", prompt("certificate.spooled"), must_hear=True)
        return
    yield from say(
        "rooms.filed",
        prompt("rooms.filed"),
        *reference_twice(filed.reference),
        prompt("rooms.answer", day=filed.due_on),
        *sms_sent(sms),
        must_hear=True,
    )


def parse_people(digits: str) -> int | None:
    """A number of people, at least one."""
    return int(digits) or None if digits else None


def parse_day(digits: str, today: date) -> date | None:
    """``ddmm``, the next such day from ``today`` on, or ``ddmmyyyy``; ``None`` if there is no such day."""
    if len(digits) == DAY:
        return _date(int(digits[4:]), digits)
    if len(digits) != DAY // 2:
        return None
    # A 29 February is eight years away at the most.
    for year in range(today.year, today.year + 9):
        day = _date(year, digits)
        if day is not None and day >= today:
            return day
    return None


def _date(year: int, digits: str) -> date | None:
    try:
        return date(year, int(digits[2:4]), int(digits[:2]))
    except ValueError:
        return None
