"""Private systems for live tests: each an Asterisk on free ports with its own state, callers and phones."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import soundfile
from sqlalchemy import select, update
from sqlalchemy.orm import selectinload

from call_routing import exchange
from call_routing.names import Sound as Prompt
from call_routing.trial import sipp
from call_routing.trial.rtp import ANSWERED_KEYS, RATE, Samples, Sound, follow, read_sound
from desk.db import connect, reading, sessions, transaction
from desk.desk_now import Member, QueueNow, queue_now
from desk.drafts import unfinished_draft
from desk.jobs import heartbeat_file
from desk.keyring import Keyring, open_keyring
from desk.models import Call as CallRow
from desk.models import Citizen, Course, Draft, Message, PhoneNumber, Request, RoutingRules
from desk.models.town import Phone as PhoneRow
from desk.settings import PROJECT, Settings
from desk.town import DirectLine, Phone, Routing, Town, read_town
from prompts.catalogue import load_catalogue

#: By path: some packages install a module named ``tests`` of their own.
_HERE = Path(__file__).resolve().parent

#: A machine with other work to do is slow; what takes this long is broken.
PATIENCE = 20.0

#: A Tuesday morning: the desk is open.
OPEN = "2026-11-24T10:00+01:00"
#: The evening before: it is closed.
CLOSED = "2026-11-23T22:00+01:00"

#: The number of an office's own, in every town of the tests.
OFFICE_LINE = "+390200000301"

_FIRST_PORT, _LAST_PORT, _BLOCK = 20000, 32000, 60


def wait_until(condition: Callable[[], bool], what: str, timeout: float = PATIENCE) -> None:
    """Wait for a condition, not for a time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.03)


@contextlib.contextmanager
def port_block(blocks: int = 1) -> Iterator[int]:
    """The first of 60 ports (or so many times 60) that no other test on this machine uses meanwhile.

    A block is ours as long as we hold its first port open. It lies below the ports the system gives away.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    starts = list(range(_FIRST_PORT, _LAST_PORT, _BLOCK))
    shift = (worker * 20 + os.getpid()) % len(starts)
    for start in starts[shift:] + starts[:shift]:
        with contextlib.ExitStack() as guards:
            try:
                for first in range(start, start + blocks * _BLOCK, _BLOCK):
                    guard = guards.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
                    guard.bind(("127.0.0.1", first))
                    guard.listen()
            except OSError:
                continue
            yield start
            return
    raise AssertionError("no free ports")


@contextlib.contextmanager
def home_folder() -> Iterator[Path]:
    """A state folder that Asterisk's account can reach (pytest's own folders are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="centralino-live-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def shared_home(note: Path) -> Iterator[Path]:
    """A prepared home for all processes with the same ``note``: the first makes it, the last removes it."""
    lock = note.with_suffix(".lock")
    with _alone(lock):
        if not note.exists():
            home = Path(tempfile.mkdtemp(prefix="centralino-live-"))
            home.chmod(0o711)
            prepare(home)
            note.write_text(f"{home}\n", encoding="utf-8")
        home = Path(note.read_text(encoding="utf-8").split()[0])
        with note.open("a", encoding="utf-8") as users:
            users.write(f"{os.getpid()}\n")
    try:
        yield home
    finally:
        with _alone(lock):
            others = note.read_text(encoding="utf-8").split()[1:]
            others.remove(str(os.getpid()))
            note.write_text("\n".join([str(home), *others, ""]), encoding="utf-8")
            if not others:
                note.unlink()
                shutil.rmtree(home)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def settings_for(home: Path, ports: int, *, blocks: int = 1, **changes: Any) -> Settings:
    """The settings of a private system with the Asterisk that this machine has.

    Citizens are called back at the fifth port, again after a few seconds, and operators are told at once.
    """
    patience: dict[str, Any] = {
        "trunk_uri": f"sip:127.0.0.1:{ports + 5}",
        "call_back_retry_seconds": 2,
        "voice_notice_retry_seconds": 2,
        "pause_told_seconds": 1,
        "pause_asked_again_seconds": 4,
        "pause_without_worker_seconds": 15,
    }
    changes = patience | changes
    return Settings(
        home=home,
        asterisk_root=Settings().asterisk_program_root,
        sip_port=ports + 1,
        agi_port=ports + 2,
        ami_port=ports + 3,
        web_port=ports + 4,
        ws_port=ports + 6,
        wss_port=ports + 7,
        rtp_first_port=ports + 10,
        rtp_last_port=ports + blocks * _BLOCK - 1,
        **changes,
    )


