"""Courses as one call hears of them and enrols: :class:`ivr.courses.CourseDesk` on the database.

Without the database the answer is :attr:`~ivr.courses.Refused.OUT_OF_REACH`: an enrolment cannot wait in the
spool, for the last place may be somebody else's by then, and the caller would not know where it stands.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from agi_scripts.call_context import CallContext
from agi_scripts.spoken_names import can_be_said
from desk import courses
from desk.courses import AlreadyEnrolled, EnrolmentOrder, Full, ListFull, Nobody, NotOpen
from desk.settings import ROME
from ivr.courses import CourseNow, Enrolled, Refused
from ivr.ports import Identity

#: What is spoken of each course; one without all its texts cannot be offered.
TEXTS = ("courses.course", "courses.name")

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
        self._offered: Sequence[str] | None = None

    def offered(self) -> Sequence[str]:
        if self._offered is None:
            catalogue = self._call.house.catalogue
            self._offered = [
                offer.code for offer in self._open() or () if can_be_said(catalogue, TEXTS, offer.code)
            ]
        return self._offered

    def about(self, course: str) -> CourseNow | Refused:
        offers = self._open()
        if offers is None:
            return Refused.OUT_OF_REACH
        for offer in offers:
            if offer.code == course:
                begins = offer.first_lesson.astimezone(ROME)
                return CourseNow(course, begins, offer.fee, offer.left, offer.next_position)
        return Refused.CLOSED

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

    def _open(self) -> Sequence[courses.Offer] | None:
        return self._call.read(lambda s: courses.open_courses(s, now=self._call.now()), None)
