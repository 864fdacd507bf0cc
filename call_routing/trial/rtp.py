"""The sound of a telephone line: hears what the exchange sends, presses keys, speaks. G.711 A-law, 8 kHz.

It replies to wherever sound comes from, so it can press keys once it has heard something.
"""

from __future__ import annotations

import io
import secrets
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
_FRAME = 160
_FRAME_SECONDS = _FRAME / RATE
_SILENCE = b"\xd5" * _FRAME
_ALAW = 8
#: The payload type of keys in a call that we make, and in one that the exchange makes: who offers names it.
KEYS, ANSWERED_KEYS = 96, 101
_MARK = 0x80
#: Events of RFC 4733, section 3.2.
_EVENTS = "0123456789*#ABCD"
#: A key lasts 100 ms.
_KEY_FRAMES = 5
#: And so long is the pause before the next one (in frames, too).
_PAUSE_FRAMES = 10
#: Likeness (see `likeness`) from which two sounds count as the same; telephone coding costs less than 0.05.
_SAME = 0.8
#: Below this level (full scale = 1) a sound file is a pause.
_QUIET = 0.001

Samples = NDArray[np.float32]


class NotHeard(AssertionError):
    """The awaited sound did not come."""


class Sound:
    """One end of a call's sound, on a free UDP port of the loopback address."""

    def __init__(self, keys: int = KEYS) -> None:
        self._keys = keys
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self._peer: tuple[str, int] | None = None
        self._heard: list[tuple[float, bytes]] = []
        #: Keys that were pressed at the other end, by when they went down (in the time of the packets).
        self._pressed: dict[bytes, str] = {}
        self._to_send: deque[tuple[int, bool, int, bytes]] = deque()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._speak)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Fall silent."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()

    @property
    def address(self) -> tuple[str, int]:
        """Where the exchange shall send its sound: goes into the SDP."""
        host, port = self._socket.getsockname()
        return host, port

    def press(self, keys: str) -> None:
        """Press keys one after the other, 0.3 s each, as quick people do; returns at once."""
        for key in keys:
            event = _EVENTS.index(key)
            frames: list[tuple[int, bool, int, bytes]] = []
            for number in range(_KEY_FRAMES + 3):
                duration = _FRAME * min(number + 1, _KEY_FRAMES)
                end = 0x80 if number >= _KEY_FRAMES else 0
                packet = struct.pack("!BBH", event, end | 10, duration)
                frames.append((self._keys, number == 0, number, packet))
            frames.extend([(_ALAW, False, 0, _SILENCE)] * _PAUSE_FRAMES)
            # At once: with a frame of silence in its middle, a key would count as two.
            self._to_send.extend(frames)

    def say(self, recording: Path) -> float:
        """Speak an 8 kHz sound file into the call; returns its length in seconds, at once."""
        samples = read_sound(recording)
        self.speak(samples)
        return len(samples) / RATE

    def speak(self, samples: Samples) -> None:
        """Speak samples between -1 and 1."""
        raw = io.BytesIO()
        soundfile.write(raw, samples, RATE, format="RAW", subtype="ALAW")
        data = raw.getvalue()
        for start in range(0, len(data), _FRAME):
            self._to_send.append((_ALAW, False, 0, data[start : start + _FRAME].ljust(_FRAME, b"\xd5")))

    def sent(self, *, timeout: float = 30) -> None:
        """Wait until all keys and words are out. Raises `NotHeard` if nobody is there to send them to."""
        end = time.monotonic() + timeout
        while self._to_send:
            if time.monotonic() > end:
                raise NotHeard("nothing came from the other side, so nothing was sent")
            time.sleep(_FRAME_SECONDS)

    def heard(self, since: float = 0) -> Samples:
        """What was heard, without the pauses in which nothing was sent; ``since`` is a monotonic time."""
        data = b"".join(payload for at, payload in list(self._heard) if at >= since)
        if not data:
            return np.zeros(0, dtype=np.float32)
        samples, _ = soundfile.read(
            io.BytesIO(data), samplerate=RATE, channels=1, format="RAW", subtype="ALAW", dtype="float32"
        )
        return np.asarray(samples, dtype=np.float32)

    @property
    def pressed(self) -> str:
        """The keys that were pressed at the other end."""
        return "".join(self._pressed.values())

    def has_heard(self, recording: Path, *, since: float = 0) -> bool:
        """Whether that 8 kHz file, or its first two seconds, was played to us."""
        return self.contains(_heart(read_sound(recording)), since=since)

    def contains(self, samples: Samples, *, since: float = 0) -> bool:
        """Whether these samples were played to us."""
        return likeness(self.heard(since), samples) > _SAME

    def wait_for(self, recording: Path, *, timeout: float, since: float = 0) -> None:
        """Wait until that file was played to us. Raises `NotHeard`."""
        end = time.monotonic() + timeout
        while not self.has_heard(recording, since=since):
            if time.monotonic() > end:
                seconds = len(self.heard(since)) / RATE
                raise NotHeard(
                    f"{recording.name} not heard in {timeout:g} s ({seconds:.1f} s of other sound)"
                )
            time.sleep(0.1)

    def wait_for_pause(self, *, seconds: float = 0.3, timeout: float = 30) -> None:
        """Wait until nothing has been said for that long after something was. Raises `NotHeard`."""
        end = time.monotonic() + timeout
        while not self._heard or time.monotonic() - self._heard[-1][0] < seconds:
            if time.monotonic() > end:
                raise NotHeard(
                    f"no pause in {timeout:g} s" if self._heard else f"nothing heard in {timeout:g} s"
                )
            time.sleep(0.02)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                packet, self._peer = self._socket.recvfrom(2048)
            except TimeoutError:
                continue
            if len(packet) <= 12:
                continue
            kind = packet[1] & 0x7F
            if kind == _ALAW:
                self._heard.append((time.monotonic(), packet[12:]))
            elif kind == self._keys and packet[12] < len(_EVENTS):
                self._pressed[packet[4:8]] = _EVENTS[packet[12]]

    def _speak(self) -> None:
        source = secrets.randbits(32)
        sequence, stamp = secrets.randbits(15), secrets.randbits(31)
        next_at = time.monotonic()
        while not self._stopped.is_set():
            next_at = max(next_at + _FRAME_SECONDS, time.monotonic() - 0.2)
            time.sleep(max(0, next_at - time.monotonic()))
            if self._peer is None:
                continue
            kind, mark, frames_back, payload = (
                self._to_send.popleft() if self._to_send else (_ALAW, False, 0, _SILENCE)
            )
            # All packets of one key carry the time at which it went down.
            header = struct.pack(
                "!BBHII",
                0x80,
                kind | (_MARK if mark else 0),
                sequence,
                (stamp - frames_back * _FRAME) & 0xFFFFFFFF,
                source,
            )
            self._socket.sendto(header + payload, self._peer)
            sequence, stamp = (sequence + 1) & 0xFFFF, (stamp + _FRAME) & 0xFFFFFFFF


