"""A telephone line of :mod:`ivr.conversation` on an AGI session."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from agi_scripts.session import Session
from ivr.steps import END, SPEECH, Prompt, Recording
from prompts.catalogue import Catalogue

#: Characters of one command that name sounds; Asterisk takes lines of up to 2048.
LONGEST = 1600
#: Seconds to wait where no time is given for a key: Asterisk takes 0 for its own default.
NO_TIME = 0.01
#: A pause (seconds) after which digits that are typed in one go are looked at.
PAUSE = 1.5
#: The tone after which to speak; the dialplan plays the same (asterisk-conf/extensions.conf).
TONE = (("PlayTones", "!1000/300,!0"), ("Wait", "0.4"), ("StopPlayTones", ""))
#: Seconds of silence that end a recording.
SILENCE = 4
#: Speech on a telephone lies well above this level (RMS of 20 ms, full scale = 1), line noise below it.
LOUD = 0.01


class AgiLine:
    """Plays the catalogue's sounds, collects keys and records into ``recordings``.

    Raises :class:`~ivr.conversation.HungUp` from every method once the caller is gone.
    """

    def __init__(self, session: Session, catalogue: Catalogue, recordings: Path, call: str) -> None:
        self._session = session
        self._catalogue = catalogue
        self._recordings = recordings
        self._call = call
        self.dialled = False

    def play(self, prompts: Sequence[Prompt], language: str, seconds: float = 0.0) -> str:
        # Asterisk throws away keys that are pressed between two AGI commands, so all sounds, and the wait for
        # a key after them, are one command wherever its length allows.
        *first, last = _lines(
            sound
            for prompt in prompts
            for sound in self._catalogue.sounds(language, prompt.key, dict(prompt.values))
        ) or [""]
        for sounds in first:
            if key := self._session.read_keys(sounds, NO_TIME):
                return key
        return self._session.read_keys(last, max(seconds, NO_TIME))

    def collect(self, seconds: float, most: int = 1) -> str:
        if most == 1:
            return self._session.wait_for_digit(int(seconds * 1000))
        # Digits typed in one go are one command. It ends at every pause, for only then it tells of a ``*``.
        for pause in _pauses(seconds):
            if keys := self._session.read_keys("", pause, most):
                return keys
        return ""

    def record(self, name: str, longest: int, least: float) -> Recording | None:
        path = self._recordings / f"{self._call}-{name}"
        # Not RECORD FILE's own BEEP: where the voice package with "beep" is missing, it fails like a hang-up.
        for application, options in TONE:
            self._session.appexec(application, options)
        self._session.record_file(str(path), "wav", END, longest * 1000, beep="", silence=SILENCE)
        return heard(path.with_name(path.name + ".wav"), least)

    def dial(self) -> None:
        self.dialled = True


def _pauses(seconds: float) -> Iterator[float]:
    """``seconds`` of silence in pieces of at most :data:`PAUSE`."""
    while seconds > 0:
        yield min(seconds, PAUSE)
        seconds -= PAUSE


def _lines(sounds: Iterable[str]) -> list[str]:
    """Sounds joined for ``Read``, in as few commands as their length allows."""
    lines: list[str] = []
    for sound in sounds:
        if lines and len(lines[-1]) + len(sound) < LONGEST:
            lines[-1] += f"&{sound}"
        else:
            lines.append(sound)
    return lines


def heard(path: Path, least: float = SPEECH) -> Recording | None:
    """The recording at ``path`` (8 kHz mono wav).

    ``None``, and no file left, if there are less than ``least`` seconds of speech in it.
    """
    try:
        with wave.open(str(path)) as sound:
            rate = sound.getframerate()
            samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2") / 32768
    except FileNotFoundError:
        return None
    except (EOFError, wave.Error):
        samples, rate = np.zeros(0), 8000
    frame = rate // 50
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    speech = np.count_nonzero(np.sqrt(np.mean(frames**2, axis=1)) > LOUD) / 50 if len(frames) else 0
    if speech < least:
        path.unlink()
        return None
    return Recording(path, len(samples) / rate)
