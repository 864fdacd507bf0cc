from __future__ import annotations

import os
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prompts.catalogue import Catalogue, load_catalogue
from prompts.checking import check, missing_sounds
from prompts.engines import Engine, EngineFailed, Espeak, Pico, choose_engines
from prompts.levelling import Audio
from prompts.rendering import Report, render

CatalogueOf = Callable[..., Catalogue]

ITALIAN = """
[welcome]
greeting = "Buongiorno."

[hours]
next = "Riapriremo {day:date_weekday}, {at:at_time}."
"""


class Beep:
    """A voice that takes no time: a tone as long as the text, of a pitch of its own."""

    name = "beep"

    def __init__(self, name: str = "beep") -> None:
        self.name = name
        self.said: list[str] = []

    def speaks(self, language: str) -> bool:
        return language in ("it", "en")

    def fingerprint(self, language: str) -> str:
        return f"{self.name} 1"

    def say(self, text: str, language: str) -> Audio:
        self.said.append(text)
        return Audio(0.1 * np.sin(np.arange(800 * len(text)) / len(self.name)), 8000)


class Mute(Beep):
    """A voice out of order."""

    def say(self, text: str, language: str) -> Audio:
        super().say(text, language)
        raise EngineFailed("out of order")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    folder = tmp_path / "recorded" / "it"
    folder.mkdir(parents=True)
    return folder.parent


@pytest.fixture
def catalogue(few_fragments: None, catalogue_of: CatalogueOf) -> Catalogue:
    return catalogue_of(it=ITALIAN)


def sound_file(catalogue: Catalogue, key: str, suffix: str = ".wav") -> Path:
    return catalogue.sounds_folder / "it" / f"{key}{suffix}"


def test_every_sound_is_made_at_both_rates(catalogue: Catalogue, cache: Path) -> None:
    assert len(missing_sounds(catalogue)) == 2 * len(list(catalogue.all_sounds()))
    report = render(catalogue, [Beep()], cache)
    assert (report.fallbacks, report.failed) == ((), ())
    assert missing_sounds(catalogue) == []
    assert check(catalogue) == []
    for suffix, rate in ((".wav", 8000), (".wav16", 16000)):
        with wave.open(str(sound_file(catalogue, "welcome.greeting", suffix))) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (rate, 1, 2)
    with wave.open(str(sound_file(catalogue, "pause.group"))) as silence:
        assert silence.getnframes() == 0.4 * 8000
        assert not any(silence.readframes(3200))


def test_the_offline_voice_says_a_whole_sentence(catalogue_of: CatalogueOf, cache: Path) -> None:
    catalogue = catalogue_of(
        it='a = "Comune di Trezzo sull\'Adda."\nb = { text = "Press one.", speak = "en" }'
    )
    sentences = [sound for sound in catalogue.all_sounds() if sound.key in ("a", "b")]
    assert len(sentences) == 2
    estimate = catalogue.seconds("it", "a")
    report = render(catalogue, choose_engines("pico"), cache)
    assert report.failed == ()
    assert catalogue.seconds("it", "a") == pytest.approx(estimate, rel=0.5)
    assert sound_file(catalogue, "b").exists()


def test_the_second_time_nothing_is_made(catalogue: Catalogue, cache: Path) -> None:
    render(catalogue, [Beep()], cache)
    before = sound_file(catalogue, "welcome.greeting").stat()
    voice = Beep()
    report = render(catalogue, [voice], cache)
    assert voice.said == []
    assert report.made == 0
    assert report.kept == len(list(catalogue.all_sounds()))
    assert sound_file(catalogue, "welcome.greeting").stat() == before


@pytest.mark.usefixtures("few_fragments")
def test_only_a_changed_text_is_made_again(catalogue_of: CatalogueOf, cache: Path) -> None:
    render(catalogue_of(it=ITALIAN), [Beep()], cache)
    changed = catalogue_of(it=ITALIAN.replace("Buongiorno.", "Buonasera a tutti."))
    before = sound_file(changed, "welcome.greeting").read_bytes()
    voice = Beep()
    assert render(changed, [voice], cache).made == 1
    assert voice.said == ["Buonasera a tutti."]
    assert sound_file(changed, "welcome.greeting").read_bytes() != before


def test_a_cache_serves_several_systems(catalogue: Catalogue, cache: Path, tmp_path: Path) -> None:
    render(catalogue, [Beep()], cache)
    other = load_catalogue(tmp_path / "other", tmp_path / "texts")
    voice = Beep()
    assert render(other, [voice], cache).made == 0
    assert missing_sounds(other) == []


def test_two_renderings_at_once_do_no_harm(catalogue: Catalogue, cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: render(catalogue, [Beep()], cache), range(2)))
    assert [report.failed for report in reports] == [(), ()]
    assert missing_sounds(catalogue) == []
    assert not list(catalogue.sounds_folder.rglob(".*"))
    assert not list(cache.rglob(".*"))


