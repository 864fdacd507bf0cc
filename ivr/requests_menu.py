"""Main menu 1, certificates and requests.

Certificates are offered in two groups here, so that each kind is three keys away and no menu lies deeper.
"""

from __future__ import annotations

from enum import Enum, auto

from ivr.certificate import certificate
from ivr.find_request import where_is_my_request
from ivr.payment import payment
from ivr.ports import Desk
from ivr.steps import Dialog, Option, choose, prompt


class _Service(Enum):
    CIVIL_STATUS = auto()
    REGISTRY = auto()
    WHERE = auto()
    PAYMENT = auto()


def requests_menu(desk: Desk) -> Dialog[None]:
    """One service about requests. A group without a certificate is not offered."""
    groups = {kind.civil_status for kind in desk.kinds()}
    options = [
        Option("3", _Service.WHERE, prompt("requests.where")),
        Option("4", _Service.PAYMENT, prompt("requests.payment")),
    ]
    if False in groups:
        options.insert(0, Option("2", _Service.REGISTRY, prompt("requests.registry")))
    if True in groups:
        options.insert(0, Option("1", _Service.CIVIL_STATUS, prompt("requests.civil_status")))
    service = yield from choose("requests", options=options)
    if service is _Service.WHERE:
        yield from where_is_my_request(desk)
    elif service is _Service.PAYMENT:
        yield from payment(desk)
    else:
        yield from certificate(desk, service is _Service.CIVIL_STATUS)
