"""Makes one voice for the telephone out of recordings and engines that are all of different loudness.

Every sound is trimmed, limited to the band of the line, brought to the same loudness (EBU R 128) and kept
below a peak that no later step of the line can clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

#: Changes whenever the result for the same input would: it is part of the cache key.
VERSION = 3

LOUDNESS = -19.0  #: LUFS
PEAK = -3.0  #: dBFS, never exceeded

Samples = NDArray[np.float64]

#: Sample rate to the band that is kept, in Hz: the telephone's, and that of G.722.
BANDS = {8000: (300.0, 3400.0), 16000: (80.0, 7000.0)}

#: The shortest sound that the loudness meter can judge, in seconds: one gating block.
_BLOCK = 0.4
#: Against the loudest 10 ms, in dB. A sound begins and ends where it falls below the first ...
_SILENCE = -38.0
#: ... but a stretch of sound that never reaches this is none: the offline voice clicks half a second after a
#: full stop. Soft consonants belong to the stretch of their vowel.
_SPEECH = -28.0
#: Frames of 10 ms: a longer gap divides two stretches (before a final "t" there is a short one) ...
_GAP = 15
#: ... and so many are kept before the first and after the last.
_MARGIN = 2
_LEAD = 0.02
_FADE = 0.004


class NotAudio(ValueError):
    """These bytes hold no sound that can be used."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono sound as it came from an engine or a recording, full scale at 1.0."""

    samples: Samples
    rate: int


def decode(data: bytes) -> Audio:
    """Reads WAV, MP3, FLAC or Ogg; several channels are mixed. Raises :class:`NotAudio`."""
    try:
        samples, rate = soundfile.read(BytesIO(data), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as e:
        raise NotAudio("not a sound file that can be read") from e
    return Audio(samples.mean(axis=1), int(rate))


def level(audio: Audio, rate: int, *, tail: float) -> Samples:
    """The sound as it is played at ``rate`` (8000 or 16000), with ``tail`` seconds of silence behind it.

    Raises :class:`NotAudio` where there is only silence.
    """
    trimmed = _trim(audio)
    samples = soxr.resample(trimmed, audio.rate, rate, quality="HQ")
    samples = keep_band(samples, rate)
    # Limiting takes a little loudness away, which the second round gives back.
    for _ in range(2):
        samples = _limit(samples * gain(samples, rate), rate)
    fade = round(_FADE * rate)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade)) ** 2
    samples[:fade] *= ramp[: len(samples)]
    samples[-fade:] *= ramp[::-1][-len(samples) :]
    return np.concatenate([silence(_LEAD, rate), samples, silence(tail, rate)])


def silence(seconds: float, rate: int) -> Samples:
    return np.zeros(round(seconds * rate))


def encode(samples: Samples, rate: int) -> bytes:
    """A RIFF WAV file of 16 bits, which Asterisk plays as ``.wav`` (8 kHz) or ``.wav16`` (16 kHz)."""
    file = BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def loudness(samples: Samples, rate: int) -> float:
    """LUFS; minus infinity for silence. A sound shorter than a block is judged as if it went on."""
    shortest = round(_BLOCK * rate) + 1
    if len(samples) < shortest:
        samples = np.tile(samples, -(-shortest // max(len(samples), 1)))
    return float(_meter(rate).integrated_loudness(samples))


@cache
def _meter(rate: int) -> Any:
    # Imported late: it brings SciPy (a second), which a start with warm cache does not need.
    import pyloudnorm

    return pyloudnorm.Meter(rate, block_size=_BLOCK)


def gain(samples: Samples, rate: int, wanted: float = LOUDNESS) -> float:
    """The factor that brings the samples to the ``wanted`` loudness (LUFS)."""
    return float(10 ** ((wanted - loudness(samples, rate)) / 20))


def _trim(audio: Audio) -> Samples:
    frame = audio.rate // 100
    frames = len(audio.samples) // frame
    power = np.square(audio.samples[: frames * frame]).reshape(frames, frame).mean(axis=1)
    loudest = power.max(initial=0.0)
    # Below this absolute level nothing is speech: an engine's dither must not be amplified.
    if loudest < 1e-8:
        raise NotAudio("only silence")
    audible = np.flatnonzero(power > loudest * 10 ** (_SILENCE / 10))
    stretches = np.split(audible, np.flatnonzero(np.diff(audible) > _GAP) + 1)
    spoken = [part for part in stretches if power[part].max() > loudest * 10 ** (_SPEECH / 10)]
    first, last = spoken[0][0], spoken[-1][-1]
    return audio.samples[max(first - _MARGIN, 0) * frame : (last + 1 + _MARGIN) * frame]


def keep_band(samples: Samples, rate: int, *, circular: bool = False) -> Samples:
    """Takes away what the line does not carry. ``circular`` is for a sound that is played in a loop."""
    low, high = BANDS[rate]
    # The padding keeps the filter's ringing from wrapping round to the other end, and an even length
    # keeps the transform fast.
    length = len(samples) if circular else 1 << (len(samples) + rate // 10).bit_length()
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    rise = np.clip((frequencies - low * 0.8) / (low * 0.2), 0, 1)
    fall = np.clip((high * 1.05 - frequencies) / (high * 0.05), 0, 1)
    shape = np.sin(rise * np.pi / 2) ** 2 * np.sin(fall * np.pi / 2) ** 2
    return np.fft.irfft(np.fft.rfft(samples, length) * shape, length)[: len(samples)]


def _limit(samples: Samples, rate: int) -> Samples:
    """Turns the loudest instants down smoothly instead of clipping them."""
    # Rounding to 16 bits must not lift a sample above the limit.
    ceiling = 10 ** (PEAK / 20) - 1 / 32768
    if np.abs(samples).max() <= ceiling:
        return samples
    wanted = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
    reach = rate // 500
    lowest = np.lib.stride_tricks.sliding_window_view(
        np.pad(wanted, 2 * reach, mode="edge"), 2 * reach + 1
    ).min(axis=-1)
    smooth = np.convolve(lowest, np.full(2 * reach + 1, 1 / (2 * reach + 1)), mode="valid")
    return samples * smooth
