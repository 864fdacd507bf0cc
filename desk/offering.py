"""What the town offers, as managers set it: courses, rooms, certificates, offices, services, reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.courses import fill_places
from desk.models import (
    AppointmentService,
    CertificateKind,
    CompetentOffice,
    Course,
    Enrolment,
    Fee,
    Office,
    ReportCategory,
    Room,
    RoomPurpose,
    RoomUse,
)
from desk.requests import conclude
from desk.town_changes import note_change, values_of

P = TypeVar("P", CertificateKind, ReportCategory)
M = TypeVar("M", Course, Room, Office, AppointmentService, ReportCategory, CompetentOffice, Fee)


class CodeTaken(ValueError):
    """Something else has that code."""


class Unknown(LookupError):
    """There is nothing with that code."""


@dataclass(frozen=True, slots=True)
class CourseOrder:
    """A course as it is wanted; see :class:`~desk.models.Course`. Moments are aware."""

    name_it: str
    name_en: str
    enrolment_opens: datetime
    enrolment_closes: datetime
    first_lesson: datetime
    fee: Decimal
    places: int
    waiting_list: int
    active: bool


@dataclass(frozen=True, slots=True)
class RoomOrder:
    """A room as it is wanted, and whether it is lent on holidays too by what it is lent for."""

    name_it: str
    name_en: str
    capacity: int
    notice_days: int
    horizon_days: int
    active: bool
    purposes: Mapping[RoomUse, bool]


@dataclass(frozen=True, slots=True)
class CategoryOrder:
    """Something that can be reported, as it is wanted; see :class:`~desk.models.ReportCategory`."""

    name_it: str
    name_en: str | None
    office_code: str
    working_days: int
    active: bool


@dataclass(frozen=True, slots=True)
class KindOrder:
    """A certificate as it is wanted; amounts in euro per copy."""

    position: int
    civil_status: bool
    stamp_duty: Decimal
    secretary_fee: Decimal
    working_days: int
    active: bool


def save_course(
    session: Session, code: str, order: CourseOrder, *, new: bool, by: str, now: datetime
) -> Course:
    """Add or change a course; who waits gets the places there are more of now, and is told.

    Raises :class:`CodeTaken`, :class:`Unknown`.
    """
    course = _save(session, Course, code, asdict(order), new=new, by=by, now=now)
    session.refresh(course, with_for_update=True)
    fill_places(session, course, now=now)
    return course


def confirm_enrolment(session: Session, enrolment_id: int, *, by: str, now: datetime) -> Enrolment:
    """The office has seen to an enrolment that has a place: its request is done. Raises :class:`Unknown`."""
    enrolment = session.get(Enrolment, enrolment_id)
    if enrolment is None or enrolment.placed_at is None or enrolment.cancelled_at is not None:
        raise Unknown
    conclude(session, enrolment.request, by=by, now=now)
    return enrolment


def save_room(session: Session, code: str, order: RoomOrder, *, new: bool, by: str, now: datetime) -> Room:
    """Add or change a room. Raises :class:`CodeTaken`, :class:`Unknown`."""
    values = asdict(order)
    purposes: Mapping[RoomUse, bool] = values.pop("purposes")
    existing = session.get(Room, code)
    before = {} if existing is None else {each.purpose: each for each in existing.purposes}
    room = _save(session, Room, code, values, new=new, by=by, now=now)
    noted = {purpose.value: each.on_holidays for purpose, each in before.items()}
    for purpose, each in before.items():
        if purpose not in purposes:
            session.delete(each)
    for purpose, on_holidays in purposes.items():
        if purpose in before:
            before[purpose].on_holidays = on_holidays
        else:
            session.add(RoomPurpose(room_code=code, purpose=purpose, on_holidays=on_holidays))
    session.flush()
    session.expire(room, ["purposes"])
    note_change(
        session,
        by=by,
        what="room_purposes",
        which=code,
        before={"purposes": noted},
        after={"purposes": {purpose.value: yes for purpose, yes in purposes.items()}},
        now=now,
    )
    return room


def change_certificate_kind(
    session: Session, code: str, order: KindOrder, *, by: str, now: datetime
) -> CertificateKind:
    """Other fees, another place in the menu, on or off. Raises :class:`Unknown`.

    The others move so that no two have one place.
    """
    kind = session.get(CertificateKind, code, with_for_update=True)
    if kind is None:
        raise Unknown(code)
    before = values_of(kind)
    values = asdict(order)
    position = values.pop("position")
    for name, value in values.items():
        setattr(kind, name, value)
    _move(session, CertificateKind, kind, position)
    session.flush()
    note_change(
        session,
        by=by,
        what="certificate_kinds",
        which=code,
        before=before,
        after=values_of(kind),
        now=now,
    )
    return kind


def save_report_category(
    session: Session, code: str, order: CategoryOrder, *, position: int, new: bool, by: str, now: datetime
) -> ReportCategory:
    """Add or change what can be reported, and who answers. Raises :class:`CodeTaken`, :class:`Unknown`.

    ``position`` is its place in the menu, from 1; the others move so that no two have one place. Reports that
    were forwarded stay where they went.
    """
    if session.get(CompetentOffice, order.office_code) is None:
        raise Unknown(order.office_code)
    category = _save(session, ReportCategory, code, asdict(order), new=new, by=by, now=now)
    before = category.position
    _move(session, ReportCategory, category, position)
    note_change(
        session,
        by=by,
        what="report_categories",
        which=code,
        before={"position": before},
        after={"position": category.position},
        now=now,
    )
    return category


def save_competent_office(
    session: Session, code: str, *, name: str, email: str, new: bool, by: str, now: datetime
) -> CompetentOffice:
    """Add or change an office that reports are forwarded to. Raises :class:`CodeTaken`, :class:`Unknown`.

    Mails that are written already go where they were addressed.
    """
    values = {"name": name, "email": email}
    return _save(session, CompetentOffice, code, values, new=new, by=by, now=now)


def change_fee(session: Session, code: str, *, amount: Decimal, source: str, by: str, now: datetime) -> Fee:
    """Another amount, and the rule that says so. Raises :class:`Unknown`."""
    return _save(session, Fee, code, {"amount": amount, "source": source}, new=False, by=by, now=now)


def save_office(
    session: Session,
    code: str,
    *,
    name_it: str,
    name_en: str,
    place: str,
    new: bool,
    by: str,
    now: datetime,
) -> Office:
    """Add or change an office. Raises :class:`CodeTaken`, :class:`Unknown`."""
    values = {"name_it": name_it, "name_en": name_en, "place": place}
    return _save(session, Office, code, values, new=new, by=by, now=now)


def save_service(
    session: Session,
    code: str,
    office: str,
    *,
    name_it: str,
    name_en: str,
    new: bool,
    by: str,
    now: datetime,
) -> AppointmentService:
    """Add or rename what an office receives for. Raises :class:`CodeTaken`, :class:`Unknown`.

    A new one gives no appointments yet: its rules and its week are set in the agenda first.
    """
    if session.get(Office, office) is None:
        raise Unknown(office)
    values: dict[str, Any] = {"name_it": name_it, "name_en": name_en}
    if new:
        values |= {
            "office_code": office,
            "slot_minutes": 30,
            "capacity": 1,
            "notice_hours": 24,
            "horizon_days": 60,
            "most_per_citizen": 2,
            "kept_percent": 30,
            "kept_until_days": 3,
            "active": False,
        }
    return _save(session, AppointmentService, code, values, new=new, by=by, now=now)


def _move(session: Session, model: type[P], row: P, position: int) -> None:
    """Give ``row`` that place, from 1; the others move so that no two have one place."""
    ordered: list[P] = list(
        session.scalars(select(model).where(model.code != row.code).order_by(model.position))
    )
    ordered.insert(position - 1, row)
    for number, each in enumerate(ordered, 1):
        each.position = number
    session.flush()


def _save(
    session: Session, model: type[M], code: str, values: dict[str, Any], *, new: bool, by: str, now: datetime
) -> M:
    row = session.get(model, code, with_for_update=True)
    if new and row is not None:
        raise CodeTaken(code)
    if not new and row is None:
        raise Unknown(code)
    before = None if row is None else values_of(row)
    if row is None:
        row = model(code=code, **values)
        if not isinstance(row, Office | CompetentOffice | Fee):
            # It is spoken last.
            last = session.scalar(select(func.max(type(row).position)))
            row.position = (last or 0) + 1
        session.add(row)
    else:
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()
    note_change(
        session,
        by=by,
        what=model.__tablename__,
        which=code,
        before=before,
        after=values_of(row),
        now=now,
    )
    return row
