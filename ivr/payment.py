"""What is owed for a request, and how to pay. Card data is never taken by telephone."""

from __future__ import annotations

from ivr.find_request import find_request
from ivr.ports import Desk
from ivr.steps import Dialog, Option, choose, prompt, say


def payment(desk: Desk) -> Dialog[None]:
    """Amount and ways to pay; the pagoPA notice's number by SMS where there is one."""
    found = yield from find_request(desk)
    if not found.owed:
        yield from say("payment.nothing", prompt("payment.nothing"), must_hear=True)
        return
    yield from say(
        "payment.owed",
        prompt("payment.owed", amount=found.owed),
        prompt("payment.how"),
        prompt("payment.no_card"),
        must_hear=True,
    )
    if not (found.has_notice and desk.information.may_text()):
        return
    wanted = yield from choose(
        "payment.text",
        options=(Option("1", value=True, said=prompt("payment.by_sms")),),
        otherwise=Option("", value=False),
    )
    if wanted:
        sent = desk.filed.text_notice(found.reference)
        yield from say("payment.sent", prompt("information.sent" if sent else "information.not_sent"))
