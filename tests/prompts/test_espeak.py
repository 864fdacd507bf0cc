from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from prompts.engines import EngineFailed, Espeak

#: Says what espeak-ng 1.51 says to these options, and "speaks" by copying a sound.
STAND_IN = """#!/bin/sh
case "$*" in
--version) echo "eSpeak NG text-to-speech: 1.51  Data at: /usr/share/espeak-ng-data" ;;
--voices)
    echo "Pty Language       Age/Gender VoiceName          File                 Other Languages"
    echo " 5  ro              --/M      Romanian           roa/ro"
    echo " 5  sq              --/M      Albanian           ine/sq" ;;
*) cat > {folder}/text; echo "$*" > {folder}/options; {speak} ;;
esac
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, speak: str) -> None:
    program = folder / "espeak-ng"
    program.write_text(STAND_IN.format(folder=folder, speak=speak))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_without_the_program_no_language_is_spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not Espeak().speaks("ro")


def test_the_text_is_never_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "sound.wav", np.sin(np.arange(22050) / 9), 22050)
    # The program's seventh word is the name of the file to write: -b 1 -v ro -s 150 -w FILE --stdin
    install(tmp_path, monkeypatch, f"cp {tmp_path}/sound.wav $8")
    voice = Espeak()
    assert voice.speaks("ro")
    assert not voice.speaks("xx")
    assert voice.fingerprint("ro") == "espeak-ng 1.51 ro 150"
    audio = voice.say('--help "Bună ziua"', "ro")
    assert audio.rate == 22050
    assert (tmp_path / "text").read_text() == '--help "Bună ziua"'
    assert "--help" not in (tmp_path / "options").read_text()


@pytest.mark.parametrize("speak", ["exit 1", "true", "echo nothing > $8"])
def test_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speak: str) -> None:
    install(tmp_path, monkeypatch, speak)
    with pytest.raises(EngineFailed):
        Espeak().say("Bună ziua", "ro")


def test_a_program_that_does_not_run_speaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "espeak-ng").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "espeak-ng").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not Espeak().speaks("ro")


def test_the_real_program_where_it_is_installed() -> None:
    """On most machines it is not: the desk's own two languages do not need it."""
    voice = Espeak()
    if shutil.which("espeak-ng") is None:
        assert not voice.speaks("ro")
        return
    audio = voice.say("Pentru limba română, apăsați trei.", "ro")
    assert 1 < len(audio.samples) / audio.rate < 8
