"""A private town for measurements: its own folder, ports, database, Asterisk and AGI server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agi_scripts.house import House, open_house
from bench.citizens import Citizen, register
from bench.menu import Stage, as_dialplan, stages
from call_routing import exchange
from desk.cli.preparing import prepare_system
from desk.db import Sessions, reading, transaction
from desk.keyring import Keyring
from desk.models import Call, Message, Request
from desk.settings import PROJECT, Settings
from desk.town import read_town

#: A machine with other work to do is slow; what takes this long (seconds) is broken.
PATIENCE = 30.0

#: Above the ports that the system gives away by itself; a block holds the sound of 1000 calls at once.
_FIRST_PORTS = (61000, 63200)
_RTP_PORTS = 2000

_TICKS = os.sysconf("SC_CLK_TCK")


class NotMeasured(RuntimeError):
    """A measurement could not be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Filed:
    """How many rows there are: requests, their receipts in the outbox, calls with a logged end."""

    requests: int
    receipts: int
    ended_calls: int

    @property
    def complete(self) -> int:
        """Requests with their receipt: every citizen of the bench has agreed to receipts."""
        return min(self.requests, self.receipts)


class Town:
    """The running system. Numbers to dial are in :mod:`bench.menu`."""

    def __init__(self, settings: Settings, keyring: Keyring, house: House) -> None:
        self.settings, self._keyring, self._house = settings, keyring, house
        self._citizens: list[Citizen] = []
        self.stages: tuple[Stage, ...] = ()
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def sessions(self) -> Sessions:
        """The database."""
        return self._house.sessions

    @property
    def passwords(self) -> Mapping[str, str]:
        """Of the phones, by extension."""
        return self._keyring.phone_passwords

    def populate(self, count: int) -> None:
        """Register that many citizens; one of them asks for a certificate, to see what the dialog plays."""
        with transaction(self._house.sessions) as session:
            self._citizens = register(session, count, datetime.now(UTC))
        self.stages = stages(self._house, self._citizens.pop())

    def citizens(self, count: int) -> list[Citizen]:
        """So many citizens who have not called yet."""
        if count > len(self._citizens):
            raise NotMeasured("not enough citizens were registered")
        taken, self._citizens = self._citizens[:count], self._citizens[count:]
        return taken

    def start(self) -> None:
        """Start Asterisk with the bench's own contexts, and the AGI server."""
        with reading(self._house.sessions) as session:
            etc = exchange.write_configuration(self.settings, self._keyring, read_town(session))
        with (etc / "extensions.conf").open("a", encoding="utf-8") as dialplan:
            dialplan.write(as_dialplan(self.stages, self.settings))
        # Not as the account of Asterisk: the scripts it starts once per call need our Python and database.
        asterisk = [*exchange.find_programs(self.settings).asterisk, "-f", "-n", "-C"]
        self._start([*asterisk, str(etc / "asterisk.conf")], "asterisk")
        self._wait_until(lambda: exchange.is_running(self.settings), "Asterisk has started")
        self._start([sys.executable, "-m", "desk.cli", "agi"], "agi")
        self._wait_until(self._takes_calls, "the AGI server takes calls")

    def start_worker(self) -> None:
        """Start the worker, too: it takes in what Asterisk records."""
        self._start([sys.executable, "-m", "desk.cli", "worker"], "worker")

    def stop(self) -> None:
        """End what was started."""
        for process in self._processes:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far: by Asterisk, by the processes it started and ended, by the AGI server."""
        asterisk, agi = (_cpu(process.pid) for process in self._processes[:2])
        return {"asterisk": asterisk[0], "scripts": asterisk[1], "agi": agi[0]}

    def filed(self) -> Filed:
        """What is in the database now."""
        with reading(self._house.sessions) as session:
            return Filed(
                *(
                    session.scalar(query) or 0
                    for query in (
                        select(func.count()).select_from(Request),
                        select(func.count()).select_from(Message),
                        select(func.count()).select_from(Call).where(Call.ended_at.is_not(None)),
                    )
                )
            )

    def dead_ends(self, after: int) -> dict[str, int]:
        """Where calls without a request ended, leaving out the first ``after`` calls: node and how many."""
        with reading(self._house.sessions) as session:
            rows = session.execute(
                select(Call.last_node, func.count())
                .outerjoin(Request, Request.call_id == Call.id)
                .where(Call.id > after, Request.id.is_(None))
                .group_by(Call.last_node)
            )
            return {node or "(no end)": count for node, count in rows.tuples()}

    def wait_until_idle(self, calls: int) -> None:
        """Wait until no call is up, no script is running, and the call log has ``calls`` calls that ended."""
        self._wait_until(lambda: self.calls() == 0, "all calls are over")
        self._wait_until(lambda: not _children(self._processes[0].pid), "the scripts have ended")
        # A call that was not logged is counted by who asks.
        with contextlib.suppress(NotMeasured):
            self._wait_until(lambda: self.filed().ended_calls >= calls, "the calls are logged", seconds=5)

    def calls(self) -> int:
        """Channels that are up."""
        return len(exchange.ask(self.settings, "core show channels concise").split())

    def complaints(self) -> str:
        """Warnings and errors of Asterisk and of the AGI server."""
        names = ("asterisk/log/messages.log", "agi.out")
        texts = [
            path.read_text(encoding="utf-8", errors="replace")
            for path in (self.settings.home / name for name in names)
            if path.exists()
        ]
        return "".join(line for text in texts for line in text.splitlines(keepends=True) if _bad(line))

    def _start(self, command: list[str], name: str) -> None:
        with (self.settings.home / f"{name}.out").open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=PROJECT,
                    env=_environment(self.settings),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            )

    def _takes_calls(self) -> bool:
        with contextlib.suppress(OSError):
            address = (self.settings.agi_address, self.settings.agi_port)
            with socket.create_connection(address, timeout=1):
                return True
        return False

    def _wait_until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise NotMeasured(f"not within {seconds:g} s: {what}")
            time.sleep(0.1)


@contextlib.contextmanager
def private_town(citizens: int, change: Callable[[Session], object] | None = None) -> Iterator[Town]:
    """A started town with that many more citizens. Nothing of it is left afterwards.

    ``change`` makes its data what they have to be, before it starts.
    """
    with _ports() as first, tempfile.TemporaryDirectory(prefix="centralino-bench-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        settings = Settings(
            home=home,
            asterisk_root=Settings().asterisk_program_root,
            sip_port=first + 1,
            agi_port=first + 2,
            ami_port=first + 3,
            web_port=first + 4,
            rtp_first_port=first + 100,
            rtp_last_port=first + 100 + _RTP_PORTS - 1,
        )
        with _shared_prompts(home):
            keyring = prepare_system(settings, demo=True)
        town = Town(settings, keyring, open_house(settings))
        try:
            click.echo("Starting a town of its own ...", err=True)
            town.populate(citizens + 1)
            if change is not None:
                with transaction(town.sessions) as session:
                    change(session)
            town.start()
            yield town
        finally:
            town.stop()


@contextlib.contextmanager
def _ports() -> Iterator[int]:
    """The first port of a block that is ours as long as we hold that port open."""
    for first in _FIRST_PORTS:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as guard:
            try:
                guard.bind(("127.0.0.1", first))
            except OSError:
                continue
            guard.listen()
            yield first
            return
    raise NotMeasured("other measurements run on this machine")


@contextlib.contextmanager
def _shared_prompts(home: Path) -> Iterator[None]:
    """Rendered prompts are kept for later runs and shared with the live tests; one process renders."""
    cache = PROJECT / "build" / "prompt-cache"
    cache.mkdir(parents=True, exist_ok=True)
    (home / "prompt-cache").symlink_to(cache)
    with (cache.parent / "prompt-cache.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment(settings: Settings) -> dict[str, str]:
    """The environment in which our own programs find these settings."""
    ours = {f"CENTRALINO_{name.upper()}": str(getattr(settings, name)) for name in settings.model_fields_set}
    # Compiled modules are kept, as they are in real use: without them a process per call starts more slowly.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **ours}


def _cpu(pid: int) -> tuple[float, float]:
    """CPU seconds (user and system) of a process with all its threads, and of its children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError as e:
        raise NotMeasured("a process of the town has ended") from e
    # Fields 14 to 17 of proc(5); the first one here is field 3.
    own, system, children, children_system = (int(field) / _TICKS for field in fields[11:15])
    return own + system, children + children_system


def _children(pid: int) -> list[str]:
    """The processes that a process has started and that it has not seen the end of."""
    tasks = Path(f"/proc/{pid}/task")
    children: list[str] = []
    for task in tasks.iterdir():
        # A thread may end while we look.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children += (task / "children").read_text().split()
    return children


def _bad(line: str) -> bool:
    return any(word in line for word in ("ERROR", "WARNING", "Traceback"))
