"""Courses by keypad: hear what is open for enrolment, enrol, or wait for a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import Protocol

from ivr.certificate import receipt_by_sms, reference_twice, sms_sent
from ivr.identification import identify
from ivr.paging import choose_in_pages
from ivr.ports import Desk, Identity
from ivr.steps import Dialog, Need, Option, PersonNeeded, Prompt, choose, prompt, say


@dataclass(frozen=True, slots=True)
class CourseNow:
    """A course as it stands now; ``first_lesson`` is aware, on the wall clock of Europe/Rome."""

    code: str
    first_lesson: datetime
    fee: Decimal
    #: Places left.
    left: int
    #: The position on the waiting list that the next one gets; ``None`` if that is full too.
    next_position: int | None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The caller has a place, or a ``position`` on the waiting list."""

    reference: str
    position: int | None


class Refused(StrEnum):
    """Why the caller is not enrolled."""

    #: The last place went while the caller was deciding; the waiting list is open.
    FULL = "full"
    LIST_FULL = "list_full"
    ALREADY = "already"
    #: Enrolment has ended.
    CLOSED = "closed"
    #: A caller without name and number: nobody could be told of a place.
    NOBODY = "nobody"
    #: The database cannot be asked, so no place can be promised.
    OUT_OF_REACH = "out_of_reach"


class CourseDesk(Protocol):
    """The courses of the town, as one caller may use them."""

    def offered(self) -> Sequence[str]:
        """The codes of what one can enrol in now, in the order they are spoken."""

    def about(self, course: str) -> CourseNow | Refused:
        """The course as it stands now. Else CLOSED or OUT_OF_REACH."""

    def may_enrol(self, course: str, identity: Identity) -> Refused | None:
        """``None``, ALREADY, NOBODY or OUT_OF_REACH."""

    def enrol(self, course: str, identity: Identity, *, may_wait: bool, sms: bool) -> Enrolled | Refused:
        """Take a place, or with ``may_wait`` a position on the waiting list where no place is left."""


class _Wish(Enum):
    ENROL = auto()
    OTHER = auto()
    AGAIN = auto()
    ENOUGH = auto()


def courses(desk: Desk) -> Dialog[None]:
    """Hear courses until one fits, then enrol."""
    wish = _Wish.OTHER
    while wish is _Wish.OTHER:
        code = yield from choose_in_pages(
            "courses",
            desk.courses.offered(),
            said=lambda course: prompt(f"courses.course.{course}"),
            others=prompt("courses.others"),
        )
        course = desk.courses.about(code)
        if isinstance(course, Refused):
            yield from _refused(course)
            return
        wish = _Wish.AGAIN
        while wish is _Wish.AGAIN:
            wish = yield from _hear(course)
        if wish is _Wish.ENROL:
            yield from _enrol(desk, course)


def _hear(course: CourseNow) -> Dialog[_Wish]:
    options = [
        Option("2", _Wish.OTHER, prompt("courses.others")),
        Option("3", _Wish.AGAIN, prompt("information.again")),
    ]
    if course.left:
        options.insert(0, Option("1", _Wish.ENROL, prompt("courses.enrol")))
        places = prompt("courses.left", left=course.left)
    elif course.next_position is not None:
        options.insert(0, Option("1", _Wish.ENROL, prompt("courses.wait")))
        places = prompt("courses.full", position=course.next_position)
    else:
        places = prompt("courses.refused.list_full")
    yield from say(
        "courses.about",
        prompt(f"courses.name.{course.code}"),
        prompt("courses.first_lesson", day=course.first_lesson.date(), at=course.first_lesson.time()),
        _fee(course),
    )
    # Who only wanted to listen need not press anything.
    enough = Option("", _Wish.ENOUGH)
    return (yield from choose("courses.wish", places, options=options, otherwise=enough))


def _fee(course: CourseNow) -> Prompt:
    return prompt("courses.fee", fee=course.fee) if course.fee else prompt("courses.free")


def _enrol(desk: Desk, course: CourseNow) -> Dialog[None]:
    identity = yield from identify(desk)
    refused = desk.courses.may_enrol(course.code, identity)
    if refused is not None:
        yield from _refused(refused)
        return
    sms = yield from receipt_by_sms(desk)
    if not (yield from _confirm(course)):
        return
    done = desk.courses.enrol(course.code, identity, may_wait=not course.left, sms=sms)
    if done is Refused.FULL:
        if not (yield from _wait_instead()):
            return
        done = desk.courses.enrol(course.code, identity, may_wait=True, sms=sms)
    if isinstance(done, Refused):
        yield from _refused(done)
        return
    yield from say("courses.enrolled", *_told(course, done, sms=sms), must_hear=True)


def _confirm(course: CourseNow) -> Dialog[bool]:
    return (
        yield from choose(
            "courses.confirm",
            prompt("courses.confirm.place" if course.left else "courses.confirm.waiting_list"),
            prompt(f"courses.name.{course.code}"),
            _fee(course),
            options=(
                Option("1", value=True, said=prompt("courses.confirm.yes")),
                Option("2", value=False, said=prompt("courses.confirm.no")),
            ),
        )
    )


def _wait_instead() -> Dialog[bool]:
    return (
        yield from choose(
            "courses.wait_instead",
            prompt("courses.wait_instead.intro"),
            options=(
                Option("1", value=True, said=prompt("courses.wait")),
                Option("2", value=False, said=prompt("courses.confirm.no")),
            ),
        )
    )


def _told(course: CourseNow, done: Enrolled, *, sms: bool) -> tuple[Prompt, ...]:
    if done.position is not None:
        waits = prompt("courses.waiting", position=done.position)
        return (waits, *reference_twice(done.reference), *sms_sent(sms))
    to_pay = (_fee(course), prompt("payment.how"), prompt("payment.no_card")) if course.fee else ()
    return (prompt("courses.enrolled"), *reference_twice(done.reference), *to_pay, *sms_sent(sms))


def _refused(why: Refused) -> Dialog[None]:
    if why is Refused.NOBODY:
        raise PersonNeeded(Need.NOT_IDENTIFIED)
    # Full although the caller would have waited: so is the list.
    told = Refused.LIST_FULL if why is Refused.FULL else why
    yield from say("courses.refused", prompt(f"courses.refused.{told}"), must_hear=True)
    if why is Refused.OUT_OF_REACH:
        raise PersonNeeded(Need.NOT_NOW)
