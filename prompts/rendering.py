"""Turns the catalogue into sound files: recordings first, else a voice; all through a content-hash cache.

The cache may be shared by several systems on one machine: entries are written whole and never changed.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prompts import levelling
from prompts.catalogue import SUFFIXES, TEXTS, Catalogue, Sound
from prompts.engines import Engine, EngineFailed
from prompts.files import open_folder, write_whole
from prompts.levelling import Audio, NotAudio

#: Human recordings: ``recorded/<language>/<key>.wav``.
RECORDED = TEXTS / "recorded"

_RATES = dict(zip(SUFFIXES, (8000, 16000), strict=True))
#: An empty WAV file is this long: anything up to it is no sound.
_HEADER = 44

#: Told after every sound: how many are done, how many there are.
Progress = Callable[[int, int], None]


class Origin(StrEnum):
    """Where a sound comes from."""

    RECORDED = "recorded"
    VOICE = "voice"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one sound. It is still there unless it is among ``Report.failed``."""

    language: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.language}/{self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a rendering did."""

    made: int
    #: Already in the cache.
    kept: int
    #: Of these, spoken by a person.
    recorded: int
    #: Spoken by another voice than the first choice, and why.
    fallbacks: tuple[Problem, ...]
    #: Without any sound.
    failed: tuple[Problem, ...]

    def __str__(self) -> str:
        lines = [f"Prompts: {self.made} made, {self.kept} unchanged, {self.recorded} recorded by people."]
        if self.fallbacks:
            lines.append(f"{len(self.fallbacks)} are spoken by another voice than the one wanted:")
            lines += _by_reason(self.fallbacks)
        if self.failed:
            lines.append(f"{len(self.failed)} could not be made:")
            lines += _by_reason(self.failed)
        return "\n".join(lines)


def _by_reason(problems: Sequence[Problem]) -> list[str]:
    keys: dict[str, list[str]] = {}
    for problem in problems:
        keys.setdefault(problem.reason, []).append(f"{problem.language}/{problem.key}")
    return [
        f"  {reason}: {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        for reason, names in keys.items()
    ]


@dataclass(frozen=True, slots=True)
class _Result:
    origin: Origin
    made: bool
    fallback: str = ""


class _Failed(Exception):
    pass


def render(
    catalogue: Catalogue,
    engines: Sequence[Engine],
    cache: Path,
    progress: Progress | None = None,
    *,
    recorded: Path = RECORDED,
    town: Path | None = None,
    only: Collection[tuple[str, str]] | None = None,
) -> Report:
    """Makes every sound of the catalogue that is missing or out of date.

    The engines are asked in their order; a recording wins over all of them, one of the town's (``town``)
    over those that came with the program. One failing sound does not stop the others: read the report.
    ``only`` limits it to the sounds with these languages and keys.
    """
    sounds = [
        sound for sound in catalogue.all_sounds() if only is None or (sound.language, sound.key) in only
    ]
    folders = (recorded,) if town is None else (town, recorded)
    for folder in {cache, *(catalogue.path(sound).parent for sound in sounds)}:
        open_folder(folder)
    results: list[_Result] = []
    fallbacks: list[Problem] = []
    failed: list[Problem] = []
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="voice") as pool:
        work = {pool.submit(_make, sound, catalogue, engines, cache, folders): sound for sound in sounds}
        for done, finished in enumerate(as_completed(work), start=1):
            sound = work[finished]
            try:
                result = finished.result()
            except _Failed as e:
                failed.append(Problem(sound.language, sound.key, str(e)))
            else:
                results.append(result)
                if result.fallback:
                    fallbacks.append(Problem(sound.language, sound.key, result.fallback))
            if progress:
                progress(done, len(sounds))
    made = sum(result.made for result in results)
    return Report(
        made=made,
        kept=len(results) - made,
        recorded=sum(result.origin is Origin.RECORDED for result in results),
        fallbacks=tuple(sorted(fallbacks, key=str)),
        failed=tuple(sorted(failed, key=str)),
    )


def _make(
    sound: Sound, catalogue: Catalogue, engines: Sequence[Engine], cache: Path, folders: Sequence[Path]
) -> _Result:
    target = catalogue.path(sound)
    if sound.silence:
        return _Result(Origin.SILENCE, _keep_silence(sound.silence, cache, target))
    reasons: list[str] = []
    for folder in folders:
        recording = folder / sound.language / f"{sound.key}.wav"
        if not recording.exists():
            continue
        try:
            return _Result(Origin.RECORDED, _keep_recording(recording, sound, cache, target))
        except (OSError, NotAudio) as e:
            reasons.append(f"the recording is not usable ({e})")
    able = [engine for engine in engines if engine.speaks(sound.speak)]
    for engine in able:
        try:
            made = _keep_speech(engine, sound, cache, target)
        except (EngineFailed, NotAudio) as e:
            reasons.append(f"{engine.name}: {e}")
        else:
            return _Result(Origin.VOICE, made, "; ".join(reasons))
    if not able:
        reasons.append(f"no voice speaks {sound.speak}: install espeak-ng or add a recording")
    raise _Failed("; ".join(reasons))


def voice_of(sound: Sound, catalogue: Catalogue, engines: Sequence[Engine], cache: Path) -> str | None:
    """The name of the engine whose voice is in the sound file now; ``None`` for a recording or no sound."""
    target = _file(catalogue.path(sound), SUFFIXES[0])
    for engine in engines:
        if not engine.speaks(sound.speak):
            continue
        try:
            digest = _digest(engine.fingerprint(sound.speak), sound.speak, sound.text)
        except EngineFailed:
            # A voice that is not on this machine has made nothing here.
            continue
        entry = _file(cache / digest, SUFFIXES[0])
        if entry.exists() and target.exists() and filecmp.cmp(entry, target, shallow=False):
            return engine.name
    return None


def _keep_silence(seconds: float, cache: Path, target: Path) -> bool:
    entry = cache / _digest("silence", seconds)
    fresh = not _complete(entry)
    if fresh:
        for suffix, rate in _RATES.items():
            write_whole(_file(entry, suffix), levelling.encode(levelling.silence(seconds, rate), rate))
    _install(entry, target)
    return fresh


def _keep_recording(recording: Path, sound: Sound, cache: Path, target: Path) -> bool:
    data = recording.read_bytes()
    entry = cache / _digest("recording", hashlib.sha256(data).hexdigest(), sound.text[-1:])
    return _keep(entry, target, sound, lambda: levelling.decode(data))


def _keep_speech(engine: Engine, sound: Sound, cache: Path, target: Path) -> bool:
    entry = cache / _digest(engine.fingerprint(sound.speak), sound.speak, sound.text)
    return _keep(entry, target, sound, lambda: engine.say(sound.text, sound.speak))


def _keep(entry: Path, target: Path, sound: Sound, get: Callable[[], Audio]) -> bool:
    fresh = not _complete(entry)
    if fresh:
        audio = get()
        for suffix, rate in _RATES.items():
            samples = levelling.level(audio, rate, tail=_tail(sound.text))
            write_whole(_file(entry, suffix), levelling.encode(samples, rate))
    _install(entry, target)
    return fresh


def _tail(text: str) -> float:
    """Silence after a sound: none to speak of inside a sentence, so that pieces run together."""
    if text.endswith((".", "?", "!")):
        return 0.2
    return 0.12 if text.endswith((",", ";", ":")) else 0.03


def _digest(*parts: str | float) -> str:
    described = json.dumps([levelling.VERSION, *parts])
    return hashlib.sha256(described.encode()).hexdigest()


def _file(path: Path, suffix: str) -> Path:
    # Keys have dots of their own, so with_suffix() would cut them.
    return path.with_name(path.name + suffix)


def _complete(entry: Path) -> bool:
    return all(has_sound(_file(entry, suffix)) for suffix in SUFFIXES)


def has_sound(file: Path) -> bool:
    """Whether the file is there and longer than an empty WAV file."""
    try:
        return file.stat().st_size > _HEADER
    except FileNotFoundError:
        return False


def _install(entry: Path, target: Path) -> None:
    for suffix in SUFFIXES:
        source, file = _file(entry, suffix), _file(target, suffix)
        if file.exists() and (file.samefile(source) or filecmp.cmp(source, file, shallow=False)):
            continue
        part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            try:
                part.hardlink_to(source)
            except OSError:  # Another file system, or one without links.
                shutil.copyfile(source, part)
                part.chmod(0o644)
            part.replace(file)
        finally:
            # Renaming one link of a file onto another does nothing at all, so the part may remain.
            part.unlink(missing_ok=True)


def render_text(text: str, language: str, engines: Sequence[Engine], target: Path) -> None:
    """Let the first voice that can read ``text`` into ``target`` (.wav, and .wav16 beside it).

    For texts that are not in the catalogue. Raises :class:`~prompts.engines.EngineFailed` if no voice can.
    """
    reasons: list[str] = []
    for engine in engines:
        if engine.speaks(language):
            try:
                keep_audio(engine.say(text, language), target)
            except (EngineFailed, NotAudio) as e:
                reasons.append(f"{engine.name}: {e}")
            else:
                return
    raise EngineFailed("; ".join(reasons) or f"no voice speaks {language}")


def keep_audio(audio: Audio, target: Path) -> None:
    """Level ``audio`` and write it to ``target`` (.wav) and .wav16 beside it; the .wav comes last."""
    open_folder(target.parent)
    for suffix in reversed(SUFFIXES):
        rate = _RATES[suffix]
        samples = levelling.level(audio, rate, tail=_tail("."))
        write_whole(target.with_suffix(suffix), levelling.encode(samples, rate))
