"""The desk's phones, the offices' own numbers and the rules of the queue, as administrators set them.

Some of it is in Asterisk's configuration: the worker writes that anew and has Asterisk read it
(:mod:`call_routing.exchanging`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import DirectLine, DirectLinePhone, Phone, RoutingRules, Tier
from desk.town_changes import note_change, values_of


class Taken(ValueError):
    """There is a phone with that extension, or a line with that number, already."""


class InUse(ValueError):
    """A direct line rings the phone, or it is the last one of the desk."""


class UnknownPhone(ValueError):
    """There is no phone with that extension."""


@dataclass(frozen=True, slots=True)
class PhoneOrder:
    """A phone as it is wanted; see :class:`~desk.models.Phone`."""

    tier: Tier
    label: str
    ring_seconds: int
    may_override: bool


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """The rules of the queue as they are wanted; see :class:`~desk.models.RoutingRules`."""

    wrap_up_seconds: int
    announce_seconds: int
    call_back_after_seconds: int
    longest_wait_seconds: int
    same_operator_days: int
    survey: bool
    record_calls: bool
    recordings_days: int
    short_abandon_seconds: int


def phones(session: Session) -> Sequence[Phone]:
    """All phones, by tier and extension."""
    order = {Tier.BACK_OFFICE: 0, Tier.COUNTER: 1, Tier.OFFICE: 2}
    return sorted(session.scalars(select(Phone)), key=lambda phone: (order[phone.tier], phone.extension))


def add_phone(session: Session, extension: str, order: PhoneOrder, *, by: str, now: datetime) -> Phone:
    """One more phone. Raises :class:`Taken`."""
    if session.get(Phone, extension) is not None:
        raise Taken(extension)
    phone = Phone(extension=extension, **asdict(order))
    session.add(phone)
    session.flush()
    note_change(session, by=by, what="phones", which=extension, before=None, after=values_of(phone), now=now)
    return phone


def change_phone(session: Session, extension: str, order: PhoneOrder, *, by: str, now: datetime) -> Phone:
    """Another tier, label or time to ring. Raises :class:`UnknownPhone`, :class:`InUse`."""
    phone = session.get(Phone, extension, with_for_update=True)
    if phone is None:
        raise UnknownPhone(extension)
    before = values_of(phone)
    for name, value in asdict(order).items():
        setattr(phone, name, value)
    session.flush()
    _desk_is_reached(session)
    note_change(
        session, by=by, what="phones", which=extension, before=before, after=values_of(phone), now=now
    )
    return phone


def remove_phone(session: Session, extension: str, *, by: str, now: datetime) -> None:
    """One phone less. Raises :class:`UnknownPhone`, :class:`InUse`."""
    phone = session.get(Phone, extension, with_for_update=True)
    if phone is None:
        raise UnknownPhone(extension)
    if session.scalar(select(DirectLinePhone).where(DirectLinePhone.extension == extension)) is not None:
        raise InUse(extension)
    before = values_of(phone)
    session.delete(phone)
    session.flush()
    _desk_is_reached(session)
    note_change(session, by=by, what="phones", which=extension, before=before, after=None, now=now)


def routing_rules(session: Session) -> RoutingRules:
    """The rules of the queue; those of a town that has set none are the usual ones."""
    rules = session.get(RoutingRules, 1)
    if rules is None:
        rules = RoutingRules(id=1)
        session.add(rules)
        session.flush()
    return rules


def change_routing_rules(session: Session, order: QueueOrder, *, by: str, now: datetime) -> bool:
    """Let other rules count; whether they are others."""
    rules = routing_rules(session)
    before = values_of(rules)
    for name, value in asdict(order).items():
        setattr(rules, name, value)
    session.flush()
    return note_change(
        session, by=by, what="routing_rules", which=1, before=before, after=values_of(rules), now=now
    )


def set_direct_line(
    session: Session,
    e164: str,
    *,
    office: str,
    extensions: Sequence[str],
    fallback: bool,
    by: str,
    now: datetime,
) -> DirectLine:
    """Let the number ring these phones in order; a line that is there is changed.

    Raises :class:`UnknownPhone` for an extension that no phone has.
    """
    for extension in extensions:
        if session.get(Phone, extension) is None:
            raise UnknownPhone(extension)
    line = session.scalar(select(DirectLine).where(DirectLine.e164 == e164))
    before = _line_values(line)
    if line is None:
        line = DirectLine(e164=e164, office=office, fallback=fallback, phones=[])
        session.add(line)
    line.office, line.fallback = office, fallback
    line.phones.clear()
    session.flush()
    line.phones.extend(
        DirectLinePhone(position=position, extension=extension)
        for position, extension in enumerate(extensions, 1)
    )
    session.flush()
    note_change(
        session, by=by, what="direct_lines", which=e164, before=before, after=_line_values(line), now=now
    )
    return line


def remove_direct_line(session: Session, e164: str, *, by: str, now: datetime) -> bool:
    """Let the number lead to the desk like any other; whether there was such a line."""
    line = session.scalar(select(DirectLine).where(DirectLine.e164 == e164))
    if line is None:
        return False
    before = _line_values(line)
    session.delete(line)
    session.flush()
    note_change(session, by=by, what="direct_lines", which=e164, before=before, after=None, now=now)
    return True


def _desk_is_reached(session: Session) -> None:
    """A desk without any phone would answer nobody."""
    if session.scalar(select(Phone.extension).where(Phone.tier != Tier.OFFICE).limit(1)) is None:
        raise InUse


def _line_values(line: DirectLine | None) -> dict[str, object] | None:
    if line is None:
        return None
    return {
        "office": line.office,
        "phones": [phone.extension for phone in line.phones],
        "fallback": line.fallback,
    }
