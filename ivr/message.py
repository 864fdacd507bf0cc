"""Leaving a message for the operators."""

from __future__ import annotations

from ivr.call_back import offer_call_back
from ivr.ports import Desk
from ivr.steps import Dialog, PersonNeeded, Prompt, prompt, record, say

#: Longest message, seconds.
MESSAGE = 120


def message(desk: Desk, *why: Prompt) -> Dialog[None]:
    """Say ``why`` there is nobody to talk to, record a message and file it. A silent caller is let go."""
    try:
        recording = yield from record("message.record", *why, prompt("message.record"), longest=MESSAGE)
    except PersonNeeded:
        yield from say("message.nothing", prompt("message.nothing"))
        return
    desk.file_message(recording)
    yield from say("message.filed", prompt("message.filed"), must_hear=True)


def unanswered(desk: Desk) -> Dialog[None]:
    """After back office and counters all rang in vain."""
    if not (yield from offer_call_back(desk, prompt("message.nobody"))):
        yield from message(desk)
