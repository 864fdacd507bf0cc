"""``exchange``: an Asterisk with nothing behind it. ``system``: a whole town with dialogs and database."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from call_routing.names import Sound as Prompt
from desk.keyring import open_keyring
from tests.live import harness

_NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Calls go by the clock, which other work can disturb: each has a second try, and tells so."""
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def exchange() -> Iterator[harness.Exchange]:
    """A private Asterisk with five phones that ring for 1 s, and nothing behind it: no AGI server answers."""
    with _bare_exchange() as private:
        yield private


@pytest.fixture
def stranger_only() -> Iterator[harness.Exchange]:
    """The same, but its trunk lives at another address: callers from here are strangers."""
    with _bare_exchange(trunk_addresses=("192.0.2.1/32",)) as private:
        yield private


@pytest.fixture
def prompts(exchange: harness.Exchange) -> dict[Prompt, Path]:
    """The files of the sentences that the dialplan of ``exchange`` plays by itself."""
    return {prompt: exchange.sounds / "it" / f"{prompt}.wav" for prompt in Prompt}


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a demo town ready to start; each system takes a copy. All workers of a run share it."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    with harness.shared_home(run / "live-home") as home:
        yield home


@pytest.fixture
def system(prepared_home: Path) -> Iterator[harness.System]:
    """The demo town on real Asterisk with its AGI server and a database of its own. Nothing else runs."""
    with _whole_system(prepared_home) as private:
        yield private


@pytest.fixture
def speaking_system(prepared_home: Path) -> Iterator[harness.System]:
    """The same as ``system``, with sounds of its own: what is spoken may be changed."""
    with _whole_system(prepared_home, own_sounds=True) as private:
        yield private


@pytest.fixture
def busy_system(prepared_home: Path) -> Iterator[harness.System]:
    """The same as ``system``, with lines for a crowd."""
    with _whole_system(prepared_home, blocks=4) as private:
        yield private


@pytest.fixture(scope="session")
def _shared_system(prepared_home: Path) -> Iterator[harness.System]:
    with _whole_system(prepared_home) as shared:
        yield shared


@pytest.fixture
def town(_shared_system: harness.System) -> Iterator[harness.System]:
    """The same, but one for many tests: they use a ``caller`` of their own and break nothing."""
    yield _shared_system
    _shared_system.everybody_leaves()


@pytest.fixture
def caller() -> str:
    """A mobile number that nobody has called from yet, of no citizen."""
    return f"+39333555{next(_NUMBERS):04d}"


@contextlib.contextmanager
def _whole_system(
    prepared_home: Path, blocks: int = 1, *, own_sounds: bool = False
) -> Iterator[harness.System]:
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(harness.home_folder())
        for item in prepared_home.iterdir():
            if item.name == "sounds" and own_sounds:
                # A new sound replaces a file; the others are those of all.
                shutil.copytree(item, home / item.name, copy_function=os.link)
            elif item.name in {"sounds", "moh"}:
                (home / item.name).symlink_to(item)
            elif item.is_file():
                shutil.copy2(item, home)
        ports = stack.enter_context(harness.port_block(blocks))
        settings = harness.settings_for(home, ports, blocks=blocks)
        town = harness.System(settings)
        stack.callback(town.stop)
        town.start()
        yield town


@contextlib.contextmanager
def _bare_exchange(**changes: Any) -> Iterator[harness.Exchange]:
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(harness.home_folder())
        settings = harness.settings_for(home, stack.enter_context(harness.port_block()), **changes)
        town = harness.small_town(ring_seconds=1)
        keyring = open_keyring(home, extensions=[phone.extension for phone in town.phones], logins=[])
        harness.write_melodies(home)
        private = harness.Exchange(settings, keyring, town)
        stack.callback(private.stop)
        private.start()
        yield private
