"""A citizen whose landline cannot be texted is called and told a notice.

It is said only to who presses a key: a mailbox is told nothing. That key is also the proof that somebody was
there to hear it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from ivr.steps import Dialog, Option, PersonNeeded, Prompt, choose, prompt, say


class Notice(Protocol):
    """What one call is about."""

    def said(self) -> Prompt:
        """The notice itself."""

    def heard(self) -> None:
        """Somebody confirmed by a key and was told."""

    def refuse(self) -> None:
        """This number wants none of these calls any more."""


class _Wish(Enum):
    HEAR = auto()
    NEVER = auto()
    END = auto()


def voice_notice(notice: Notice) -> Dialog[None]:
    """Say who calls, and the notice to who presses 1; 9 ends these calls for good."""
    never = Option("9", _Wish.NEVER, prompt("voice_notice.never"))
    try:
        wish = yield from choose(
            "voice_notice",
            prompt("voice_notice.greeting"),
            options=(Option("1", _Wish.HEAR, prompt("voice_notice.hear")), never),
        )
        while wish is _Wish.HEAR:
            yield from say("voice_notice.said", notice.said(), must_hear=True)
            notice.heard()
            wish = yield from choose(
                "voice_notice.after",
                options=(Option("1", _Wish.HEAR, prompt("voice_notice.again")), never),
                otherwise=Option("", _Wish.END),
            )
    except PersonNeeded:
        # Nobody is at our end: this exchange is reached by calling it.
        yield from say("voice_notice.person", prompt("voice_notice.person"))
        return
    if wish is _Wish.NEVER:
        notice.refuse()
        yield from say("voice_notice.stopped", prompt("voice_notice.stopped"), must_hear=True)
        return
    yield from say("voice_notice.goodbye", prompt("voice_notice.goodbye"))
