"""The town's data as one value that does not change under whoever works with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from desk import models


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone of the desk; ``tier`` is ``back_office`` or ``counter``."""

    extension: str
    tier: str
    label: str
    ring_seconds: int


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A span of one weekday (0 is Monday), wall clock Europe/Rome."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Closure:
    """A day on which the desk is closed."""

    day: date
    reason_it: str = ""
    reason_en: str = ""


@dataclass(frozen=True, slots=True)
class CertificateKind:
    """A certificate on offer; amounts in euro per copy, due unless the use is exempt."""

    code: str
    civil_status: bool
    stamp_duty: Decimal
    secretary_fee: Decimal
    working_days: int


@dataclass(frozen=True, slots=True)
class Fee:
    """What a service costs, in euro."""

    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Course:
    """When one can enrol in a course. How many places are left is asked of the database."""

    code: str
    enrolment_opens: datetime
    enrolment_closes: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """A room that is lent from ``notice_days`` to ``horizon_days`` from today."""

    code: str
    capacity: int
    notice_days: int
    horizon_days: int
    #: What for, and whether also on holidays.
    purposes: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Routing:
    """How the queue treats callers and operators; see :class:`desk.models.RoutingRules`."""

    wrap_up_seconds: int = 10
    announce_seconds: int = 45
    call_back_after_seconds: int = 60
    longest_wait_seconds: int = 900
    same_operator_days: int = 7
    survey: bool = False
    record_calls: bool = False
    recordings_days: int = 30


@dataclass(frozen=True, slots=True)
class Town:
    """Phones, hours, closures, certificate kinds, fees, categories of reports, courses, rooms, the queue."""

    phones: tuple[Phone, ...] = ()
    opening_hours: tuple[OpeningHours, ...] = ()
    closures: tuple[Closure, ...] = ()
    certificate_kinds: tuple[CertificateKind, ...] = ()
    fees: tuple[Fee, ...] = ()
    #: Codes of what can be reported, in the order they are spoken.
    report_categories: tuple[str, ...] = ()
    #: Both in the order they are spoken.
    courses: tuple[Course, ...] = ()
    rooms: tuple[Room, ...] = ()
    routing: Routing = Routing()


def read_town(session: Session) -> Town:
    """The town as it is now."""
    kinds = session.scalars(
        select(models.CertificateKind)
        .where(models.CertificateKind.active)
        .order_by(models.CertificateKind.position)
    )
    hours = session.scalars(
        select(models.OpeningHours).order_by(models.OpeningHours.weekday, models.OpeningHours.opens)
    )
    rules = session.get(models.RoutingRules, 1)
    return Town(
        routing=Routing(**{field.name: getattr(rules, field.name) for field in fields(Routing)})
        if rules
        else Routing(),
        phones=tuple(
            Phone(phone.extension, phone.tier.value, phone.label, phone.ring_seconds)
            for phone in session.scalars(select(models.Phone).order_by(models.Phone.extension))
        ),
        opening_hours=tuple(OpeningHours(row.weekday, row.opens, row.closes) for row in hours),
        closures=tuple(
            Closure(row.day, row.reason_it, row.reason_en)
            for row in session.scalars(select(models.Closure).order_by(models.Closure.day))
        ),
        certificate_kinds=tuple(
            CertificateKind(
                kind.code, kind.civil_status, kind.stamp_duty, kind.secretary_fee, kind.working_days
            )
            for kind in kinds
        ),
        report_categories=tuple(
            session.scalars(
                select(models.ReportCategory.code)
                .where(models.ReportCategory.active)
                .order_by(models.ReportCategory.position)
            )
        ),
        courses=tuple(
            Course(course.code, course.enrolment_opens, course.enrolment_closes)
            for course in session.scalars(
                select(models.Course).where(models.Course.active).order_by(models.Course.position)
            )
        ),
        rooms=tuple(
            Room(
                room.code,
                room.capacity,
                room.notice_days,
                room.horizon_days,
                {lent.purpose.value: lent.on_holidays for lent in room.purposes},
            )
            for room in session.scalars(
                select(models.Room)
                .where(models.Room.active)
                .options(selectinload(models.Room.purposes))
                .order_by(models.Room.position)
            )
        ),
        fees=tuple(
            Fee(fee.code, fee.amount) for fee in session.scalars(select(models.Fee).order_by(models.Fee.code))
        ),
    )
