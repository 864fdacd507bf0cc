"""Giving and withdrawing consent to messages, from the number that is to receive them.

A mobile gets them as texts, a landline is called and told.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from ivr.ports import Desk
from ivr.steps import Dialog, Option, choose, prompt, say


class Texts(StrEnum):
    """What a number can agree to, each on its own."""

    #: Messages about one's own requests, and answers one asks for.
    RECEIPTS = "receipts"
    #: Notices of the town.
    NOTICES = "notices"


class TextConsents(Protocol):
    """The consents of the calling number."""

    def agreed(self) -> frozenset[Texts] | None:
        """What the number agrees to now; ``None`` if that cannot be known."""

    def change(self, texts: Texts, *, agree: bool) -> bool:
        """Give or withdraw a consent. ``False`` if that cannot be done now."""


def sms_service(desk: Desk) -> Dialog[None]:
    """Change one consent. Only a key gives one: silence never does."""
    by_voice = desk.can_phone()
    if not by_voice and not desk.can_text():
        yield from say("sms.not_mobile", prompt("sms.not_mobile"))
        return
    agreed = desk.consents.agreed()
    if agreed is None:
        yield from say("sms.not_changed", prompt("sms.not_changed"))
        return
    texts = yield from choose(
        "sms",
        prompt("sms.by_voice" if by_voice else "sms.intro"),
        options=[
            Option(str(key), texts, prompt(f"sms.{texts}.{'withdraw' if texts in agreed else 'give'}"))
            for key, texts in enumerate(Texts, 1)
        ],
    )
    agree = texts not in agreed
    if desk.consents.change(texts, agree=agree):
        yield from say("sms.changed", prompt("sms.given" if agree else "sms.withdrawn"), must_hear=True)
    else:
        yield from say("sms.not_changed", prompt("sms.not_changed"))
