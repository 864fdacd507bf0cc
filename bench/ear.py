"""What a caller hears, and when: the time from the answer and from a key to the first sound.

All callers of a measurement are one loop on as many sockets. The kernel notes when a packet came, so that
this loop may be late without making the town look slow.
"""

from __future__ import annotations

import heapq
import io
import itertools
import secrets
import selectors
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from bench.citizens import Citizen
from bench.menu import Stage
from call_routing.trial.rtp import RATE, Samples, read_sound

#: From the answer to the first key, and from a stage's last key to the next stage's first (seconds).
THINK = 0.7

_FRAME = 160
_ALAW, _KEYS, _MARK, _END, _VOLUME = 8, 96, 0x80, 0x80, 10
_TONE_FRAMES = 5
_FRAME_SECONDS = _FRAME / RATE
_SILENCE = b"\xd5" * _FRAME
#: Speech lies above this level (RMS, full scale 1); the pause before it in a sound file does not count.
_SPEECH = 0.005
#: How alike (correlation) a packet and a sound's frame are when they are the same but for the coding.
_SAME = 0.9
#: Linux: ask for, and find, the time at which a packet came (asm-generic/socket.h).
_SO_TIMESTAMPNS = 35


@dataclass(slots=True)
class Caller:
    """One call to ``number``: what came when, and when each stage's last key had been sent."""

    number: str
    citizen: Citizen
    socket: socket.socket
    heard: list[tuple[float, bytes]] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    #: Where this caller hears; it also tells callers apart in SIPp's log.
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = int(self.socket.getsockname()[1])


@contextmanager
def callers(numbers: Sequence[str], citizens: Sequence[Citizen]) -> Iterator[list[Caller]]:
    """Callers with an open ear each."""
    with ExitStack() as stack:
        yield [
            Caller(number, citizen, stack.enter_context(_listening()))
            for number, citizen in zip(numbers, citizens, strict=True)
        ]


@contextmanager
def conversing(
    found: Sequence[Caller], stages: Sequence[Stage], answered: Callable[[], Mapping[int, int]]
) -> Iterator[None]:
    """Meanwhile the callers listen; from their answer on they send silence and the keys of all ``stages``.

    ``answered`` tells who has been answered: their port, and the exchange's port for their sound.
    """
    stopped = threading.Event()
    loop = threading.Thread(target=_converse, args=(found, stages, answered, stopped), daemon=True)
    loop.start()
    try:
        yield
    finally:
        stopped.set()
        loop.join()


def first_sound(caller: Caller, answered: float) -> float | None:
    """Seconds from ``answered`` to the first packet with sound in it, or None."""
    for at, payload in caller.heard:
        if _level(_decoded(payload)) > _SPEECH:
            return at - answered
    return None


def next_sounds(caller: Caller, stages: Sequence[Stage]) -> list[float | None]:
    """Seconds from each stage's last key to the next stage's first sound; None where it is missing."""
    times: list[float | None] = []
    for number, pressed in enumerate(caller.keys):
        wanted = _first_frame(Path(f"{stages[number + 1].sounds[0]}.wav"))
        end = caller.keys[number + 1] if number + 1 < len(caller.keys) else float("inf")
        came = (
            at for at, payload in caller.heard if pressed <= at < end and _same(_decoded(payload), wanted)
        )
        first = next(came, None)
        times.append(None if first is None else first - pressed)
    return times


def _listening() -> socket.socket:
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    ear.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    ear.setblocking(False)
    return ear


