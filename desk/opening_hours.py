"""When the desk is open, as managers set it: the week, single days, and the desk opened or closed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from desk.agenda_rules import stranding_nobody
from desk.models import AppointmentService, Closure, OpeningHours, Override, SpecialHours
from desk.overrides import override_hours, return_to_hours
from desk.town_changes import note_change

#: From an opening to a closing time of one day, wall clock Europe/Rome.
Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day with hours of its own; without spans the desk is closed."""

    day: date
    spans: Sequence[Span]
    reason_it: str
    reason_en: str


def week(session: Session) -> Mapping[int, Sequence[Span]]:
    """The spans of each weekday (0 is Monday), in order."""
    found: dict[int, list[Span]] = {weekday: [] for weekday in range(7)}
    for row in session.scalars(select(OpeningHours).order_by(OpeningHours.weekday, OpeningHours.opens)):
        found[row.weekday].append((row.opens, row.closes))
    return found


def set_week(session: Session, spans: Mapping[int, Sequence[Span]], *, by: str, now: datetime) -> bool:
    """Let these be the hours of the week; whether they are others than before."""
    before = week(session)
    changed = note_change(
        session,
        by=by,
        what="opening_hours",
        which="week",
        before={str(weekday): list(before[weekday]) for weekday in before},
        after={str(weekday): list(spans.get(weekday, ())) for weekday in range(7)},
        now=now,
    )
    if changed:
        session.execute(delete(OpeningHours))
        session.add_all(
            OpeningHours(weekday=weekday, opens=opens, closes=closes)
            for weekday, of_day in spans.items()
            for opens, closes in of_day
        )
        session.flush()
    return changed


def special_days(session: Session, *, since: date) -> Sequence[SpecialDay]:
    """The days with hours of their own from ``since`` on, in order."""
    found: dict[date, SpecialDay] = {}
    for row in session.scalars(
        select(SpecialHours).where(SpecialHours.day >= since).order_by(SpecialHours.day, SpecialHours.opens)
    ):
        earlier = found[row.day].spans if row.day in found else ()
        spans = (*earlier, (row.opens, row.closes))
        found[row.day] = SpecialDay(row.day, spans, row.reason_it, row.reason_en)
    for closure in session.scalars(select(Closure).where(Closure.day >= since)):
        found[closure.day] = SpecialDay(closure.day, (), closure.reason_it, closure.reason_en)
    return [found[day] for day in sorted(found)]


def set_special_day(session: Session, special: SpecialDay, *, by: str, now: datetime, accepted: bool) -> None:
    """Give a day hours of its own, in place of any it had.

    Raises:
        WouldStrand: the day would be closed, and there are appointments on it, of whatever office.
    """
    before = _values(_special_day(session, special.day))
    services = session.scalars(select(AppointmentService)).all()
    with stranding_nobody(session, services, now=now, accepted=accepted):
        _forget(session, special.day)
        reasons = {"reason_it": special.reason_it, "reason_en": special.reason_en}
        if not special.spans:
            session.add(Closure(day=special.day, **reasons))
        session.add_all(
            SpecialHours(day=special.day, opens=opens, closes=closes, **reasons)
            for opens, closes in special.spans
        )
    note_change(
        session,
        by=by,
        what="special_days",
        which=special.day,
        before=before,
        after=_values(special),
        now=now,
    )


def clear_special_day(session: Session, day: date, *, by: str, now: datetime) -> bool:
    """Let the week's hours count on that day again; whether it had others."""
    before = _special_day(session, day)
    if before is None:
        return False
    _forget(session, day)
    session.flush()
    note_change(session, by=by, what="special_days", which=day, before=_values(before), after=None, now=now)
    return True


def override_by_hand(session: Session, *, opened: bool, until: datetime, by: str, now: datetime) -> Override:
    """Open or close the desk until then, as a phone with ``*21`` does. Raises ``ValueError`` for the past."""
    if until <= now:
        raise ValueError("the end lies in the past")
    override = override_hours(session, opened=opened, until=until, by=by, now=now)
    note_change(
        session,
        by=by,
        what="overrides",
        which=override.id,
        before=None,
        after={"open": opened, "until": until},
        now=now,
    )
    return override


def end_override(session: Session, *, by: str, now: datetime) -> None:
    """Let the hours count again."""
    return_to_hours(session, by=by, now=now)
    note_change(session, by=by, what="overrides", which="end", before=None, after={"open": None}, now=now)


def _special_day(session: Session, day: date) -> SpecialDay | None:
    found = special_days(session, since=day)
    return found[0] if found and found[0].day == day else None


def _forget(session: Session, day: date) -> None:
    session.execute(delete(Closure).where(Closure.day == day))
    session.execute(delete(SpecialHours).where(SpecialHours.day == day))


def _values(special: SpecialDay | None) -> dict[str, object] | None:
    if special is None:
        return None
    return {"spans": list(special.spans), "it": special.reason_it, "en": special.reason_en}
