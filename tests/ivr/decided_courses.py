"""The town's courses whose standing a test decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from ivr.courses import CourseNow, Enrolled, Refused
from ivr.ports import Identity
from tests.ivr.deciding import Decided, Pick, first

ROME = ZoneInfo("Europe/Rome")
COURSES = ("italian", "english", "ceramics", "photography")
#: The one with which anything can happen.
TROUBLED = "ceramics"
REFERENCE = "12345674"


def course(
    code: str = TROUBLED, *, fee: str = "85.00", left: int = 3, next_position: int | None = 1
) -> CourseNow:
    """A course that begins in January 2027."""
    begins = datetime(2027, 1, 13, 18, 30, tzinfo=ROME)
    return CourseNow(code, begins, Decimal(fee), left, next_position)


class DecidedCourses(Decided):
    """:class:`ivr.courses.CourseDesk`, decided.

    The courses differ in their texts only, so all but one get the friendliest answers: that is enough to
    hear them, and keeps the crawl short.
    """

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.enrolled: list[tuple[str, Identity, bool, bool]] = []

    def offered(self) -> Sequence[str]:
        return self.one("courses", COURSES, (*COURSES, TROUBLED), ())

    def about(self, code: str) -> CourseNow | Refused:
        answers: tuple[CourseNow | Refused, ...] = (
            course(code),
            course(code, fee="0.00", left=1),
            course(code, left=0, next_position=2),
            course(code, left=0, next_position=None),
            Refused.CLOSED,
            Refused.OUT_OF_REACH,
        )
        return self.one("course", *answers) if code == TROUBLED else answers[0]

    def may_enrol(self, code: str, identity: Identity) -> Refused | None:
        if code != TROUBLED:
            return None
        return self.one("may enrol", None, Refused.ALREADY, Refused.NOBODY, Refused.OUT_OF_REACH)

    def enrol(self, code: str, identity: Identity, *, may_wait: bool, sms: bool) -> Enrolled | Refused:
        done: list[Enrolled | Refused] = [Enrolled(REFERENCE, None)]
        if code == TROUBLED:
            done += [Refused.LIST_FULL, Refused.ALREADY, Refused.CLOSED, Refused.OUT_OF_REACH]
            done.append(Enrolled(REFERENCE, 2) if may_wait else Refused.FULL)
        answer = self.one("enrol", *cast(tuple[Enrolled | Refused, ...], tuple(done)))
        if isinstance(answer, Enrolled):
            self.enrolled.append((code, identity, may_wait, sms))
        return answer
