"""``agi://.../switchboard``: a citizen calls the town."""

from __future__ import annotations

from agi_scripts.conversing import converse, run_as_script
from agi_scripts.house import House
from agi_scripts.session import Session
from ivr.switchboard import switchboard

FIRST_EVENT = 1


def run(session: Session, house: House) -> None:
    """Hold the dialog with the caller on ``session``."""
    converse(session, house, switchboard, first_event=FIRST_EVENT, hands_over=True)


if __name__ == "__main__":
    run_as_script(run)
