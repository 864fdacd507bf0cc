"""Main menu 4, other services."""

from __future__ import annotations

from enum import Enum, auto

from ivr.courses import courses
from ivr.ports import Desk
from ivr.report import report
from ivr.rooms import rooms
from ivr.sms_service import sms_service
from ivr.steps import Dialog, Option, choose, prompt


class _Service(Enum):
    REPORT = auto()
    SMS = auto()
    COURSES = auto()
    ROOMS = auto()


def other_services(desk: Desk) -> Dialog[None]:
    """One of the services that are asked for less often, as far as there is something to offer."""
    options = [Option("2", _Service.SMS, prompt("other.sms"))]
    if desk.reports.categories():
        options.insert(0, Option("1", _Service.REPORT, prompt("other.report")))
    if desk.courses.offered():
        options.append(Option("3", _Service.COURSES, prompt("other.courses")))
    if desk.rooms.purposes():
        options.append(Option("4", _Service.ROOMS, prompt("other.rooms")))
    service = yield from choose("other", options=options)
    if service is _Service.REPORT:
        yield from report(desk)
    elif service is _Service.COURSES:
        yield from courses(desk)
    elif service is _Service.ROOMS:
        yield from rooms(desk)
    else:
        yield from sms_service(desk)
