"""The configuration of a town with a back office and two counters, as it is written at start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from call_routing import exchange
from desk.keyring import open_keyring
from desk.settings import Settings
from desk.town import Town
from tests.live.harness import small_town


@pytest.fixture(scope="session")
def town() -> Town:
    small = small_town(ring_seconds=15)
    phones = small.phones
    return Town(
        phones=(replace(phones[0], label='Ufficio "A"; [x]\nauth=none'), *phones[1:3], phones[-1]),
        direct_lines=small.direct_lines,
    )


@pytest.fixture(scope="session")
def etc(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Path:
    """The folder with the written configuration."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(
        home=home,
        asterisk_root=Settings().asterisk_program_root,
        trunk_addresses=("127.0.0.1/32", "192.0.2.7"),
        trunk_uri="sip:192.0.2.7:5060",
        # Whatever is off by default is written, too.
        listening=True,
    )
    keyring = open_keyring(home, extensions=[phone.extension for phone in town.phones], logins=[])
    return exchange.write_configuration(settings, keyring, town)
