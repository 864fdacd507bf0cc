"""Holding a dialog on a live channel, the same way for every entry point."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from agi_scripts.call_desk import CallDesk
from agi_scripts.handing_over import hand_to_person
from agi_scripts.house import House, open_house
from agi_scripts.journal import CallJournal
from agi_scripts.line import AgiLine
from agi_scripts.live_queue import AgiQueue
from agi_scripts.session import FileWire, Session
from call_routing import names
from desk.phone_numbers import to_e164
from desk.settings import Settings
from ivr import conversation
from ivr.conversation import Conversation
from ivr.ports import Desk
from ivr.steps import Dialog
from ivr.switchboard import OTHER_LANGUAGE

log = logging.getLogger(__name__)

#: The language of a channel in which none was chosen.
EVERYBODYS = "it"
#: How the dialplan is told what a conversation ended with. After a hang-up nobody is left to tell.
OUTCOMES = {
    conversation.Outcome.DONE: names.Outcome.DONE,
    conversation.Outcome.PERSON: names.Outcome.OPERATOR,
}


def converse(
    session: Session,
    house: House,
    dialog: Callable[[Desk], Dialog[None]],
    *,
    first_event: int,
    hands_over: bool = False,
    ends_call: bool = True,
) -> None:
    """Answer, hold ``dialog``, log it and leave the outcome to the dialplan.

    What a dialog that ``hands_over`` learned goes along when a person takes over. Unless it ``ends_call``,
    how the call ended was logged before and stays so.

    Raises :class:`~ivr.conversation.HungUp` if the caller is gone before or after the conversation.
    """
    unique_id = session.env["agi_uniqueid"]
    session.answer()
    # Tells the dialplan's watchdog that this server is alive.
    session.set_variable("TIMEOUT(absolute)", str(names.DIALOG_SECONDS))
    caller = to_e164(session.env.get("agi_callerid"))
    called = session.env.get("agi_dnid", "")
    journal = CallJournal(house, unique_id, caller, called, first=first_event)
    desk = CallDesk(
        house, journal, caller, queue=AgiQueue(session), since=_since(session), language=_language(session)
    )
    line = AgiLine(session, house.catalogue, house.settings.recordings, unique_id)
    try:
        ending = Conversation(line, journal, language=desk.language(), pace=desk.pace).run(dialog(desk))
    except BaseException:
        # A fault of ours, after which a person takes over.
        journal.go_on()
        raise
    if ends_call:
        journal.close(ending)
    else:
        journal.go_on()
    log.info("call %s ended: %s at %s", unique_id, ending.outcome, ending.node)
    outcome = OUTCOMES.get(ending.outcome)
    if outcome is not None:
        # Music, tones and fallback sentences go on in the caller's language.
        session.set_variable("CHANNEL(language)", ending.language)
        if hands_over and outcome is names.Outcome.OPERATOR:
            hand_to_person(session, desk.call, journal.course, desk.draft)
            desk.call_backs.take_place()
        session.set_variable(names.Variable.OUTCOME, outcome)


def _since(session: Session) -> datetime | None:
    """Since when the caller waits for a person: the dialplan tells it to scripts behind the queue."""
    seconds = session.env.get("agi_arg_1", "")
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None


def _language(session: Session) -> str | None:
    """The language that was chosen earlier in this call. It is all we know of a withheld number's."""
    language = session.env.get("agi_language", "")
    return language if language in OTHER_LANGUAGE and language != EVERYBODYS else None


def run_as_script(entry: Callable[[Session, House], None]) -> None:
    """Run ``entry`` as a plain AGI script: one process, one call, Asterisk on standard input and output."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        entry(Session(FileWire()), open_house(Settings()))
    except conversation.HungUp:
        log.debug("hung up outside the conversation")
