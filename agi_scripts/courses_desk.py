"""Courses as one call hears of them and enrols: :class:`ivr.courses.CourseDesk` on the database.

Without the database the answer is :attr:`~ivr.courses.Refused.OUT_OF_REACH`: an enrolment cannot wait in the
spool, for the last place may be somebody else's by then, and the caller would not know where it stands.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import cache, partial

from sqlalchemy.orm import Session

from agi_scripts.call_context import CallContext
from agi_scripts.spoken_names import can_be_said
from desk import courses
from desk.courses import AlreadyEnrolled, EnrolmentOrder, Full, ListFull, Nobody, NotOpen, Offer
from desk.settings import ROME
from ivr.courses import CourseNow, Enrolled, Refused
from ivr.ports import Identity
from prompts.town_names import COURSES

_REFUSALS: dict[type[Exception], Refused] = {
    Full: Refused.FULL,
    ListFull: Refused.LIST_FULL,
    AlreadyEnrolled: Refused.ALREADY,
    NotOpen: Refused.CLOSED,
    Nobody: Refused.NOBODY,
}


class CoursesDesk:
    """See :class:`ivr.courses.CourseDesk`."""

    def __init__(self, call: CallContext, *, consent: Callable[[], str | None]) -> None:
        """``consent`` gives the version of the text by which the caller agreed to receipts in this call."""
        self._call = call
        self._consent = consent
        self._can_be_said = cache(partial(can_be_said, call.house.catalogue, COURSES))

    def offered(self) -> Sequence[str]:
        town, now = self._call.house.town(), self._call.now()
        return [
            course.code
            for course in (town.courses if town else ())
            if course.enrolment_opens <= now < course.enrolment_closes and self._can_be_said(course.code)
        ]

    def about(self, course: str) -> CourseNow | Refused:
        call = self._call
        away: Offer | None = None
        try:
            found = call.read(lambda s: courses.offer(s, course, now=call.now()), away)
        except NotOpen:
            return Refused.CLOSED
        if found is None:
            return Refused.OUT_OF_REACH
        begins = found.first_lesson.astimezone(ROME)
        return CourseNow(course, begins, found.fee, found.left, found.next_position)

    def may_enrol(self, course: str, identity: Identity) -> Refused | None:
        call = self._call

        def ask(session: Session) -> Refused | None:
            try:
                known = courses.is_enrolled(
                    session, course, citizen_id=identity.citizen_id, contact_e164=call.caller
                )
            except Nobody:
                return Refused.NOBODY
            return Refused.ALREADY if known else None

        away: Refused | None = Refused.OUT_OF_REACH
        return call.read(ask, away)

    def enrol(self, course: str, identity: Identity, *, may_wait: bool, sms: bool) -> Enrolled | Refused:
        call = self._call
        order = EnrolmentOrder.model_validate(
            {
                **call.ordered_by(identity, sms=sms, consent_text=self._consent()),
                "course": course,
                "may_wait": may_wait,
                "idempotency_key": f"course-{uuid.uuid4()}",
            }
        )

        def enrol(session: Session) -> Enrolled | Refused:
            enrolment = courses.enrol(session, order, now=call.now())
            return Enrolled(enrolment.request.reference, courses.position(session, enrolment))

        away: Enrolled | Refused = Refused.OUT_OF_REACH
        try:
            return call.commit(enrol, away)
        except tuple(_REFUSALS) as refused:
            return _REFUSALS[type(refused)]
