"""``agi://.../unanswered``: nobody could take the call; a message is recorded."""

from __future__ import annotations

from agi_scripts.conversing import converse, run_as_script
from agi_scripts.house import House
from agi_scripts.session import Session
from ivr.message import unanswered

#: The switchboard's events of the same call come before.
FIRST_EVENT = 10_001


def run(session: Session, house: House) -> None:
    """Hold the dialog with the caller on ``session``."""
    converse(session, house, unanswered, first_event=FIRST_EVENT)


if __name__ == "__main__":
    run_as_script(run)
