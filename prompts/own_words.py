"""The town's own words for the telephone: texts and recordings that win over those of the program.

Below the home folder: ``prompts/own.json`` holds the texts that have a sound, ``prompts/recorded`` the
recordings, ``<language>/<key>.wav``. A process that speaks looks at the first one's time of change.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from prompts.catalogue import Catalogue, load_catalogue
from prompts.files import open_folder, write_whole


def recordings(home: Path) -> Path:
    """The folder of the town's recordings. It may not be there."""
    return home.resolve() / "prompts" / "recorded"


def recording(home: Path, language: str, key: str) -> Path:
    """The town's recording of one sound. It may not be there."""
    return recordings(home) / language / f"{key}.wav"


def read_own(home: Path) -> Mapping[str, Mapping[str, str]]:
    """The town's texts by language and key; none where the file is absent or damaged."""
    try:
        found = json.loads(_file(home).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_own(home: Path, own: Mapping[str, Mapping[str, str]]) -> None:
    """Let these be the town's texts, whole or not at all."""
    open_folder(_file(home).parent)
    write_whole(_file(home), json.dumps(own, ensure_ascii=False, indent=1, sort_keys=True).encode())


def when_changed(home: Path) -> int | None:
    """When the texts were changed last (nanoseconds); ``None`` if there are none."""
    try:
        return _file(home).stat().st_mtime_ns
    except OSError:
        return None


def recordings_there(home: Path) -> Mapping[tuple[str, str], int]:
    """The town's recordings by language and key, with their times of change (nanoseconds)."""
    return {
        (file.parent.name, file.name.removesuffix(".wav")): file.stat().st_mtime_ns
        for file in recordings(home).glob("*/*.wav")
    }


def ask_anew(home: Path, language: str, key: str) -> None:
    """Ask the worker to make a sound again: with the voice wanted now, or because its file is broken."""
    marker = _asked(home) / language / key
    open_folder(marker.parent)
    marker.touch()


def asked_anew(home: Path) -> set[tuple[str, str]]:
    """The sounds that were asked for and not made since, by language and key."""
    return {(marker.parent.name, marker.name) for marker in _asked(home).glob("*/*")}


def note_made(home: Path, sounds: Collection[tuple[str, str]]) -> None:
    """These were made: nobody waits for them any more."""
    for language, key in sounds:
        (_asked(home) / language / key).unlink(missing_ok=True)


class Words:
    """The catalogue with the town's own words, read anew when those have changed. Threads may share it."""

    def __init__(self, sounds: Path, home: Path) -> None:
        self._sounds, self._home = sounds, home
        self._read: tuple[int | None, Catalogue] | None = None

    def now(self) -> Catalogue:
        """What calls that come now hear."""
        changed = when_changed(self._home)
        read = self._read
        if read is None or read[0] != changed:
            self._read = read = (changed, load_catalogue(self._sounds, own=read_own(self._home)))
        return read[1]


def _asked(home: Path) -> Path:
    return home.resolve() / "prompts" / "anew"


def _file(home: Path) -> Path:
    return home.resolve() / "prompts" / "own.json"
