"""Rooms: which days can be asked for, what is still free, asking for a room, and deciding about it.

Asking reserves nothing: many may ask, the office approves one of them. That it is one only is the database's
doing (the unique index of :class:`desk.models.RoomBooking`).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.calendar import is_holiday
from desk.models import (
    PartOfDay,
    RequestState,
    Room,
    RoomBooking,
    RoomDecision,
    RoomDetails,
    RoomUse,
)
from desk.receipts import CitizenOrder, send_receipt, tell
from desk.requests import change_state, conclude, file_order, request_by_key

#: Working days within which the office decides.
WORKING_DAYS = 5


class Standing(StrEnum):
    """Whether a room can be had for a part of a day."""

    FREE = "free"
    #: Somebody has asked, and nobody has decided yet.
    ASKED = "asked"
    TAKEN = "taken"


class Unsuitable(StrEnum):
    """Why a day cannot be asked for."""

    PAST = "past"
    TOO_SOON = "too_soon"
    TOO_FAR = "too_far"
    HOLIDAY = "holiday"


class UnknownRoom(ValueError):
    """There is no such room."""


class RoomTaken(Exception):
    """The room has been given to somebody else for that part of the day."""


class Decided(Exception):
    """The request for a room was approved or refused before."""


class RoomOrder(CitizenOrder):
    """A confirmed request for a room."""

    room: str
    purpose: RoomUse
    day: date
    part: PartOfDay
    people: int | None = Field(default=None, gt=0)


def unsuitable(
    day: date, *, today: date, notice_days: int, horizon_days: int, on_holidays: bool, closed: Set[date]
) -> Unsuitable | None:
    """Why a room that is lent under these rules cannot be asked for on ``day``.

    ``closed`` are the days on which the desk is closed; they count as holidays.
    """
    if day < today:
        return Unsuitable.PAST
    if day < today + timedelta(days=notice_days):
        return Unsuitable.TOO_SOON
    if day > today + timedelta(days=horizon_days):
        return Unsuitable.TOO_FAR
    if (is_holiday(day) or day in closed) and not on_holidays:
        return Unsuitable.HOLIDAY
    return None


def standing(session: Session, room: str, day: date) -> Mapping[PartOfDay, Standing]:
    """How each part of the day stands."""
    found = session.execute(
        select(RoomBooking.part, RoomBooking.decision).where(
            RoomBooking.room_code == room, RoomBooking.day == day
        )
    ).all()
    parts = dict.fromkeys(PartOfDay, Standing.FREE)
    for part, decision in found:
        if decision is RoomDecision.APPROVED:
            parts[part] = Standing.TAKEN
        elif decision is RoomDecision.REQUESTED and parts[part] is Standing.FREE:
            parts[part] = Standing.ASKED
    return parts


def ask_for_room(
    session: Session, order: RoomOrder, *, now: datetime, even_if_taken: bool = False
) -> RoomBooking:
    """File the request for approval and write its receipt, in the caller's transaction.

    The same ``idempotency_key`` gives the same request. ``even_if_taken`` is for what a caller has confirmed
    before: the office has to tell him then.

    Raises:
        RoomTaken: see there.
        UnknownRoom: see there.
    """
    known = request_by_key(session, order.idempotency_key)
    if known is None:
        if session.get(Room, order.room) is None:
            raise UnknownRoom(order.room)
        if not even_if_taken and standing(session, order.room, order.day)[order.part] is Standing.TAKEN:
            raise RoomTaken
    request, new = file_order(
        session,
        order,
        RoomDetails(
            room=order.room,
            purpose=order.purpose,
            day=order.day,
            part=order.part,
            people=order.people,
            identified_by=order.identified_by,
            identity_recording=order.identity_recording,
        ),
        working_days=WORKING_DAYS,
        citizen_id=order.citizen_id,
        now=now,
    )
    if not new:
        return session.scalars(select(RoomBooking).where(RoomBooking.request_id == request.id)).one()
    booking = RoomBooking(
        room_code=order.room,
        day=order.day,
        part=order.part,
        decision=RoomDecision.REQUESTED,
        request=request,
    )
    session.add(booking)
    session.flush()
    values = {**_values(booking), "due": _written(request.due_on)}
    send_receipt(session, order, request, "room_asked", values, now=now)
    return booking


def approve(session: Session, booking_id: int, *, by: str, now: datetime) -> RoomBooking:
    """Give the room to who asked, close the request and write the SMS.

    Raises:
        RoomTaken: somebody else has it. The request stays as it was.
        Decided: see there.
    """
    booking = _undecided(session, booking_id)
    try:
        with session.begin_nested():
            booking.decision, booking.decided_at, booking.decided_by = RoomDecision.APPROVED, now, by
    except IntegrityError as e:
        raise RoomTaken from e
    conclude(session, booking.request, by=by, now=now)
    tell(session, booking.request, "room_approved", _values(booking), now=now)
    return booking


def refuse(
    session: Session, booking_id: int, *, by: str, now: datetime, reason: str | None = None
) -> RoomBooking:
    """Refuse the room, reject the request and write the SMS. Raises :class:`Decided`.

    ``reason`` is kept with the request; messages do not say it: others read a family's telephone too.
    """
    booking = _undecided(session, booking_id)
    booking.reason = reason
    booking.decision, booking.decided_at, booking.decided_by = RoomDecision.REFUSED, now, by
    change_state(session, booking.request, RequestState.REJECTED, by=by, now=now)
    tell(session, booking.request, "room_refused", _values(booking), now=now)
    return booking


def _undecided(session: Session, booking_id: int) -> RoomBooking:
    booking = session.get_one(RoomBooking, booking_id, with_for_update=True, populate_existing=True)
    if booking.decision is not RoomDecision.REQUESTED:
        raise Decided
    return booking


def _values(booking: RoomBooking) -> dict[str, str]:
    """What the messages say; for what the room is wanted stays out: others read a family's telephone too."""
    return {"ref": booking.request.reference, "day": _written(booking.day)}


def _written(day: date) -> str:
    return f"{day:%d/%m/%Y}"
