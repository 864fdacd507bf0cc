"""Main menu 4, other services."""

from __future__ import annotations

from enum import Enum, auto

from ivr.ports import Desk
from ivr.report import report
from ivr.sms_service import sms_service
from ivr.steps import Dialog, Option, choose, prompt


class _Service(Enum):
    REPORT = auto()
    SMS = auto()


def other_services(desk: Desk) -> Dialog[None]:
    """One of the services that are asked for less often."""
    options = [Option("2", _Service.SMS, prompt("other.sms"))]
    if desk.reports.categories():
        options.insert(0, Option("1", _Service.REPORT, prompt("other.report")))
    service = yield from choose("other", options=options)
    yield from report(desk) if service is _Service.REPORT else sms_service(desk)