def environment_for(settings: Settings) -> dict[str, str]:
    """The environment in which our own programs find these settings."""
    ours = {
        f"CENTRALINO_{name.upper()}": str(getattr(settings, name))
        for name in (
            "home",
            "asterisk_root",
            "sip_port",
            "agi_port",
            "ami_port",
            "web_port",
            "ws_port",
            "wss_port",
            "try_it",
            "listening",
            "rtp_first_port",
            "rtp_last_port",
            "trunk_uri",
            "call_back_retry_seconds",
            "call_back_tries",
            "voice_notice_retry_seconds",
            "pause_told_seconds",
            "pause_asked_again_seconds",
            "pause_without_worker_seconds",
        )
    }
    return {**os.environ, **ours}


def prepare(home: Path) -> None:
    """Make the demo town in ``home``. The rendered prompts are kept for later runs and shared."""
    cache = PROJECT / "build" / "prompt-cache"
    cache.mkdir(parents=True, exist_ok=True)
    (home / "prompt-cache").symlink_to(cache)
    # One run renders, the others find everything made.
    with _alone(cache.parent / "prompt-cache.lock"):
        done = subprocess.run(
            [sys.executable, "-m", "desk.cli", "prepare", "--demo"],
            cwd=PROJECT,
            env=environment_for(settings_for(home, _FIRST_PORT)),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise AssertionError(f"centralino prepare --demo failed:\n{done.stdout}{done.stderr}")


class Exchange:
    """A private Asterisk, and the people who use it. Everything it started ends with it."""

    def __init__(self, settings: Settings, keyring: Keyring, town: Town) -> None:
        self.settings, self.keyring, self.town = settings, keyring, town
        self.sounds = settings.sounds
        self._sipp = exchange.find_programs(settings).sipp
        self._address = (settings.sip_address, settings.sip_port)
        self._open = contextlib.ExitStack()
        self._asterisk: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        exchange.write_configuration(self.settings, self.keyring, self.town)
        self.restart()

    def restart(self) -> None:
        """Start Asterisk, maybe again."""
        with (self.settings.home / "asterisk.out").open("ab") as out:
            self._asterisk = subprocess.Popen(
                exchange.start_command(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: exchange.is_running(self.settings), "Asterisk has started")

    def reload(self) -> None:
        """Write the configuration anew and let Asterisk read it."""
        exchange.write_configuration(self.settings, self.keyring, self.town)
        self.ask("core reload")

    def kill(self) -> None:
        """Asterisk is gone from one moment to the next."""
        assert self._asterisk
        self._asterisk.kill()
        self._asterisk.wait()

    @property
    def asterisk_uid(self) -> int:
        """The user that the Asterisk process runs as."""
        assert self._asterisk
        return Path(f"/proc/{self._asterisk.pid}").stat().st_uid

    def everybody_leaves(self) -> None:
        """All calls are hung up and all phones are gone; afterwards the lines are free."""
        self._open.close()
        wait_until(lambda: not self.calls(), "all lines are free")

    def stop(self) -> None:
        self._open.close()
        if self._asterisk:
            self._asterisk.terminate()
            try:
                self._asterisk.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._asterisk.kill()
                self._asterisk.wait()

    def ask(self, command: str) -> str:
        """What Asterisk answers to a console command."""
        return exchange.ask(self.settings, command)

    @property
    def complaints(self) -> str:
        """Asterisk's log: warnings and errors since the start."""
        return (self.settings.home / "asterisk" / "log" / "messages.log").read_text(encoding="utf-8")

    @property
    def queue_log(self) -> str:
        """What the queue has recorded so far."""
        return (self.settings.home / "asterisk" / "log" / "queue_log").read_text(encoding="utf-8")

    def phone(self, extension: str, *, answer_after: float | None = None, busy: bool = False) -> DeskPhone:
        """A registered phone that answers after that many seconds, refuses as busy, or rings for ever."""
        port = sipp.free_port()
        sound = self._open.enter_context(Sound(ANSWERED_KEYS))
        device = self._open.enter_context(
            sipp.phone(self._sipp, port=port, answer_after=answer_after, busy=busy, sound=sound.address)
        )
        self.register(extension, self.keyring.phone_passwords[extension], port)
        wait_until(
            lambda: "Not in use" in self.ask(f"pjsip show endpoint {extension}"),
            f"phone {extension} is reachable",
        )
        return DeskPhone(self, extension, port, device, sound)

    def register(self, extension: str, password: str, port: int = 9) -> None:
        """Register a phone. Raises `CallFailed` with the status that refused it."""
        sipp.register(self._sipp, self._address, extension=extension, password=password, port=port)

    def citizen(self, *, answer_after: float | None = None, busy: bool = False) -> Telephone:
        """The telephone of everybody whom the town calls through the trunk."""
        port = int(self.settings.trunk_uri.rpartition(":")[2])
        sound = self._open.enter_context(Sound(ANSWERED_KEYS))
        device = sipp.phone(self._sipp, port=port, answer_after=answer_after, busy=busy, sound=sound.address)
        return Telephone(self._open.enter_context(device), sound)

    def call(
        self, *, caller: str | None = "+393331234567", number: str | None = None, keys: str = ""
    ) -> Call:
        """Call the town (or ``number``); once answered, press ``keys`` one after the other."""
        sound = self._open.enter_context(Sound())
        line = self._open.enter_context(
            sipp.call(
                self._sipp,
                self._address,
                number=number or self.settings.town_number,
                caller=caller,
                sound=sound.address,
                at_most=120,
            )
        )
        sound.press(keys)
        return Call(line, sound)

    def crowd(
        self, callers: Sequence[str], *, a_second: float, number: str | None = None, stay: float
    ) -> sipp.Sipp:
        """These callers call, so many a second; each hangs up ``stay`` seconds after the answer.

        Its ``finish`` waits for the last one, and fails if a call was not answered.
        """
        number = number or self.settings.town_number
        # Nobody listens: SIPp alone would take another port for each call.
        nowhere = ("127.0.0.1", 9)
        scenario = sipp.calling_scenario(number, "[field0]", sound=nowhere, hang_up_after=stay)
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="centralino-crowd-")))
        people = folder / "people.csv"
        people.write_text("SEQUENTIAL\n" + "".join(f"{caller};\n" for caller in callers), encoding="utf-8")
        arguments = ["-m", str(len(callers)), "-r", str(a_second), "-inf", str(people)]
        return self._open.enter_context(sipp.Sipp(self._sipp, scenario, arguments, remote=self._address))

    def call_from_phone(self, extension: str, number: str) -> Call:
        """One of our phones calls a number."""
        sound = self._open.enter_context(Sound())
        line = self._open.enter_context(
            sipp.call(
                self._sipp,
                self._address,
                number=number,
                caller=extension,
                password=self.keyring.phone_passwords[extension],
                sound=sound.address,
                at_most=120,
            )
        )
        return Call(line, sound)

    def lamp(self, extension: str, number: str) -> sipp.Sipp:
        """A phone's lamp that follows ``number``; see `sipp.watch` for its events."""
        return self._open.enter_context(
            sipp.watch(
                self._sipp,
                self._address,
                number=number,
                extension=extension,
                password=self.keyring.phone_passwords[extension],
            )
        )

    def calls(self) -> list[str]:
        """The channels that are up, one line each."""
        return self.ask("core show channels concise").split()


