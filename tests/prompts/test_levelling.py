from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from prompts import levelling
from prompts.engines import Pico
from prompts.levelling import Audio, NotAudio, Samples, decode, encode, level, loudness

RATES = [8000, 16000]
SPOKEN = [
    ("e", "it"),
    ("tre", "it"),
    ("ventuno", "it"),
    ("quattordici", "it"),
    ("a", "it"),
    ("six", "en"),
    ("Buongiorno, questo è il centralino del Comune di Trezzo sull'Adda.", "it"),
]


@pytest.fixture(scope="module")
def pico() -> Pico:
    return Pico()


def tone(frequency: float, seconds: float, rate: int = 16000, strength: float = 0.1) -> Audio:
    at = np.arange(round(seconds * rate)) / rate
    return Audio(strength * np.sin(2 * np.pi * frequency * at), rate)


def decibels(factor: float) -> float:
    return float(20 * np.log10(factor))


def sounding(samples: Samples) -> Samples:
    heard = np.flatnonzero(samples)
    return samples[heard[0] : heard[-1] + 1]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("text", "language"), SPOKEN)
def test_all_speech_is_equally_loud_and_never_clips(pico: Pico, text: str, language: str, rate: int) -> None:
    levelled = level(pico.say(text, language), rate, tail=0.03)
    samples, _ = soundfile.read(io.BytesIO(encode(levelled, rate)))
    assert loudness(sounding(samples), rate) == pytest.approx(levelling.LOUDNESS, abs=1.5)
    assert decibels(np.abs(samples).max()) <= levelling.PEAK


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("strength", [0.003, 0.1, 1.0])
def test_quiet_and_loud_recordings_come_out_alike(rate: int, strength: float) -> None:
    levelled = level(tone(1000, 1.0, strength=strength), rate, tail=0.0)
    assert loudness(sounding(levelled), rate) == pytest.approx(levelling.LOUDNESS, abs=0.3)


@pytest.mark.parametrize("seconds", [0.05, 0.12, 0.39, 0.41])
def test_sounds_shorter_than_a_loudness_block(seconds: float) -> None:
    short, long = (level(tone(1000, length), 8000, tail=0.0) for length in (seconds, 2.0))
    assert decibels(np.abs(short).max()) == pytest.approx(decibels(np.abs(long).max()), abs=1.0)


@pytest.mark.parametrize("rate", RATES)
def test_a_shot_in_the_recording_is_held_below_the_peak(rate: int) -> None:
    audio = tone(1000, 2.0, strength=0.02)
    audio.samples[8000:8040] = 0.9
    levelled = level(audio, rate, tail=0.0)
    assert decibels(np.abs(levelled).max()) <= levelling.PEAK


def test_only_the_telephone_band_is_left() -> None:
    rate = 16000
    at = np.arange(2 * rate) / rate
    tones = [0.1 * np.sin(2 * np.pi * f * at) for f in (50, 1000, 6000, 7500)]
    audio = Audio(np.sum(tones, axis=0), rate)

    def heard(levelled: Samples, rate: int, frequency: float) -> bool:
        strength = np.abs(np.fft.rfft(levelled * np.hanning(len(levelled))))
        return bool(strength[round(frequency * len(levelled) / rate)] > strength.max() / 100)

    narrow, wide = level(audio, 8000, tail=0.0), level(audio, 16000, tail=0.0)
    assert [heard(narrow, 8000, f) for f in (50, 1000, 2000)] == [False, True, False]
    assert [heard(wide, 16000, f) for f in (50, 1000, 6000, 7500)] == [False, True, True, False]


def test_silence_around_the_sound_goes_and_the_tail_is_exact() -> None:
    inner = tone(1000, 0.5)
    padded = Audio(np.concatenate([np.zeros(16000), inner.samples, np.zeros(24000)]), 16000)
    levelled = level(padded, 8000, tail=0.2)
    assert len(levelled) / 8000 == pytest.approx(0.02 + 0.02 + 0.5 + 0.02 + 0.2, abs=0.03)
    assert not levelled[-round(0.2 * 8000) :].any()


def test_a_faint_click_after_the_end_goes() -> None:
    speech = np.concatenate(
        [tone(1000, 0.5).samples, np.zeros(8000), tone(200, 0.03, strength=0.002).samples]
    )
    clicking = Audio(np.concatenate([speech, np.zeros(4000)]), 16000)
    assert len(level(clicking, 8000, tail=0.0)) / 8000 == pytest.approx(0.56, abs=0.03)


def test_a_soft_consonant_stays() -> None:
    parts = [tone(3000, 0.1, strength=0.002), tone(500, 0.4), tone(3000, 0.1, strength=0.002)]
    soft = Audio(np.concatenate([np.zeros(8000), *(part.samples for part in parts), np.zeros(8000)]), 16000)
    assert len(level(soft, 8000, tail=0.0)) / 8000 == pytest.approx(0.66, abs=0.03)


def test_the_offline_voice_ends_where_the_word_ends(pico: Pico) -> None:
    with_stop, without = (
        len(level(pico.say(text, "it"), 8000, tail=0.0)) for text in ("ventuno.", "ventuno")
    )
    assert with_stop / 8000 == pytest.approx(without / 8000, abs=0.1)


def test_the_silence_inside_stays() -> None:
    gap = Audio(np.concatenate([tone(1000, 0.3).samples, np.zeros(16000), tone(1000, 0.3).samples]), 16000)
    assert len(level(gap, 8000, tail=0.0)) / 8000 > 1.6


@pytest.mark.parametrize("samples", [np.zeros(16000), np.zeros(0), np.full(16000, 1e-6), np.zeros(7)])
def test_silence_is_no_prompt(samples: Samples) -> None:
    with pytest.raises(NotAudio):
        level(Audio(samples, 16000), 8000, tail=0.0)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"<html>429</html>", b"\0" * 1000])
def test_what_is_no_sound_file_is_refused(data: bytes) -> None:
    with pytest.raises(NotAudio):
        decode(data)


def test_stereo_and_other_rates_are_taken() -> None:
    file = io.BytesIO()
    left = tone(1000, 1.0, rate=44100).samples
    soundfile.write(file, np.column_stack([left, left]), 44100, format="FLAC")
    audio = decode(file.getvalue())
    assert (audio.samples.ndim, audio.rate) == (1, 44100)
    assert len(level(audio, 8000, tail=0.0)) / 8000 == pytest.approx(1.02, abs=0.05)
