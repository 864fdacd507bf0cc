"""Notices of the town (water off, snow), played before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ivr.ports import Desk
from ivr.steps import Dialog, prompt, say


class Notices(Protocol):
    """The notices in force."""

    def in_force(self) -> Sequence[Path]:
        """Their sounds in the language spoken now, the newest first; empty while they cannot be known."""


def notices(desk: Desk) -> Dialog[None]:
    """Say all notices in force. A key goes on to the menu."""
    sounds = desk.notices.in_force()
    if sounds:
        yield from say(
            "notice", prompt("notice.intro"), *(prompt("notice.said", voice=sound) for sound in sounds)
        )
