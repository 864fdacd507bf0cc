"""``agi://.../survey``: the operator has hung up; the caller who is still there is asked one question."""

from __future__ import annotations

import logging

from agi_scripts.conversing import converse, run_as_script
from agi_scripts.house import House
from agi_scripts.session import Session
from desk.db import DatabaseGone, transaction
from desk.survey import note_answer
from ivr.survey import survey

log = logging.getLogger(__name__)

#: The other conversations of the same call come before.
FIRST_EVENT = 40_001


def run(session: Session, house: House) -> None:
    """Hold the dialog with the caller on ``session``, where the town wants to know."""
    town = house.town()
    if town is None or not town.routing.survey:
        return
    answers = _Answers(house, session.env["agi_uniqueid"], session.variable("MEMBERNAME"))
    converse(session, house, lambda _desk: survey(answers), first_event=FIRST_EVENT, ends_call=False)


class _Answers:
    """See :class:`ivr.survey.Survey`. An answer that the database cannot take is lost."""

    def __init__(self, house: House, unique_id: str, extension: str) -> None:
        self._house, self._unique_id, self._extension = house, unique_id, extension

    def note(self, *, solved: bool) -> None:
        try:
            with transaction(self._house.sessions, durable=False) as session:
                note_answer(
                    session,
                    self._unique_id,
                    extension=self._extension or None,
                    solved=solved,
                    now=self._house.clock(),
                )
        except DatabaseGone:
            log.error("call %s: the database is out of reach", self._unique_id)


if __name__ == "__main__":
    run_as_script(run)
