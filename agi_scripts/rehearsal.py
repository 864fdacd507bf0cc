"""Calls that leave no trace: to see what a caller would meet, and to warm up before the first one calls."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import sessionmaker

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from desk.citizens import register_citizen
from desk.db import transaction
from desk.spool import Spool
from ivr.conversation import Conversation, HungUp
from ivr.steps import Prompt, Recording
from ivr.switchboard import switchboard

log = logging.getLogger(__name__)

#: The caller of the rehearsal, who exists in its transaction only.
_CALLER, _BORN, _TAX_CODE = "+393200000000", date(1940, 12, 31), "XQZPRV40T71H501C"
#: A birth certificate for the caller, to its end; opening hours; a person.
_KEYS = (f"1111{_BORN:%d%m%Y}111", "31", "0")


@contextmanager
def without_a_trace(house: House, at: datetime) -> Iterator[House]:
    """``house`` as it stands still at ``at``; whatever is done in it is forgotten at the end.

    All happens in one transaction that is rolled back; the spool is a folder that is removed.
    Raises :class:`~desk.db.DatabaseGone`.
    """
    with tempfile.TemporaryDirectory() as folder, transaction(house.sessions) as outer:
        # What commits inside ends a savepoint only.
        inner = sessionmaker(
            outer.connection(), expire_on_commit=False, join_transaction_mode="create_savepoint"
        )
        try:
            yield replace(house, sessions=inner, spool=Spool(Path(folder)), clock=lambda: at)
        finally:
            outer.rollback()


def rehearse(house: House) -> None:
    """Hold a few calls with nobody, since the first use of each statement takes long.

    Asterisk throws keys away that are pressed while a dialog thinks: the first citizen must not pay for it.
    """
    try:
        with without_a_trace(house, house.clock()) as stage:
            with transaction(stage.sessions) as session:
                register_citizen(
                    session,
                    tax_code=_TAX_CODE,
                    first_name="Prova",
                    last_name="Xquz",
                    birth_date=_BORN,
                    address="",
                    phone_numbers=[_CALLER],
                    now=stage.clock(),
                )
            for number, keys in enumerate(_KEYS):
                journal = CallJournal(stage, f"rehearsal-{number}", _CALLER, "")
                desk = CallDesk(stage, journal, _CALLER)
                conversation = Conversation(_Empty(keys), journal, language=desk.language(), pace=desk.pace)
                journal.close(conversation.run(switchboard(desk)))
    except Exception:
        # A rehearsal that fails must not keep the telephone from being answered.
        log.exception("the rehearsal failed; the first calls will be slower")


class _Empty:
    """A line with nobody on it, on which ``keys`` are pressed and then hung up."""

    def __init__(self, keys: str) -> None:
        self._keys = list(keys)

    def play(self, prompts: Sequence[Prompt], language: str, seconds: float = 0.0) -> str:
        return self.collect(seconds) if seconds else ""

    def collect(self, seconds: float, most: int = 1) -> str:
        if not self._keys:
            raise HungUp
        return self._keys.pop(0)

    def record(self, name: str, longest: int, least: float) -> Recording | None:
        return None

    def dial(self) -> None:
        pass