class System(Exchange):
    """A whole town: the demo data, its prompts, Asterisk and ``centralino agi``."""

    def __init__(self, settings: Settings) -> None:
        self.database = sessions(connect(settings.url))
        with transaction(self.database) as session:
            # A phone that nobody picks up shall not take a test's time.
            session.execute(update(PhoneRow).values(ring_seconds=1))
            # The demo's courses are open on the day on which it is loaded, not on the day of the tests.
            opens, week = datetime.fromisoformat(OPEN), timedelta(days=7)
            session.execute(
                update(Course).values(
                    enrolment_opens=opens - week, enrolment_closes=opens + week, first_lesson=opens + 5 * week
                )
            )
            session.execute(update(RoutingRules).values(wrap_up_seconds=0, announce_seconds=3))
        with transaction(self.database) as session:
            town = read_town(session)
        keyring = open_keyring(
            settings.home, extensions=[phone.extension for phone in town.phones], logins=()
        )
        super().__init__(settings, keyring, town)
        self.catalogue = load_catalogue(self.sounds)
        self._agi: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        super().start()
        self.start_agi()

    def read_town(self) -> None:
        """Take over what a test has changed in the town's data; :meth:`reload` tells Asterisk."""
        with transaction(self.database) as session:
            self.town = read_town(session)

    def start_agi(self, at: str = OPEN) -> None:
        """Start the AGI server as if it were that time, and wait until it takes calls."""
        with (self.settings.home / "agi.out").open("ab") as out:
            self._agi = subprocess.Popen(
                [sys.executable, str(_HERE / "agi_at.py"), at],
                cwd=PROJECT,
                env=environment_for(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        address = (self.settings.agi_address, self.settings.agi_port)

        def takes_calls() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
                return True
            return False

        wait_until(takes_calls, "the AGI server takes calls")

    def change_rules(self, **rules: object) -> None:
        """The town changes rules of its queue; the AGI server and Asterisk know them at once."""
        with transaction(self.database) as session:
            session.execute(update(RoutingRules).values(**rules))
        with reading(self.database) as session:
            self.town = read_town(session)
        self.reload()
        self.kill_agi()
        self.start_agi()

    def kill_agi(self) -> None:
        """The AGI server is gone from one moment to the next."""
        if self._agi:
            self._agi.kill()
            self._agi.wait()

    def stop(self) -> None:
        self.kill_agi()
        super().stop()

    def queue_now(self) -> QueueNow | None:
        """How the queue stands, as the worker keeps it for others."""
        with reading(self.database) as session:
            return queue_now(session)

    def member(self, extension: str) -> Member | None:
        """How that phone stands, as the worker keeps it for others."""
        now = self.queue_now()
        return now.members.get(extension) if now else None

    def give_number(self, e164: str, tax_code: str) -> None:
        """The citizen with that tax code has one more number."""
        with transaction(self.database) as session:
            citizen = session.scalars(select(Citizen).where(Citizen.tax_code == tax_code)).one()
            session.add(PhoneNumber(citizen=citizen, e164=e164))

    def requests(self, caller: str) -> Sequence[Request]:
        """What was filed for that number, oldest first, with periods and citizen."""
        with reading(self.database) as session:
            return session.scalars(
                select(Request)
                .where(Request.contact_e164 == caller)
                .options(selectinload(Request.periods), selectinload(Request.citizen))
                .order_by(Request.id)
            ).all()

    def request(self, caller: str) -> Request:
        """The one request of that number, once it is there."""
        wait_until(lambda: len(self.requests(caller)) > 0, "the request is filed")
        (request,) = self.requests(caller)
        return request

    def texts(self, caller: str) -> Sequence[Message]:
        """The SMS that were written to that number."""
        with reading(self.database) as session:
            return session.scalars(select(Message).where(Message.to_e164 == caller)).all()

    def story(self, caller: str, *, number: int = 1) -> CallRow:
        """The log of the n-th call from there, once its dialog has ended."""

        def ended() -> CallRow | None:
            with reading(self.database) as session:
                calls = session.scalars(
                    select(CallRow)
                    .where(CallRow.caller_e164 == caller)
                    .options(selectinload(CallRow.events))
                    .order_by(CallRow.id)
                ).all()
            return calls[number - 1] if len(calls) >= number and calls[number - 1].ended_at else None

        wait_until(lambda: ended() is not None, f"call {number} is in the log")
        call = ended()
        assert call
        return call

    def draft(self, caller: str) -> Draft | None:
        """The draft that a call from there would be offered."""
        with reading(self.database) as session:
            now = datetime.fromisoformat(OPEN)
            return unfinished_draft(session, caller, kind="certificate", now=now, hours=48)

    def speak(self, call: Call, words: Path, *, end: str = "#") -> Path:
        """Cut short the prompt that is playing, speak after the tone, press ``end``; the recording."""
        before = set(self.settings.recordings.glob("*.wav"))
        call.press("5")

        def new() -> set[Path]:
            return set(self.settings.recordings.glob("*.wav")) - before

        wait_until(lambda: len(new()) == 1, "the recording has begun")
        (recording,) = new()
        call.say(words)
        call.press(end)
        call.sound.sent()
        return recording

    @contextlib.contextmanager
    def database_gone(self) -> Iterator[None]:
        """The file of the database is not there meanwhile."""
        home = self.settings.home
        away = home / "away"
        away.mkdir()
        files = list(home.glob("centralino.sqlite*"))
        assert files
        for file in files:
            file.rename(away / file.name)
        try:
            yield
        finally:
            for file in files:
                assert not file.exists()
                (away / file.name).rename(file)

    @contextlib.contextmanager
    def worker(self, at: str = OPEN) -> Iterator[subprocess.Popen[bytes]]:
        """``centralino worker`` is at work meanwhile, as if it were that time; it may be killed."""
        heartbeat_file(self.settings).unlink(missing_ok=True)
        with (self.settings.home / "worker.out").open("ab") as out:
            worker = subprocess.Popen(
                [sys.executable, str(_HERE / "worker_at.py"), at],
                cwd=PROJECT,
                env=environment_for(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(heartbeat_file(self.settings).exists, "the worker is at work")
            yield worker
        finally:
            worker.terminate()
            assert worker.wait(PATIENCE) in {0, -signal.SIGKILL}

    @property
    def agi_output(self) -> str:
        """What the AGI server has logged."""
        return (self.settings.home / "agi.out").read_text(encoding="utf-8")

    @property
    def worker_output(self) -> str:
        """What the workers have logged."""
        return (self.settings.home / "worker.out").read_text(encoding="utf-8")

    def prompt(self, key: str, language: str = "it", **values: Any) -> Path:
        """The file of the first sound of a prompt, for `Call.hear`."""
        return self.sentence(key, language, **values)[0]

    def sentence(self, key: str, language: str = "it", **values: Any) -> list[Path]:
        """The files of all sounds of a prompt, for `Call.hear_all`."""
        return [Path(f"{sound}.wav") for sound in self.catalogue.sounds(language, key, values)]


class Call:
    """A citizen's call: SIP by ``line``, sound and keys by ``sound``."""

    def __init__(self, line: sipp.Sipp, sound: Sound) -> None:
        self.line, self.sound = line, sound

    def answered(self) -> None:
        """Wait until the town has answered."""
        self.line.wait_for("answered", PATIENCE)

    def press(self, keys: str) -> None:
        self.sound.press(keys)

    def say(self, words: Path) -> None:
        """Say what is in that file, then pause as people do: Asterisk cuts off what precedes a key."""
        self.sound.say(words)
        self.sound.speak(np.zeros(RATE // 2, dtype=np.float32))

    def hear(self, recording: Path, *, timeout: float = PATIENCE) -> None:
        """Wait until that prompt was played to the citizen."""
        self.sound.wait_for(recording, timeout=timeout)

    def hear_begin(self, recording: Path, *, timeout: float = PATIENCE) -> None:
        """Wait until that prompt has begun: it still goes on."""
        begin = read_sound(recording)[RATE // 20 : RATE]
        wait_until(lambda: self.sound.contains(begin), f"{recording.stem} has begun", timeout)

    def hear_all(self, recordings: Iterable[Path], *, timeout: float = 2 * PATIENCE) -> None:
        """Wait until all these were played to the citizen, one after the other."""
        wanted = list(recordings)
        end = time.monotonic() + timeout
        while missing := follow(self.sound.heard(), wanted):
            if time.monotonic() > end:
                names = ", ".join(recording.stem for recording in missing)
                raise AssertionError(f"not heard in {timeout:g} s: {names}")
            time.sleep(0.2)

    def hang_up(self) -> None:
        """The citizen hangs up."""
        self.line.hang_up()
        self.line.finish(PATIENCE)

    def over(self, timeout: float = PATIENCE) -> None:
        """Wait until the town has hung up."""
        self.line.wait_for("ended", timeout)


class Telephone:
    """A telephone that is called."""

    def __init__(self, device: sipp.Sipp, sound: Sound) -> None:
        self.device, self.sound = device, sound

    def rings(self, *, times: int = 1) -> None:
        """Wait until it rings (for the n-th time)."""
        self.device.wait_for("ringing", PATIENCE, times=times)

    def answered(self) -> None:
        self.device.wait_for("answered", PATIENCE)

    @property
    def events(self) -> list[str]:
        return self.device.events


class DeskPhone(Telephone):
    """A phone of the town hall."""

    def __init__(
        self, exchange: Exchange, extension: str, port: int, device: sipp.Sipp, sound: Sound
    ) -> None:
        super().__init__(device, sound)
        self.exchange, self.extension, self.port = exchange, extension, port

    @property
    def displays(self) -> list[str]:
        """What its display showed at each call, oldest first: a name and a number."""
        return [
            " ".join(re.sub(r"[<>\"]|sips?:|@.*", " ", dialog.caller).split())
            for dialog in self.device.dialogs
        ]

    def hand_to(self, target: str, *, asked: sipp.Dialog | None = None) -> int:
        """Transfer its latest call to ``target``, or to the call in which somebody was ``asked`` to take it.

        Returns the exchange's answer: 202 is yes.
        """
        settings = self.exchange.settings
        replaces = ""
        if asked:
            words = f"{asked.call_id};to-tag={asked.their_tag};from-tag={asked.our_tag}"
            replaces = f"?Replaces={quote(words, safe='')}"
        to = f"sip:{target}@{settings.sip_address}:{settings.sip_port}{replaces}"
        return _request(self, "REFER", f"Refer-To: <{to}>")

    def hang_up(self) -> None:
        """The operator hangs up first."""
        assert _request(self, "BYE") == 200


def _request(phone: DeskPhone, method: str, *more: str) -> int:
    """Send a request in the phone's latest call; the exchange's answer.

    SIPp cannot: its scenario runs by the clock, not by what a test has seen.
    """
    settings, call = phone.exchange.settings, phone.device.dialogs[-1]
    host, port = settings.sip_address, settings.sip_port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(PATIENCE)
        # A number far above those that SIPp used in the call.
        lines = (
            f"{method} sip:{host}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{line.getsockname()[1]};branch=z9hG4bK{uuid.uuid4().hex}",
            f"From: <sip:{phone.extension}@{host}>;tag={call.our_tag}",
            f"To: <sip:{host}>;tag={call.their_tag}",
            f"Call-ID: {call.call_id}",
            f"CSeq: 1000 {method}",
            f"Contact: <sip:{phone.extension}@127.0.0.1:{phone.port}>",
            *more,
            "Max-Forwards: 70",
            "Content-Length: 0",
        )
        line.sendto("\r\n".join([*lines, "", ""]).encode(), (host, port))
        while True:
            status = int(line.recv(4096).decode().split()[1])
            if status >= 200:
                return status


def melody(seed: int, seconds: float = 0.8) -> Samples:
    """A sound that is told apart from every other: band-limited noise that grows out of the seed."""
    noise = np.random.default_rng(seed).standard_normal(int(seconds * RATE))
    smooth = np.convolve(noise, np.ones(4) / 4, mode="same")
    return np.asarray(0.3 * smooth / np.max(np.abs(smooth)), dtype=np.float32)


def write_melodies(home: Path) -> dict[Prompt, Path]:
    """Stand-ins for the prompts that the dialplan plays, quick to make, and music on hold."""
    files = {}
    for folder in (home / "sounds" / "it", home / "moh"):
        folder.mkdir(parents=True)
    for seed, prompt in enumerate(Prompt):
        files[prompt] = home / "sounds" / "it" / f"{prompt}.wav"
        soundfile.write(files[prompt], melody(seed), RATE, subtype="PCM_16")
    soundfile.write(home / "moh" / "music.wav", melody(99, 3.0), RATE, subtype="PCM_16")
    return files


def small_town(*, ring_seconds: int) -> Town:
    """The report's phones: one back office and four counters, with short ring times; and an office."""
    counters = [Phone(f"10{n}", "counter", f"Sportello {n}", ring_seconds) for n in range(1, 5)]
    office = Phone("301", "office", "Ufficio tecnico", ring_seconds)
    return Town(
        phones=(Phone("201", "back_office", "Back office", ring_seconds), *counters, office),
        direct_lines=(DirectLine(OFFICE_LINE, "Ufficio tecnico", ("301",)),),
        routing=Routing(wrap_up_seconds=0, announce_seconds=3),
    )
