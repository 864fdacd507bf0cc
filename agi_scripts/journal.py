"""The call log of one call, collected while it goes on and written a few times in between."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from agi_scripts.house import House
from desk.call_log import CallEnd, CallRecord, Event, log_call
from desk.db import DatabaseGone, transaction
from desk.replay import CALL
from ivr.conversation import Ending, Happening

log = logging.getLogger(__name__)


class CallJournal:
    """Notes what happens in call ``unique_id`` (Asterisk's) of ``caller`` (E.164 or ``None``)."""

    def __init__(
        self, house: House, unique_id: str, caller: str | None, called: str, *, first: int = 1
    ) -> None:
        """``first`` numbers the first event: a second conversation of a call needs numbers of its own."""
        self._house = house
        self.unique_id = unique_id
        self._caller = caller
        self._called = called
        self._waiting: list[Event] = []
        self._seq = self._first = first
        self._started = house.clock()
        #: All that happened so far.
        self.course: list[Event] = []

    def note(self, node: str, happening: Happening, detail: str = "") -> None:
        event = Event(self._seq, node, happening.value, detail, self._house.clock())
        self.course.append(event)
        self._waiting.append(event)
        self._seq += 1

    def write(self, change: Callable[[Session], object]) -> None:
        """Make ``change`` and write what was noted since the last time, in one transaction.

        So a process that dies takes little of the log with it. Without a database both are left out.
        """
        self._write(None, change)

    def close(self, ending: Ending) -> None:
        """Write the rest and how the call ended. Without a database it goes to the spool."""
        self._write(ending)

    def go_on(self) -> None:
        """Write what was noted. How the call ended is for another conversation to say, or has been said."""
        self._write(None)

    def _write(self, ending: Ending | None, change: Callable[[Session], object] | None = None) -> None:
        end = None
        if ending is not None:
            end = CallEnd(
                outcome=ending.outcome.value,
                language=ending.language,
                last_node=ending.node,
                at=self._house.clock(),
            )
        record = CallRecord(
            unique_id=self.unique_id,
            caller=self._caller,
            called=self._called,
            started_at=self._started,
            events=tuple(self._waiting),
            end=end,
        )
        try:
            with transaction(self._house.sessions, durable=False) as session:
                log_call(session, record)
                if change is not None:
                    change(session)
        except DatabaseGone:
            if end is None:
                log.error("call %s: the database is out of reach", self.unique_id)
            else:
                self._spool(record, end.at)
            return
        self._waiting.clear()

    def _spool(self, record: CallRecord, now: datetime) -> None:
        try:
            self._house.spool.put(CALL, f"{self.unique_id}-{self._first}", record, now=now)
        except OSError:
            # A log is not worth a citizen's call: go on without it.
            log.exception("call %s: neither database nor disk take its log", self.unique_id)
        else:
            log.error("call %s: the database is out of reach, its log waits in the spool", self.unique_id)
