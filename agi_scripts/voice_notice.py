"""``agi://.../voice_notice``: a citizen was called and has picked up; the notice is said."""

from __future__ import annotations

import logging

from agi_scripts.conversing import run_as_script
from agi_scripts.house import House
from agi_scripts.line import AgiLine
from agi_scripts.paused import Unlogged
from agi_scripts.session import Session
from call_routing import names
from desk.db import DatabaseGone, reading, transaction
from desk.models import Message
from desk.sms.voice_notices import called, note_heard, note_refused
from ivr.conversation import Conversation
from ivr.steps import Prompt, prompt
from ivr.voice_notice import voice_notice
from prompts.catalogue import Catalogue
from prompts.written_values import to_say

log = logging.getLogger(__name__)


def run(session: Session, house: House) -> None:
    """Hold the dialog with whoever picked up on ``session``; the call's name is the first argument.

    Ends without an outcome where the notice cannot be read: the dialplan apologises, and it is told later.
    """
    channel_id = session.env.get("agi_arg_1", "")
    session.set_variable("TIMEOUT(absolute)", str(names.NOTICE_SECONDS))
    try:
        with reading(house.sessions) as database:
            message = called(database, channel_id, lock=False)
    except DatabaseGone:
        log.error("%s: the database is out of reach", channel_id)
        return
    if message is None:
        log.error("%s: there is no such notice", channel_id)
        return
    notice = CalledNotice(house, channel_id, message)
    session.set_variable("CHANNEL(language)", message.language)
    line = AgiLine(session, house.catalogue, house.settings.recordings, session.env["agi_uniqueid"])
    ending = Conversation(line, Unlogged(), language=message.language).run(voice_notice(notice))
    log.info("%s ended: %s at %s", channel_id, ending.outcome, ending.node)
    session.set_variable(names.Variable.OUTCOME, names.Outcome.DONE)


class CalledNotice:
    """See :class:`ivr.voice_notice.Notice`. What the database cannot take is lost, and told again."""

    def __init__(self, house: House, channel_id: str, message: Message) -> None:
        self._house, self._channel_id = house, channel_id
        self._said = said(house.catalogue, message)

    def said(self) -> Prompt:
        return self._said

    def heard(self) -> None:
        try:
            with transaction(self._house.sessions) as session:
                note_heard(session, self._channel_id, now=self._house.clock())
        except DatabaseGone:
            log.error("%s: that it was heard is not noted", self._channel_id)

    def refuse(self) -> None:
        try:
            with transaction(self._house.sessions) as session:
                note_refused(session, self._channel_id, now=self._house.clock())
        except DatabaseGone:
            log.error("%s: that it was refused is not noted", self._channel_id)


def said(catalogue: Catalogue, message: Message) -> Prompt:
    """The sentence that says ``message``. Raises ``KeyError`` or ``ValueError`` where there is none."""
    key = f"voice_notice.said.{message.template}"
    return prompt(key, **to_say(catalogue.placeholders(message.language, key), message.filled_with or {}))


if __name__ == "__main__":
    run_as_script(run)