def read_sound(recording: Path) -> Samples:
    """The samples of an 8 kHz sound file, between -1 and 1. Raises ValueError at another rate."""
    samples, rate = soundfile.read(recording, dtype="float32", always_2d=True)
    if rate != RATE:
        raise ValueError(f"{recording} has {rate} samples per second, not {RATE}")
    return np.asarray(samples[:, 0], dtype=np.float32)


def likeness(heard: Samples, wanted: Samples) -> float:
    """How well ``wanted`` fits the best-fitting stretch of ``heard``: 1 is the same sound, 0 another one."""
    fits = _likenesses(heard, wanted)
    return float(np.max(fits)) if len(fits) else 0.0


def follow(heard: Samples, recordings: Iterable[Path]) -> list[Path]:
    """How far ``recordings`` (8 kHz) were played one after the other, maybe with other sounds in between.

    Returns those that were not: an empty list if all were. Silent files are passed over.
    """
    missing = [recording for recording in recordings if np.max(np.abs(read_sound(recording))) > _QUIET]
    begin = 0
    while missing:
        wanted = _heart(read_sound(missing[0]))
        fits = np.flatnonzero(_likenesses(heard[begin:], wanted) > _SAME)
        if not len(fits):
            return missing
        begin += int(fits[0]) + len(wanted)
        missing = missing[1:]
    return missing


def _heart(samples: Samples) -> Samples:
    """What is looked for of a sound: a hang-up may cut the last frame, a key the first one."""
    return samples[2 * _FRAME : -2 * _FRAME][: 2 * RATE]


def _likenesses(heard: Samples, wanted: Samples) -> NDArray[np.float64]:
    """The likeness at every place of ``heard`` at which ``wanted`` may begin."""
    size = len(wanted)
    if size == 0 or len(heard) < size:
        return np.zeros(0)
    length = 1 << (len(heard) + size).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, length) * np.conj(np.fft.rfft(wanted, length)), length)
    products = product[: len(heard) - size + 1]
    sums = np.concatenate(([0.0], np.cumsum(np.square(heard, dtype=np.float64))))
    energies = np.maximum(sums[size:] - sums[:-size], 1e-9)
    total = float(np.sum(np.square(wanted, dtype=np.float64)))
    return np.asarray(products / np.sqrt(energies * max(total, 1e-9)), dtype=np.float64)
