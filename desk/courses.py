"""Courses: what is left of one, who has a place, who waits for one, and moving up.

No two people can have one place of a course: its key is unique in the database
(:class:`desk.models.CoursePlace`). All that changes a course goes on one after the other, its row is locked
until the transaction ends; so the waiting list has an order, and nobody is placed before those who wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session, joinedload

from desk.applicants import Outsider, Whose, person_in_course
from desk.models import Course, CourseDetails, CoursePlace, Enrolment, Request
from desk.receipts import CitizenOrder, send_receipt, tell
from desk.requests import conclude, file_order, request_by_key
from desk.settings import ROME
from desk.sms.templates import in_euro

#: Working days within which the office writes to who enrolled.
WORKING_DAYS = 5

_WAITS: ColumnElement[bool] = Enrolment.placed_at.is_(None) & Enrolment.cancelled_at.is_(None)


class NotOpen(ValueError):
    """There is no such course, or one cannot enrol in it now."""


class Full(Exception):
    """No place is left, and the order is not one for the waiting list."""


class ListFull(Exception):
    """No place is left, neither in the course nor on its waiting list."""


class AlreadyEnrolled(Exception):
    """The person has a place in the course, or waits for one."""


class Nobody(Exception):
    """Neither a citizen nor a number: nobody could be told of a place."""


class NotEnrolled(Exception):
    """The enrolment was cancelled before."""


class EnrolmentOrder(CitizenOrder):
    """A confirmed enrolment; ``may_wait`` says that the waiting list will do where no place is left."""

    course: str
    may_wait: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A course as it stands now; ``first_lesson`` is aware, in UTC."""

    code: str
    first_lesson: datetime
    fee: Decimal
    #: Places left.
    left: int
    #: The position on the waiting list that the next one gets; ``None`` if that is full too.
    next_position: int | None


def offer(session: Session, course: str, *, now: datetime) -> Offer:
    """The course as it stands now. Raises :class:`NotOpen`."""
    found = session.scalar(select(Course).where(Course.code == course, _open(now)))
    if found is None:
        raise NotOpen(course)
    return _offer(session, found)


def is_enrolled(session: Session, course: str, *, citizen_id: int | None, contact_e164: str | None) -> bool:
    """Whether the person has a place in the course or waits for one. Raises :class:`Nobody`."""
    return _enrolment_of(session, course, _person(citizen_id, None, contact_e164)) is not None


def enrol(session: Session, order: EnrolmentOrder, *, now: datetime) -> Enrolment:
    """Give the person a place, or a position on the waiting list, file it as a request, write the receipt.

    All in the caller's transaction. The same ``idempotency_key`` gives the same enrolment.

    Raises:
        NotOpen: enrolment has ended meanwhile.
        AlreadyEnrolled: see there. Who is not identified is known by the number only.
        Full: see there.
        ListFull: see there.
        Nobody: see there.
    """
    person = _person(order.citizen_id, order.applicant_tax_code, order.contact_e164)
    course = session.scalar(select(Course).where(Course.code == order.course, _open(now)).with_for_update())
    known = request_by_key(session, order.idempotency_key)
    if known is not None:
        return session.scalars(select(Enrolment).where(Enrolment.request_id == known.id)).one()
    if course is None:
        raise NotOpen(order.course)
    if _enrolment_of(session, course.code, person) is not None:
        raise AlreadyEnrolled
    # There may be more places than there were: those who wait come first.
    fill_places(session, course, now=now)
    now_there = _offer(session, course)
    if not now_there.left and now_there.next_position is None:
        raise ListFull
    if not now_there.left and not order.may_wait:
        raise Full
    request, _ = file_order(
        session,
        order,
        CourseDetails(
            course=course.code,
            waiting=True,
            fee=str(course.fee),
            identified_by=order.identified_by,
            identity_recording=order.identity_recording,
        ),
        working_days=WORKING_DAYS,
        citizen_id=order.citizen_id,
        now=now,
    )
    enrolment = Enrolment(course=course, request=request, person=person, asked_at=now)
    session.add(enrolment)
    session.flush()
    if now_there.left:
        _place(session, enrolment, _free_places(session, course)[0], now)
        send_receipt(session, order, request, *_placed(course, request), now=now)
    else:
        waits = {"ref": request.reference, "position": str(now_there.next_position)}
        send_receipt(session, order, request, "course_waiting", waits, now=now)
    return enrolment


