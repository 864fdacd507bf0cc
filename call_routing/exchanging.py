"""How the worker tells the running Asterisk of phones, lines and rules that were changed on the pages."""

from __future__ import annotations

import logging

from call_routing.exchange import ask, bring_up_to_date, is_running
from desk.db import Sessions, reading
from desk.keyring import open_keyring
from desk.settings import Settings
from desk.town import Town, read_town

log = logging.getLogger(__name__)


class Exchanging:
    """Keeps Asterisk's configuration up with the town. While nothing changes it costs a look at the town."""

    def __init__(self, settings: Settings, database: Sessions) -> None:
        self._settings = settings
        self._database = database
        self._town: Town | None = None

    def keep_up(self) -> None:
        """Write and reload what was changed.

        Raises ``OSError`` where the worker may not write the configuration, and
        :class:`~call_routing.exchange.NotRunning`: the job is then shown as failed, and tried again.
        """
        with reading(self._database) as session:
            town = read_town(session)
        if _of_asterisk(town) == self._town or not is_running(self._settings):
            return
        keyring = open_keyring(
            self._settings.home.resolve(),
            extensions=[phone.extension for phone in town.phones],
            logins=(),
            overriding=[phone.extension for phone in town.phones if phone.may_override],
        )
        written = bring_up_to_date(self._settings, keyring, town, ask)
        self._town = _of_asterisk(town)
        if written:
            log.info("Asterisk was told of changes in %s", ", ".join(written))


def _of_asterisk(town: Town) -> Town:
    """What of the town stands in Asterisk's configuration."""
    return Town(phones=town.phones, routing=town.routing, direct_lines=town.direct_lines)
