"""``agi://.../paused``: an operator's phone was paused because nobody answered it; its operator is told."""

from __future__ import annotations

import logging

from agi_scripts.conversing import run_as_script
from agi_scripts.house import House
from agi_scripts.line import AgiLine
from agi_scripts.session import Session
from call_routing import names
from ivr.conversation import Conversation, Happening
from ivr.paused import paused

log = logging.getLogger(__name__)


class PhoneDuty:
    """See :class:`ivr.paused.Duty`: the phone on ``session``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take_calls(self) -> None:
        interface = self._session.env["agi_channel"].rpartition("-")[0]
        self._session.appexec("UnpauseQueueMember", f",{interface},,{names.PauseReason.BACK}")


class Unlogged:
    """The journal of a call that is none of a citizen's: it stays out of the figures."""

    def note(self, node: str, happening: Happening, detail: str = "") -> None:
        log.debug("%s %s", node, happening)


def run(session: Session, house: House) -> None:
    """Hold the dialog with the operator on ``session``."""
    session.answer()
    session.set_variable("TIMEOUT(absolute)", str(names.DIALOG_SECONDS))
    line = AgiLine(session, house.catalogue, house.settings.recordings, session.env["agi_uniqueid"])
    Conversation(line, Unlogged()).run(paused(PhoneDuty(session)))


if __name__ == "__main__":
    run_as_script(run)
