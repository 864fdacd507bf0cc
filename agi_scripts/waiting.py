"""``agi://.../waiting``: everybody is talking; the caller hears how long it will take."""

from __future__ import annotations

from agi_scripts.conversing import converse, run_as_script
from agi_scripts.house import House
from agi_scripts.live_queue import AgiQueue
from agi_scripts.session import Session
from ivr.waiting import waiting

#: The events of the switchboard and of a message come before; an announcement has less events than this for
#: each second until the next one, and the longest wait still keeps below the scripts that come after.
FIRST_EVENT, PER_SECOND, MOST = 20_001, 5, 9_000


def run(session: Session, house: House) -> None:
    """Hold the dialog with the caller on ``session``."""
    shift = min(AgiQueue(session).waited() * PER_SECOND, MOST)
    converse(session, house, waiting, first_event=FIRST_EVENT + shift)


if __name__ == "__main__":
    run_as_script(run)
