"""Music on hold, computed here and so free of any licence: calm broken chords, one minute, without a seam."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from prompts import levelling
from prompts.catalogue import SUFFIXES
from prompts.files import open_folder, write_whole
from prompts.levelling import Samples
from prompts.rendering import has_sound

SECONDS = 60
#: Well below the voice (-19), which has to be understood right after it.
LOUDNESS = -27.0  #: LUFS

_BARS = 16
_BAR = SECONDS / _BARS
#: Major seventh and related chords over F, as MIDI notes within the telephone's band.
_CHORDS = (
    (65, 69, 72, 76),  # F major 7
    (62, 69, 72, 77),  # D minor 7
    (67, 70, 74, 77),  # G minor 7
    (64, 67, 72, 74),  # C 9
)
#: Which note of the chord sounds on each eighth of the bar; an octave higher in the second half.
_PATTERN = (0, 1, 2, 3, 2, 1, 2, 3)
_RATES = dict(zip(SUFFIXES, (8000, 16000), strict=True))
#: Seconds a note can be heard.
_RING = 2.5
#: Changes with the music, so that an older file is made again.
_NAME = "calm-1"


def render_hold_music(folder: Path) -> bool:
    """Writes the music into ``folder`` at 8 and 16 kHz. Returns whether anything had to be written."""
    open_folder(folder)
    missing = [suffix for suffix in SUFFIXES if not has_sound(folder / f"{_NAME}{suffix}")]
    for suffix in missing:
        rate = _RATES[suffix]
        write_whole(folder / f"{_NAME}{suffix}", levelling.encode(compose(rate), rate))
    return bool(missing)


def compose(rate: int) -> Samples:
    """One minute of music at ``rate`` (Hz); its end runs on into its beginning."""
    length = SECONDS * rate
    music = np.zeros(length)
    for bar in range(_BARS):
        chord = _CHORDS[bar % len(_CHORDS)]
        for eighth, voice in enumerate(_PATTERN):
            octave = 12 if bar % 8 >= 4 and eighth % 4 == 3 else 0
            start = round((bar + eighth / len(_PATTERN)) * _BAR * rate)
            _add(music, start, _note(chord[voice] + octave, rate) * (1.0 if eighth % 4 else 1.3))
    music = levelling.keep_band(music, rate, circular=True)
    return music * levelling.gain(music, rate, LOUDNESS)


def _note(midi: int, rate: int) -> Samples:
    """A soft struck tone: a few harmonics, the higher the sooner gone."""
    seconds: Samples = np.arange(round(_RING * rate)) / rate
    pitch = 440 * 2 ** ((midi - 69) / 12)
    tone = np.zeros(len(seconds))
    for harmonic, strength in ((1, 1.0), (2, 0.35), (3, 0.12), (4, 0.05)):
        tone += strength * np.sin(2 * np.pi * pitch * harmonic * seconds) * np.exp(-seconds * 1.6 * harmonic)
    # Neither a click when it starts nor when it ends.
    tone *= np.minimum(1.0, seconds / 0.015) * np.minimum(1.0, (_RING - seconds) / 0.2)
    return tone


def _add(music: Samples, start: int, note: Samples) -> None:
    """What rings beyond the end sounds at the beginning: that is what makes the loop seamless."""
    np.add.at(music, (start + np.arange(len(note))) % len(music), note)
