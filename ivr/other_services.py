"""Main menu 4, other services."""

from __future__ import annotations

from enum import Enum, auto

from ivr.ports import Desk
from ivr.sms_service import sms_service
from ivr.steps import Dialog, Option, choose, prompt


class _Service(Enum):
    SMS = auto()


def other_services(desk: Desk) -> Dialog[None]:
    """One of the services that are asked for less often."""
    yield from choose("other", options=(Option("2", _Service.SMS, prompt("other.sms")),))
    yield from sms_service(desk)