def _converse(
    found: Sequence[Caller],
    stages: Sequence[Stage],
    answered: Callable[[], Mapping[int, int]],
    stopped: threading.Event,
) -> None:
    silent = {caller.port: caller for caller in found}
    #: When, a number that is different for each, who, and what comes then.
    waiting: list[tuple[float, int, Caller, int, Iterator[_Frame]]] = []
    look_again = 0.0
    with selectors.DefaultSelector() as selector:
        for caller in found:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        while not stopped.is_set():
            now = time.time()
            if now >= look_again:
                look_again = now + _FRAME_SECONDS
                for port, peer in answered().items():
                    if begins := silent.pop(port, None):
                        heapq.heappush(waiting, (now, port, begins, peer, _speech(begins, stages)))
            while waiting and waiting[0][0] <= now:
                at, port, caller, peer, frames = heapq.heappop(waiting)
                frame = next(frames)
                for packet in frame.packets:
                    caller.socket.sendto(packet, ("127.0.0.1", peer))
                if frame.ends_stage:
                    caller.keys.append(time.time())
                heapq.heappush(waiting, (at + _FRAME_SECONDS, port, caller, peer, frames))
            until = min(look_again, waiting[0][0]) if waiting else look_again
            for key, _ in selector.select(max(0.0, until - time.time())):
                _hear(key.data)


def _hear(caller: Caller) -> None:
    try:
        packet, notes, _, _ = caller.socket.recvmsg(2048, 64)
    except OSError:
        # Refused: the call is over, and the exchange has closed the port we still send silence to.
        return
    if len(packet) > 12 and packet[1] & 0x7F == _ALAW:
        seconds, nanoseconds = struct.unpack("@ll", notes[0][2])
        caller.heard.append((seconds + nanoseconds / 1e9, packet[12:]))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is sent at one tick of 20 ms; ``ends_stage`` if the last key of a stage is over with it."""

    packets: tuple[bytes, ...]
    ends_stage: bool = False


def _speech(caller: Caller, stages: Sequence[Stage]) -> Iterator[_Frame]:
    """A whole call as RTP: silence, and the keys as telephone events (RFC 4733)."""
    source = secrets.randbits(32)
    sequence, stamp = itertools.count(), 0

    def packet(kind: int, at: int, payload: bytes, mark: int = 0) -> bytes:
        return struct.pack("!BBHII", 0x80, kind | mark, next(sequence) & 0xFFFF, at, source) + payload

    def silence(frames: int) -> Iterator[_Frame]:
        nonlocal stamp
        for _ in range(frames):
            yield _Frame((packet(_ALAW, stamp, _SILENCE),))
            stamp += _FRAME

    born = f"{caller.citizen.born:%d%m%Y}"
    for stage in stages:
        yield from silence(round(THINK / _FRAME_SECONDS))
        keys = born if stage.keys > 1 else "1" * stage.keys
        for place, key in enumerate(keys, 1):
            begin = stamp
            for _ in range(_TONE_FRAMES):
                event = struct.pack("!BBH", int(key), _VOLUME, stamp - begin)
                yield _Frame((packet(_KEYS, begin, event, 0 if stamp > begin else _MARK),))
                stamp += _FRAME
            # The end is told three times, as packets may get lost; the first one ends the key.
            event = struct.pack("!BBH", int(key), _END | _VOLUME, stamp - begin)
            ends = tuple(packet(_KEYS, begin, event) for _ in range(3))
            yield _Frame(ends, ends_stage=place == len(keys))
            stamp += _FRAME
            yield from silence(_TONE_FRAMES)
    yield from silence(sys.maxsize)


def _alaw() -> Samples:
    every = io.BytesIO(bytes(range(256)))
    samples, _ = soundfile.read(
        every, samplerate=RATE, channels=1, format="RAW", subtype="ALAW", dtype="float32"
    )
    return np.asarray(samples, dtype=np.float32)


_LEVELS = _alaw()


def _decoded(payload: bytes) -> Samples:
    return _LEVELS[np.frombuffer(payload, dtype=np.uint8)]


def _level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


@cache
def _first_frame(recording: Path) -> Samples:
    """The first frame of a sound file that is not silent."""
    samples = read_sound(recording)
    for start in range(0, len(samples) - _FRAME + 1, _FRAME):
        frame = samples[start : start + _FRAME]
        if _level(frame) > _SPEECH:
            return frame
    raise ValueError(f"{recording} is silent")


def _same(heard: Samples, wanted: Samples) -> bool:
    if len(heard) != len(wanted):
        return False
    size = float(np.linalg.norm(heard) * np.linalg.norm(wanted))
    return size > 0 and float(np.dot(heard, wanted)) / size > _SAME
