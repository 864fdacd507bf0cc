from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prompts import hold_music
from prompts.hold_music import SECONDS, compose, render_hold_music
from prompts.levelling import LOUDNESS, loudness

RATES = [(".wav", 8000), (".wav16", 16000)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moh")
    assert render_hold_music(folder)
    return folder


@pytest.mark.parametrize(("suffix", "rate"), RATES)
def test_one_quiet_minute(folder: Path, suffix: str, rate: int) -> None:
    [file] = folder.glob(f"*{suffix}")
    samples, real_rate = soundfile.read(io.BytesIO(file.read_bytes()))
    assert (real_rate, len(samples)) == (rate, SECONDS * rate)
    assert loudness(samples, rate) == pytest.approx(hold_music.LOUDNESS, abs=0.5)
    assert hold_music.LOUDNESS < LOUDNESS - 6
    assert np.abs(samples).max() < 10 ** (-6 / 20)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_the_loop_has_no_seam(rate: int) -> None:
    music = compose(rate)
    steps = np.abs(np.diff(music))
    assert abs(music[0] - music[-1]) <= steps.max()
    # Not by fading out: it sounds at the end as it does elsewhere.
    power = np.square(music).reshape(SECONDS, rate).mean(axis=1)
    assert power[[0, -1]].min() > power.mean() / 8
    assert power.min() > power.mean() / 20


def test_another_user_can_read_it(folder: Path) -> None:
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    assert folder.stat().st_mode & 0o777 == 0o755


def test_it_is_made_once(folder: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert not render_hold_music(folder)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == before
