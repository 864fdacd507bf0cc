"""What every call of one process shares."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from desk.db import DatabaseGone, Sessions, connect, reading, sessions
from desk.identification import load_tables
from desk.settings import Settings
from desk.spool import Spool
from desk.town import Town, read_town
from prompts.catalogue import Catalogue, load_catalogue
from prompts.own_words import read_own, when_changed

log = logging.getLogger(__name__)

#: Seconds for which the town's data is taken from memory: a change takes effect on calls that come later.
FRESH = 5.0

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of a running system. Everything below takes the time as an argument."""
    return datetime.now(UTC)


@dataclass
class House:
    """The settings, the database, the spool, the prompts and the clock of a running process."""

    settings: Settings
    sessions: Sessions
    spool: Spool
    catalogue: Catalogue
    clock: Clock = utc_now
    _town: Town | None = None
    _read_at: float = 0.0
    _words_of: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def town(self) -> Town | None:
        """The town's data; while the database is out of reach, as it was last (``None`` if never read)."""
        with self._lock:
            if self._town is None or time.monotonic() - self._read_at > FRESH:
                try:
                    with reading(self.sessions) as session:
                        self._town = read_town(session)
                except DatabaseGone:
                    log.error("the town's data cannot be read; going on with what is known")
                self._take_new_words()
                self._read_at = time.monotonic()
            return self._town

    def _take_new_words(self) -> None:
        """The worker writes the town's own texts once they have a sound; from then on they are spoken."""
        changed = when_changed(self.settings.home)
        if changed != self._words_of:
            self.catalogue = load_catalogue(self.settings.sounds, own=read_own(self.settings.home))
            self._words_of = changed

    def read_anew(self) -> None:
        """The town's data was changed here: do not take it from memory the next time."""
        with self._lock:
            self._read_at = float("-inf")


def open_house(settings: Settings, *, clock: Clock = utc_now, database: Sessions | None = None) -> House:
    """A house for ``settings``; without ``database``, on one of its own for as long as the process runs.

    Works while it cannot be reached: calls then get what can be had without one.
    """
    house = House(
        settings,
        database or sessions(connect(settings.url)),
        Spool(settings.home.resolve() / "spool"),
        load_catalogue(settings.sounds),
        clock,
    )
    house.town()
    load_tables()
    return house