def withdraw(session: Session, enrolment_id: int, *, by: str, now: datetime) -> Enrolment:
    """Cancel the enrolment and close its request; the first who waits moves up at once.

    Raises :class:`NotEnrolled`.
    """
    enrolment = session.get_one(Enrolment, enrolment_id)
    # The course first, as everybody does: two must not wait for each other in a circle.
    course = session.get_one(Course, enrolment.course_code, with_for_update=True, populate_existing=True)
    session.refresh(enrolment)
    if enrolment.cancelled_at is not None:
        raise NotEnrolled
    enrolment.cancelled_at = now
    session.execute(delete(CoursePlace).where(CoursePlace.enrolment_id == enrolment.id))
    conclude(session, enrolment.request, by=by, now=now)
    fill_places(session, course, now=now)
    return enrolment


def enrolments_of(session: Session, whose: Whose) -> Sequence[Enrolment]:
    """A person's enrolments, also those that were withdrawn, the newest first."""
    return session.scalars(
        select(Enrolment)
        .where(Enrolment.person == person_in_course(whose))
        .options(joinedload(Enrolment.request))
        .order_by(Enrolment.id.desc())
    ).all()


def fill_places(session: Session, course: Course, *, now: datetime) -> int:
    """Give the places that are free to those who wait, and tell them by SMS; returns to how many.

    The course's row must be locked. Also after the number of places was raised.
    """
    free = _free_places(session, course)
    waiting = session.scalars(
        select(Enrolment)
        .where(Enrolment.course_code == course.code, _WAITS)
        .order_by(Enrolment.id)
        .limit(len(free))
    ).all()
    for place, enrolment in zip(free, waiting, strict=False):
        _place(session, enrolment, place, now)
        tell(session, enrolment.request, *_placed(course, enrolment.request), now=now)
    return len(waiting)


def position(session: Session, enrolment: Enrolment) -> int | None:
    """The position on the waiting list, from 1; ``None`` for who has a place or has withdrawn."""
    if enrolment.placed_at is not None or enrolment.cancelled_at is not None:
        return None
    return session.scalar(
        select(func.count())
        .select_from(Enrolment)
        .where(Enrolment.course_code == enrolment.course_code, _WAITS, Enrolment.id <= enrolment.id)
    )


def _open(now: datetime) -> ColumnElement[bool]:
    return Course.active & (Course.enrolment_opens <= now) & (Course.enrolment_closes > now)


def _offer(session: Session, course: Course) -> Offer:
    waiting = session.scalar(
        select(func.count()).select_from(Enrolment).where(Enrolment.course_code == course.code, _WAITS)
    )
    waiting = waiting or 0
    return Offer(
        code=course.code,
        first_lesson=course.first_lesson,
        fee=course.fee,
        left=max(0, len(_free_places(session, course)) - waiting),
        next_position=waiting + 1 if waiting < course.waiting_list else None,
    )


def _free_places(session: Session, course: Course) -> Sequence[int]:
    taken = set(session.scalars(select(CoursePlace.place).where(CoursePlace.course_code == course.code)))
    free = [place for place in range(course.places) if place not in taken]
    # After the number of places was lowered, those beyond it still count.
    return free[: max(0, course.places - len(taken))]


def _place(session: Session, enrolment: Enrolment, place: int, now: datetime) -> None:
    session.add(CoursePlace(course_code=enrolment.course_code, place=place, enrolment_id=enrolment.id))
    enrolment.placed_at = now
    details = enrolment.request.details
    assert isinstance(details, CourseDetails)
    enrolment.request.details = details.model_copy(update={"waiting": False})
    session.flush()


def _placed(course: Course, request: Request) -> tuple[str, dict[str, str]]:
    """The message that says so. What course it is stays out of it: others read a family's telephone too."""
    values = {"ref": request.reference, "day": f"{course.first_lesson.astimezone(ROME):%d/%m/%Y}"}
    if not course.fee:
        return "course_place_free", values
    return "course_place", {**values, "fee": in_euro(course.fee, request.language)}


def _person(citizen_id: int | None, tax_code: str | None, contact_e164: str | None) -> str:
    if citizen_id is not None:
        return person_in_course(citizen_id)
    if tax_code is not None:
        return person_in_course(Outsider(tax_code))
    if contact_e164 is not None:
        return f"number {contact_e164}"
    raise Nobody


def _enrolment_of(session: Session, course: str, person: str) -> int | None:
    return session.scalar(
        select(Enrolment.id).where(
            Enrolment.course_code == course, Enrolment.person == person, Enrolment.cancelled_at.is_(None)
        )
    )
