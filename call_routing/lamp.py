"""The lamp on the phones that shows whether the desk is open."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from call_routing import names
from call_routing.exchange import NoAsterisk, NotRunning, ask
from call_routing.hours import OpeningHours
from desk.db import Sessions, reading
from desk.settings import Settings
from desk.town import read_town

log = logging.getLogger(__name__)

#: The lamp is set again after this time even if nothing changed: Asterisk may have lost it.
AGAIN = timedelta(minutes=1)


def lamp_state(*, is_open: bool) -> str:
    """Asterisk's word for the state of the lamp."""
    return names.LIT if is_open else names.DARK


class Lamp:
    """Keeps Asterisk's lamp as the desk is: by the hours, at the end of an override, after restarts."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._set: tuple[str, datetime] | None = None
        self._reached = True

    def keep(self, now: datetime) -> None:
        """Set the lamp if it may not be right. Raises :class:`~desk.db.DatabaseGone`."""
        with reading(self._sessions) as session:
            town = read_town(session)
        state = lamp_state(is_open=OpeningHours.of(town).is_open(now))
        if self._set and self._set[0] == state and now - self._set[1] < AGAIN:
            return
        try:
            ask(self._settings, f"devstate change {names.LAMP} {state}")
        except (NotRunning, NoAsterisk) as e:
            if self._reached:
                log.warning("the lamp cannot be set: %s", e)
            self._set, self._reached = None, False
        else:
            self._set, self._reached = (state, now), True
