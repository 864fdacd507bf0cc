"""Working at a phone's place: sit down, pause, go on, leave. Asterisk is told by ``call_routing``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from desk.models import Device, DutyPeriod, Operator, PauseReason, Phone, PlaceStay, StayEnd, Tier

__all__ = [
    "CHOSEN",
    "Device",
    "Duty",
    "PauseReason",
    "Place",
    "StayEnd",
    "Took",
    "end_silent_stays",
    "leave_place",
    "move_place",
    "note_from_phone",
    "note_seen",
    "note_told",
    "pause_place",
    "places_now",
    "resume_place",
    "stay_of",
    "take_place",
]

#: A page that was not seen for so long gives its place away to whoever asks for it ...
YIELDS = timedelta(minutes=2)
#: ... and in the end leaves it: nobody is at a place overnight.
SILENT = timedelta(minutes=15)
#: A pause without an end of its own is asked about after this long.
LONG_PAUSE = {
    PauseReason.WRAP_UP: timedelta(minutes=5),
    PauseReason.BREAK: timedelta(minutes=20),
    PauseReason.NO_ANSWER: timedelta(seconds=30),
}
LONG = timedelta(minutes=60)
#: The reasons that an operator can choose.
CHOSEN = (
    PauseReason.BREAK,
    PauseReason.PAPERWORK,
    PauseReason.WRAP_UP,
    PauseReason.MEETING,
    PauseReason.TRAINING,
    PauseReason.OTHER,
)
#: What fits into the column.
_NOTE = 80


class Took(Enum):
    """What came of asking for a place."""

    TAKEN = auto()
    #: Somebody else works there.
    OCCUPIED = auto()
    #: There is no such place.
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Duty:
    """Whether calls are taken (``reason`` is ``None``) or why not, since when, and until when."""

    reason: PauseReason | None
    note: str
    since: datetime
    until: datetime | None
    told_at: datetime | None
    told_start: datetime | None = None

    def forgotten(self, now: datetime) -> bool:
        """Whether this pause lasts longer than it was meant to, or than is usual."""
        if self.reason is None:
            return False
        end = self.until or self.since + LONG_PAUSE.get(self.reason, LONG)
        return now >= end


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody at a place now. ``tier`` is the one that counts, ``own_tier`` that of the phone."""

    stay_id: int
    extension: str
    label: str
    tier: Tier
    own_tier: Tier
    device: Device
    operator_id: int
    login: str
    name: str
    began_at: datetime
    seen_at: datetime
    duty: Duty


def take_place(
    session: Session, *, operator_id: int, extension: str, device: Device, by: str, now: datetime
) -> Took:
    """Sit down: calls are taken from now on. Whoever sat elsewhere has left it. ``by`` is the log-in."""
    if session.get(Phone, extension) is None:
        return Took.UNKNOWN
    there = session.scalar(_open().where(PlaceStay.extension == extension).with_for_update())
    if there is not None and there.operator_id != operator_id:
        if now - there.seen_at < YIELDS:
            return Took.OCCUPIED
        _end(session, there, StayEnd.TAKEN_OVER, now)
    mine = session.scalar(_open().where(PlaceStay.operator_id == operator_id).with_for_update())
    if mine is not None:
        if mine.extension == extension and mine.device is device:
            mine.seen_at = now
            return Took.TAKEN
        _end(session, mine, StayEnd.MOVED, now)
    stay = PlaceStay(operator_id=operator_id, extension=extension, device=device, began_at=now, seen_at=now)
    session.add(stay)
    session.flush()
    _begin(session, stay, None, note="", by=by, until=None, now=now)
    return Took.TAKEN


def leave_place(session: Session, operator_id: int, *, now: datetime) -> str | None:
    """Leave; the extension of the place that was left."""
    stay = stay_of(session, operator_id)
    if stay is None:
        return None
    _end(session, stay, StayEnd.LEFT, now)
    return stay.extension


def stay_of(session: Session, operator_id: int) -> PlaceStay | None:
    """Where an operator works now."""
    return session.scalar(_open().where(PlaceStay.operator_id == operator_id))


