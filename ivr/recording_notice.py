"""Telling callers that their talk with an operator is recorded, before it begins."""

from __future__ import annotations

from typing import Protocol

from ivr.steps import Dialog, prompt, say

#: Who passed this node was told: without it nothing is recorded.
NODE = "person.recording"


class RecordingRules(Protocol):
    """Whether and for how long talks with operators are recorded."""

    def days(self) -> int | None:
        """How many days a recording is kept; ``None``: nothing is recorded."""


def tell_of_recording(rules: RecordingRules) -> Dialog[None]:
    """Say it where it applies; it cannot be skipped."""
    days = rules.days()
    if days is not None:
        yield from say("person.recording", prompt("person.recording", days=days), must_hear=True)
