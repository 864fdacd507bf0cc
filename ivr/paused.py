"""What an operator hears whose phone was paused because a call rang there in vain."""

from __future__ import annotations

from typing import Protocol

from ivr.steps import Dialog, Option, PersonNeeded, choose, prompt, say


class Duty(Protocol):
    """Whether calls come to the phone that is spoken to."""

    def take_calls(self) -> None:
        """End the pause."""


def paused(duty: Duty) -> Dialog[None]:
    """Tell of the pause and ask whether to end it. Who says nothing stays paused, and is asked again."""
    try:
        back = yield from choose(
            "paused",
            prompt("paused.told"),
            options=(
                Option("1", value=True, said=prompt("paused.back")),
                Option("2", value=False, said=prompt("paused.stay")),
            ),
        )
    except PersonNeeded:
        return
    if back:
        duty.take_calls()
        yield from say("paused.ended", prompt("paused.ended"), must_hear=True)
    else:
        yield from say("paused.stays", prompt("paused.stays"), must_hear=True)