def pause_place(
    session: Session,
    stay: PlaceStay,
    reason: PauseReason,
    *,
    note: str = "",
    until: datetime | None = None,
    by: str,
    now: datetime,
) -> None:
    """No calls from now on. ``until`` is when the pause is meant to end: it is then asked about."""
    _begin(session, stay, reason, note=note[:_NOTE], by=by, until=until, now=now)


def resume_place(session: Session, stay: PlaceStay, *, by: str, now: datetime) -> None:
    """Calls are taken again."""
    _begin(session, stay, None, note="", by=by, until=None, now=now)


def move_place(stay: PlaceStay, tier: Tier | None) -> None:
    """The place counts as one of ``tier``; ``None``: as its phone's own."""
    stay.tier = tier


def note_from_phone(
    session: Session,
    stay_id: int,
    reason: PauseReason | None,
    *,
    since: datetime,
    start: datetime,
    now: datetime,
) -> None:
    """Asterisk, running since ``start``, says that a phone was paused, or takes calls again: so it is.

    Nothing changes where something else was said after ``since``.
    """
    stay = session.scalar(_open().where(PlaceStay.id == stay_id).with_for_update())
    if stay is None:
        return
    current = _current(session, stay)
    if current is None or current.began_at != since:
        # Somebody has said something else meanwhile.
        return
    _begin(session, stay, reason, note="", by="", until=None, now=now)
    note_told(session, stay_id, start=start, now=now)


def note_told(session: Session, stay_id: int, *, start: datetime, now: datetime) -> None:
    """The queues of the Asterisk that runs since ``start`` are as the place is."""
    stay = session.get(PlaceStay, stay_id)
    current = _current(session, stay) if stay else None
    if current is not None:
        current.told_at, current.told_start = now, start


def note_seen(session: Session, operator_id: int, *, now: datetime) -> None:
    """The operator's page is there."""
    stay = stay_of(session, operator_id)
    if stay is not None:
        stay.seen_at = now


def end_silent_stays(session: Session, *, now: datetime) -> Sequence[str]:
    """End what nobody is at any more; the extensions."""
    silent = session.scalars(_open().where(PlaceStay.seen_at < now - SILENT).with_for_update()).all()
    for stay in silent:
        _end(session, stay, StayEnd.SILENT, now)
    return [stay.extension for stay in silent]


def places_now(session: Session) -> Sequence[Place]:
    """Who works where, by extension."""
    rows = session.execute(
        select(PlaceStay, DutyPeriod, Phone)
        .join(Phone, Phone.extension == PlaceStay.extension)
        .join(DutyPeriod, (DutyPeriod.stay_id == PlaceStay.id) & DutyPeriod.ended_at.is_(None))
        .where(PlaceStay.ended_at.is_(None))
        .options(joinedload(PlaceStay.operator).load_only(Operator.login, Operator.name))
        .order_by(PlaceStay.extension)
    )
    return [
        Place(
            stay.id,
            stay.extension,
            phone.label,
            stay.tier or phone.tier,
            phone.tier,
            stay.device,
            stay.operator_id,
            stay.operator.login,
            stay.operator.name,
            stay.began_at,
            stay.seen_at,
            Duty(duty.reason, duty.note, duty.began_at, duty.until, duty.told_at, duty.told_start),
        )
        for stay, duty, phone in rows
    ]


def _open() -> Select[PlaceStay]:
    return select(PlaceStay).where(PlaceStay.ended_at.is_(None))


def _current(session: Session, stay: PlaceStay) -> DutyPeriod | None:
    return session.scalar(
        select(DutyPeriod).where(DutyPeriod.stay_id == stay.id, DutyPeriod.ended_at.is_(None))
    )


def _begin(
    session: Session,
    stay: PlaceStay,
    reason: PauseReason | None,
    *,
    note: str,
    by: str,
    until: datetime | None,
    now: datetime,
) -> None:
    current = _current(session, stay)
    if current is not None:
        current.ended_at = now
        # The database lets only one be open.
        session.flush()
    session.add(DutyPeriod(stay=stay, reason=reason, note=note, by=by, began_at=now, until=until))
    session.flush()


def _end(session: Session, stay: PlaceStay, end: StayEnd, now: datetime) -> None:
    current = _current(session, stay)
    if current is not None:
        current.ended_at = now
    stay.ended_at, stay.end = now, end
    session.flush()
