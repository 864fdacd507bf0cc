"""Rooms as one call may ask for them: :class:`ivr.rooms.RoomDesk` on the database and the spool.

What is lent for what is the town's data, known also while the database is out of reach. Nobody can say then
whether a room is free, but the request is filed later.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache, partial

from agi_scripts.call_context import CallContext
from agi_scripts.spoken_names import can_be_said
from desk import rooms
from desk.replay import ROOM
from desk.rooms import RoomOrder, RoomTaken
from desk.settings import ROME
from desk.town import Room
from ivr.ports import Filed, Identity, Spooled
from ivr.rooms import Part, Purpose, RoomWish, Standing, Unsuitable
from prompts.town_names import ROOMS


class RoomsDesk:
    """See :class:`ivr.rooms.RoomDesk`."""

    def __init__(self, call: CallContext, *, consent: Callable[[], str | None]) -> None:
        """``consent`` gives the version of the text by which the caller agreed to receipts in this call."""
        self._call = call
        self._consent = consent
        self._can_be_said = cache(partial(can_be_said, call.house.catalogue, ROOMS))

    def purposes(self) -> Sequence[Purpose]:
        return [purpose for purpose in Purpose if self._lent_for(purpose)]

    def rooms(self, purpose: Purpose, people: int | None) -> Sequence[str]:
        return [room.code for room in self._lent_for(purpose) if room.capacity >= (people or 0)]

    def most_people(self, purpose: Purpose) -> int:
        return max((room.capacity for room in self._lent_for(purpose)), default=0)

    def today(self) -> date:
        return self._call.now().astimezone(ROME).date()

    def unsuitable(self, room: str, purpose: Purpose, day: date) -> Unsuitable | None:
        town = self._call.house.town()
        for lent in self._lent_for(purpose):
            if town is not None and lent.code == room:
                why = rooms.unsuitable(
                    day,
                    today=self.today(),
                    notice_days=lent.notice_days,
                    horizon_days=lent.horizon_days,
                    on_holidays=lent.purposes[purpose.value],
                    closed={closure.day for closure in town.closures},
                )
                return Unsuitable(why.value) if why else None
        # Not lent any more since it was offered: whoever decides about the request will say so.
        return None

    def standing(self, room: str, day: date) -> Mapping[Part, Standing]:
        found = self._call.read(lambda s: rooms.standing(s, room, day), None)
        if found is None:
            return dict.fromkeys(Part, Standing.UNKNOWN)
        return {Part(part.value): Standing(standing.value) for part, standing in found.items()}

    def ask(self, wish: RoomWish, identity: Identity, *, sms: bool) -> Filed | Spooled | None:
        call = self._call
        order = RoomOrder.model_validate(
            {
                **call.ordered_by(identity, sms=sms, consent_text=self._consent()),
                "room": wish.room,
                "purpose": wish.purpose.value,
                "day": wish.day,
                "part": wish.part.value,
                "people": wish.people,
                "idempotency_key": f"{ROOM}-{uuid.uuid4()}",
            }
        )
        try:
            booking = call.file(
                ROOM, order.idempotency_key, order, lambda s: rooms.ask_for_room(s, order, now=call.now())
            )
        except RoomTaken:
            return None
        return Filed(booking.request.reference, booking.request.due_on) if booking else Spooled()

    def _lent_for(self, purpose: Purpose) -> Sequence[Room]:
        town = self._call.house.town()
        return [
            room
            for room in (town.rooms if town else ())
            if purpose.value in room.purposes and self._can_be_said(room.code)
        ]