def test_a_damaged_sound_is_made_again(catalogue: Catalogue, cache: Path) -> None:
    render(catalogue, [Beep()], cache)
    file = sound_file(catalogue, "welcome.greeting", ".wav16")
    file.write_bytes(b"")  # A full disk leaves such files; through the link the cache is damaged too.
    assert missing_sounds(catalogue) == [file]
    assert render(catalogue, [Beep()], cache).made == 1
    assert missing_sounds(catalogue) == []


def test_a_recording_wins(catalogue: Catalogue, cache: Path, recorded: Path) -> None:
    render(catalogue, [Beep()], cache)
    soundfile.write(recorded / "it/welcome.greeting.wav", np.sin(np.arange(44100 * 3) / 9), 44100)
    soundfile.write(recorded / "it/hours.next-1.wav", np.sin(np.arange(44100 * 2) / 9), 44100)
    soundfile.write(recorded / "it/number.21.wav", np.sin(np.arange(44100) / 9), 44100)
    voice = Beep()
    report = render(catalogue, [voice], cache, recorded=recorded)
    assert (report.recorded, report.made, voice.said) == (3, 3, [])
    assert catalogue.seconds("it", "welcome.greeting") == pytest.approx(3.2, abs=0.1)
    assert render(catalogue, [voice], cache, recorded=recorded).made == 0


def test_a_broken_recording_is_told_and_the_voice_speaks(
    catalogue: Catalogue, cache: Path, recorded: Path
) -> None:
    (recorded / "it/welcome.greeting.wav").write_bytes(b"not a sound")
    report = render(catalogue, [Beep()], cache, recorded=recorded)
    [fallback] = report.fallbacks
    assert (fallback.key, "recording" in fallback.reason) == ("welcome.greeting", True)
    assert missing_sounds(catalogue) == []


def test_a_failing_voice_lets_the_next_one_speak_and_says_so(catalogue: Catalogue, cache: Path) -> None:
    report = render(catalogue, [Mute("first"), Beep()], cache)
    assert report.failed == ()
    assert missing_sounds(catalogue) == []
    assert len(report.fallbacks) == len([sound for sound in catalogue.all_sounds() if sound.text])
    assert "first: out of order" in str(report)


def test_a_fallback_does_not_stay_when_the_wanted_voice_is_back(catalogue: Catalogue, cache: Path) -> None:
    render(catalogue, [Mute("wanted"), Beep()], cache)
    second = sound_file(catalogue, "welcome.greeting").stat().st_ino
    report = render(catalogue, [Beep("wanted"), Beep()], cache)
    assert report.fallbacks == ()
    assert sound_file(catalogue, "welcome.greeting").stat().st_ino != second


@pytest.mark.usefixtures("few_fragments")
def test_a_sound_nobody_can_say_fails_alone(catalogue_of: CatalogueOf, cache: Path) -> None:
    catalogue = catalogue_of(it='a = "Sì."\nb = { text = "Po shqip", speak = "sq" }')
    engines: list[Engine] = [Beep()]
    report = render(catalogue, engines, cache)
    [failed] = report.failed
    assert failed.key == "b"
    assert "espeak-ng" in failed.reason
    assert {file.stem for file in missing_sounds(catalogue)} == {"b"}
    [problem] = check(catalogue)
    assert problem.key == "b.wav"


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("strict_umask")
def test_another_user_can_read_the_sounds(catalogue: Catalogue, cache: Path) -> None:
    render(catalogue, [Beep()], cache)
    folder = catalogue.sounds_folder / "it"
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    assert catalogue.sounds_folder.stat().st_mode & 0o777 == 0o755


def test_another_file_system_gets_copies(
    catalogue: Catalogue, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    render(catalogue, [Beep()], cache)
    assert missing_sounds(catalogue) == []
    assert sound_file(catalogue, "welcome.greeting").stat().st_mode & 0o777 == 0o644
    copy = sound_file(catalogue, "welcome.greeting").stat().st_ino
    assert render(catalogue, [Beep()], cache).made == 0
    assert sound_file(catalogue, "welcome.greeting").stat().st_ino == copy


def test_progress_reaches_the_end(catalogue: Catalogue, cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    render(catalogue, [Beep()], cache, lambda done, total: seen.append((done, total)))
    total = len(list(catalogue.all_sounds()))
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_a_report_is_short() -> None:
    text = str(Report(made=3, kept=700, recorded=2, fallbacks=(), failed=()))
    assert text == "Prompts: 3 made, 700 unchanged, 2 recorded by people."


def test_the_offline_voice_is_the_default() -> None:
    assert [type(engine) for engine in choose_engines("pico")] == [Pico, Espeak]
    assert [engine.name for engine in choose_engines("gtts")] == ["gtts", "pico", "espeak-ng"]


@pytest.mark.parametrize("language", ["it", "en", "fr", "es", "de"])
def test_the_offline_voice_has_five_languages(language: str) -> None:
    audio = Pico().say("Uno due tre", language)
    assert audio.rate == 16000
    assert 0.05 < np.abs(audio.samples).max() < 0.99
    assert not Pico().speaks("ro")
