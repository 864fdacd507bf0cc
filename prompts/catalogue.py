"""The prompt catalogue: every text the desk can say, in each language, and the sound files that say it.

``it.toml`` and ``en.toml`` hold the texts. Tables nest to dotted keys; a leaf is a text or a table with
``text`` and, for another language's voice, ``speak``::

    [welcome]
    greeting = "Comune di Trezzo sull'Adda."

    [language]
    offer = { text = "For English, press two.", speak = "en" }

    [certificate]
    ready = "Sarà pronto {day:date_weekday}, {at:at_time}."

A text with placeholders is spoken piece by piece: its fixed parts are sounds of their own
(``certificate.ready-1``, ``certificate.ready-2`` ...), the values are put together from fragments.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from prompts.speaking import (
    DIGIT_PAUSE,
    GRAMMARS,
    GROUP_PAUSE,
    LONG_PAUSE,
    PAUSES,
    SHORT_PAUSE,
    CannotSay,
    Grammar,
    Piece,
    groups_of,
)
from prompts.town_names import is_name

#: Where the texts of this town lie.
TEXTS = Path(__file__).resolve().parent

#: 8 kHz, and the name Asterisk has for 16 kHz.
SUFFIXES = (".wav", ".wav16")

#: What a placeholder can be given; see :class:`Kind`.
Spoken = int | str | dt.date | dt.time | Decimal | Path


class Kind(StrEnum):
    """How a placeholder is said, and the Python type of its value."""

    NUMBER = "number"  #: int, 0 to 999999
    CODE = "code"  #: str of digits and letters, said one by one
    DATE = "date"  #: date: "mercoledì primo aprile duemilaventisei"
    DATE_WEEKDAY = "date_weekday"  #: date: "mercoledì primo aprile"
    DATE_YEAR = "date_year"  #: date: "primo aprile duemilaventisei"
    DATE_SHORT = "date_short"  #: date: "primo aprile"
    WEEKDAY_DAY = "weekday_day"  #: date, of the coming weeks: "mercoledì dodici", "Wednesday the twelfth"
    WEEKDAY = "weekday"  #: date, or int with Monday as 0: "mercoledì"
    TIME = "time"  #: time: "nove e trenta" (after "alle ore"), "nine thirty a.m."
    AT_TIME = "at_time"  #: time: "alle nove e trenta", "all'una", "at nine thirty a.m."
    FROM_TIME = "from_time"  #: time: "dalle nove", "from nine a.m."
    TO_TIME = "to_time"  #: time: "alle dodici e quarantacinque", "to twelve forty-five p.m."
    AMOUNT = "amount"  #: Decimal or int, euro
    PROMPT = "prompt"  #: str, the key of another prompt, which has no placeholders itself
    RECORDING = "recording"  #: Path of a sound that a caller recorded


class CatalogueError(ValueError):
    """The texts cannot be used as they are; the message lists every bad entry."""


class UnknownPrompt(KeyError):
    """No text has this key in this language."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Prompt:
    """One entry of a catalogue, cut into what is fixed and what is filled in."""

    key: str
    #: As written, with the placeholders.
    template: str
    #: The language of the voice.
    speak: str
    parts: tuple[Piece | Placeholder, ...]

    @property
    def placeholders(self) -> Mapping[str, Kind]:
        return {part.name: part.kind for part in self.parts if isinstance(part, Placeholder)}


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound file that has to exist."""

    #: The folder below the sounds folder.
    language: str
    key: str
    #: What the voice reads; empty for silence.
    text: str
    #: The language of the voice.
    speak: str
    #: Length of a silence.
    silence: float = 0.0


class Catalogue:
    """All prompts of all languages. Loaded once and never changed, so threads may share it."""

    def __init__(self, sounds: Path, prompts: Mapping[str, Mapping[str, Prompt]]) -> None:
        self.sounds_folder = sounds.resolve()
        self._prompts = prompts

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._prompts)

    def keys(self, language: str) -> tuple[str, ...]:
        """The keys in the order of the file."""
        return tuple(self._prompts[language])

    def has(self, language: str, key: str) -> bool:
        """Whether that language has the sentence."""
        return key in self._prompts[language]

    def prompt(self, language: str, key: str) -> Prompt:
        """Raises :class:`UnknownPrompt`."""
        try:
            return self._prompts[language][key]
        except KeyError as e:
            raise UnknownPrompt(f"no prompt {key} in {language}") from e

    def placeholders(self, language: str, key: str) -> Mapping[str, Kind]:
        """Placeholder name to the kind of value it takes."""
        return self.prompt(language, key).placeholders

    def text(self, language: str, key: str, values: Mapping[str, Spoken] = MappingProxyType({})) -> str:
        """The whole sentence in words, exactly as it is spoken.

        Raises :class:`UnknownPrompt`, and :class:`CannotSay` for a value that is missing or cannot be said.
        """
        speak = self.prompt(language, key).speak
        sentence = ""
        for piece in self._pieces(language, key, values):
            if isinstance(piece, Path):
                sentence += f" [{_RECORDING_WORDS[speak]}]"
            elif piece.glued:
                # "a.m." brings its own full stop.
                sentence = sentence.removesuffix(piece.text if piece.key in PAUSES else "") + piece.text
            else:
                sentence += f" {piece.text}"
        return sentence.strip()

    def written(self, language: str, key: str, values: Mapping[str, Spoken] = MappingProxyType({})) -> str:
        """The sentence in words for a reader: other prompts inside are written out, other values left open.

        Raises :class:`UnknownPrompt`.
        """

        def value(found: re.Match[str]) -> str:
            inner = values.get(found[1])
            if found[2] == Kind.PROMPT and isinstance(inner, str):
                return self.prompt(language, inner).template
            return "…"

        return _PLACEHOLDER.sub(value, " ".join(self.prompt(language, key).template.split()))

    def sounds(
        self, language: str, key: str, values: Mapping[str, Spoken] = MappingProxyType({})
    ) -> tuple[str, ...]:
        """The sound files to play one after the other: absolute paths without the extension.

        Raises as :meth:`text` does.
        """
        speak = self.prompt(language, key).speak
        return tuple(self._paths(language, speak, self._pieces(language, key, values)))

    def seconds(self, language: str, key: str) -> float:
        """How long the prompt lasts, each value at a generous length.

        From the rendered files; where one is missing, estimated from the text.
        """
        prompt = self.prompt(language, key)
        total = 0.0
        for part in prompt.parts:
            if isinstance(part, Placeholder):
                total += _LENGTHS[part.kind]
            elif part.key in PAUSES:
                total += PAUSES[part.key]
            else:
                rendered = _seconds_of(self.sounds_folder / language / f"{part.key}.wav")
                total += rendered or _estimate(part.text)
        return total

    def all_sounds(self) -> Iterator[Sound]:
        """Every sound file that any prompt can need, each once."""
        for language, prompts in self._prompts.items():
            for prompt in prompts.values():
                for part in prompt.parts:
                    if isinstance(part, Piece) and part.key not in PAUSES:
                        yield Sound(language, part.key, part.text, prompt.speak)
            for key, text in self.fragments(language).items():
                yield Sound(language, key, text, language)
            for key, seconds in PAUSES.items():
                yield Sound(language, key, "", language, seconds)

    def sounds_of(self, language: str, key: str) -> list[Sound]:
        """The sounds that are the prompt's own, in order: what lies between its values.

        Raises :class:`UnknownPrompt`.
        """
        prompt = self.prompt(language, key)
        return [
            Sound(language, part.key, part.text, prompt.speak)
            for part in prompt.parts
            if isinstance(part, Piece) and part.key not in PAUSES
        ]

    def fragments(self, language: str) -> Mapping[str, str]:
        """The pieces that numbers, dates and the like are put together from: key to text.

        None for a language that only lends its voice to a sentence.
        """
        return GRAMMARS[language].fragments() if language in GRAMMARS else {}

    def path(self, sound: Sound) -> Path:
        """The sound file, without the extension."""
        return self.sounds_folder / sound.language / sound.key

    def _pieces(self, language: str, key: str, values: Mapping[str, Spoken]) -> Iterator[Piece | Path]:
        prompt = self.prompt(language, key)
        for part in prompt.parts:
            if isinstance(part, Piece):
                yield part
                continue
            if part.name not in values:
                raise CannotSay(f"{key} needs a value for {part.name}")
            value = values[part.name]
            if part.kind is Kind.RECORDING:
                yield _checked(value, Path, part)
            elif part.kind is Kind.PROMPT:
                inner = self.prompt(language, _checked(value, str, part))
                if inner.placeholders or inner.speak != prompt.speak:
                    raise CannotSay(f"{inner.key} cannot be said inside {key}")
                yield from self._pieces(language, inner.key, {})
            else:
                yield from _say(GRAMMARS[prompt.speak], part, value)

    def _paths(self, language: str, speak: str, pieces: Iterator[Piece | Path]) -> Iterator[str]:
        for piece in pieces:
            if isinstance(piece, Path):
                recording = piece.with_suffix("") if piece.suffix in SUFFIXES else piece
                yield str(recording.resolve())
            else:
                folder = speak if piece.key in self.fragments(speak) else language
                yield str(self.sounds_folder / folder / piece.key)


#: How a recorded sound is shown where it cannot be heard.
_RECORDING_WORDS: Mapping[str, str] = MappingProxyType({"it": "registrazione", "en": "recording"})

#: Seconds that a value may take: the longest usual one, at telephone pace.
_LENGTHS: Mapping[Kind, float] = MappingProxyType(
    {
        Kind.NUMBER: 2.0,
        Kind.CODE: 7.0,
        Kind.DATE: 4.5,
        Kind.DATE_WEEKDAY: 3.0,
        Kind.DATE_YEAR: 3.5,
        Kind.DATE_SHORT: 2.0,
        Kind.WEEKDAY_DAY: 2.0,
        Kind.WEEKDAY: 1.0,
        Kind.TIME: 2.5,
        Kind.AT_TIME: 3.0,
        Kind.FROM_TIME: 3.0,
        Kind.TO_TIME: 3.0,
        Kind.AMOUNT: 4.5,
        Kind.PROMPT: 3.0,
        Kind.RECORDING: 0.0,  # As long as the caller made it: not ours to limit.
    }
)


def _estimate(text: str) -> float:
    # Measured on the offline voice: about 14 characters in a second.
    return len(text) / 14


def _seconds_of(path: Path) -> float | None:
    try:
        with wave.open(str(path), "rb") as sound:
            return sound.getnframes() / sound.getframerate()
    except (OSError, EOFError, wave.Error):
        return None


T = TypeVar("T", int, str, dt.date, dt.time, Path)


def _checked(value: Spoken, kind: type[T], placeholder: Placeholder) -> T:
    # A bool is an int and a datetime a date for Python, but neither can be said as one.
    if not isinstance(value, kind) or isinstance(value, bool | dt.datetime):
        raise CannotSay(f"{placeholder.name} takes a {kind.__name__}, not a {type(value).__name__}")
    return value


def _say(grammar: Grammar, placeholder: Placeholder, value: Spoken) -> list[Piece]:
    kind = placeholder.kind
    match kind:
        case Kind.NUMBER:
            return grammar.number(_checked(value, int, placeholder))
        case Kind.CODE:
            return _spell(grammar, _checked(value, str, placeholder))
        case Kind.WEEKDAY:
            day = value if isinstance(value, int) else _checked(value, dt.date, placeholder).weekday()
            if _checked(day, int, placeholder) not in range(7):
                raise CannotSay("weekdays go from 0 to 6")
            return [grammar.weekday(day)]
        case Kind.WEEKDAY_DAY:
            coming = _checked(value, dt.date, placeholder)
            return [grammar.weekday(coming.weekday()), grammar.day_of_month(coming.day)]
        case Kind.DATE | Kind.DATE_WEEKDAY | Kind.DATE_YEAR | Kind.DATE_SHORT:
            return _date(grammar, kind, _checked(value, dt.date, placeholder))
        case Kind.TIME | Kind.AT_TIME | Kind.FROM_TIME | Kind.TO_TIME:
            at = _checked(value, dt.time, placeholder)
            return grammar.time(at.hour, at.minute, kind.removesuffix("time").removesuffix("_"))
        case Kind.AMOUNT:
            return grammar.amount(_cents(value, placeholder))
        case Kind.PROMPT | Kind.RECORDING:
            raise AssertionError(f"{kind} is resolved by the catalogue")


def _date(grammar: Grammar, kind: Kind, day: dt.date) -> list[Piece]:
    spoken = [grammar.weekday(day.weekday())] if kind in (Kind.DATE, Kind.DATE_WEEKDAY) else []
    spoken += grammar.day(day.month, day.day)
    if kind in (Kind.DATE, Kind.DATE_YEAR):
        spoken += grammar.year(day.year)
    return spoken


def _spell(grammar: Grammar, code: str) -> list[Piece]:
    if not code:
        raise CannotSay("an empty code cannot be said")
    spoken: list[Piece] = []
    for group in groups_of(code.lower()):
        if spoken:
            spoken.append(GROUP_PAUSE)
        for position, character in enumerate(group):
            if position:
                spoken.append(DIGIT_PAUSE)
            is_digit = character in "0123456789"
            spoken += grammar.number(int(character)) if is_digit else [grammar.letter(character)]
    return spoken


def _cents(value: Spoken, placeholder: Placeholder) -> int:
    euros = value if isinstance(value, Decimal) else Decimal(_checked(value, int, placeholder))
    if not euros.is_finite() or euros < 0 or euros != euros.quantize(Decimal("0.01")):
        raise CannotSay(f"{placeholder.name}: only whole cents from zero up can be said as an amount")
    return int(euros * 100)


def load_catalogue(
    sounds: Path, texts: Path = TEXTS, *, own: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> Catalogue:
    """Reads every ``<language>.toml`` in ``texts``; ``sounds`` is where the rendered files are or will be.

    ``own`` are texts of the town's that replace ours, by language and key, or name what the town has added.
    One that does not fit (any more) leaves ours in place: an old text of the town must not keep a new version
    from starting.

    Raises :class:`CatalogueError` naming every entry that is wrong.
    """
    wrong: list[str] = []
    prompts: dict[str, Mapping[str, Prompt]] = {}
    for path in sorted(texts.glob("*.toml"), key=lambda path: (path.stem != "it", path.stem)):
        language = path.stem
        if language not in GRAMMARS:
            wrong.append(f"{path.name}: nothing knows how to say numbers in {language}")
            continue
        shipped, faults = _load_language(path, path.stat().st_mtime_ns)
        wrong += faults
        known = dict(shipped)
        for key, text in own.get(language, {}).items():
            with suppress(KeyError, ValueError):
                usual = unwritten(key, language) if key not in known and is_name(key) else known[key]
                known[key] = in_own_words(usual, language, text)
        prompts[language] = MappingProxyType(known)
    for language, entries in prompts.items():
        wrong += (
            f"{language}.toml: {prompt.key}: nothing knows how to say values in {prompt.speak}"
            for prompt in entries.values()
            if prompt.placeholders and prompt.speak not in prompts
        )
    if not prompts:
        wrong.append(f"no texts in {texts}")
    if wrong:
        raise CatalogueError("The prompt texts are not usable:\n" + "\n".join(wrong))
    return Catalogue(sounds, MappingProxyType(prompts))


def unwritten(key: str, language: str) -> Prompt:
    """The sentence of something that the town has added, before anybody has written it: without values."""
    return Prompt(key, "", language, ())


def in_own_words(prompt: Prompt, language: str, text: str) -> Prompt:
    """``prompt`` with another text, which says the same values. Raises ``ValueError`` with what is wrong."""
    other = _prompt(prompt.key, {"text": text, "speak": prompt.speak}, language)
    if other.placeholders != prompt.placeholders:
        raise ValueError("the same placeholders are needed as in the text that came with the program")
    return other


@lru_cache(maxsize=8)
def _load_language(path: Path, written: int) -> tuple[Mapping[str, Prompt], Sequence[str]]:
    """The prompts of a file, and what is wrong with it.

    Pages of the town's own texts ask again and again: a file is read once for each time it was
    ``written`` (ns).
    """
    language = path.stem
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        return {}, [f"{path.name}: {e}"]
    wrong: list[str] = []
    prompts = {}
    for key, leaf in _leaves(tree):
        try:
            prompts[key] = _prompt(key, leaf, language)
        except ValueError as e:
            wrong.append(f"{path.name}: {key}: {e}")
    return prompts, wrong


def _leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        key = f"{prefix}{name}"
        # A table whose "text" is a table itself is only a key that happens to be named so.
        if isinstance(value, dict) and not isinstance(value.get("text"), str):
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


_KEY = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_PLACEHOLDER = re.compile(r"\{(\w+):(\w+)\}")


def _prompt(key: str, leaf: object, language: str) -> Prompt:
    template, speak = leaf, language
    if isinstance(leaf, dict):
        unknown = leaf.keys() - {"text", "speak"}
        if unknown:
            raise ValueError(f"only text and speak are known, not {', '.join(sorted(unknown))}")
        template, speak = leaf["text"], leaf.get("speak", language)
    if not isinstance(template, str) or not isinstance(speak, str) or not template.strip():
        raise ValueError("a text is expected")
    if not _KEY.fullmatch(key):
        raise ValueError("keys are made of a-z, 0-9, _ and dots")
    if key in GRAMMARS[language].fragments() or key in PAUSES:
        raise ValueError("this key belongs to a spoken fragment")
    return Prompt(key, template, speak, tuple(_parts(key, template)))


def _parts(key: str, template: str) -> Iterator[Piece | Placeholder]:
    """Cuts a template into sounds, pauses (punctuation between two values) and placeholders."""
    cut = _PLACEHOLDER.split(" ".join(template.split()))
    fixed, names, kinds = cut[::3], cut[1::3], cut[2::3]
    for character in "{}<>&":
        if any(character in text for text in fixed):
            raise ValueError(f"{character} cannot be spoken; a placeholder is written {{name:kind}}")
    if len(set(zip(names, kinds, strict=True))) != len(set(names)):
        raise ValueError("a placeholder has two kinds")
    number = 0
    for position, text in enumerate(fixed):
        if position > 0:
            pause, text = _leading_pause(text)
            if pause:
                yield pause
            elif text and not text.startswith(" "):
                raise ValueError("a placeholder is a word of its own: leave a space after it")
        if position < len(names) and text and not text.endswith(" "):
            raise ValueError("a placeholder is a word of its own: leave a space before it")
        if text.strip():
            number += 1
            yield Piece(f"{key}-{number}" if names else key, text.strip())
        if position < len(names):
            yield Placeholder(names[position], _kind(kinds[position]))


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError as e:
        raise ValueError(f"{name} is not a kind of placeholder; there are {', '.join(Kind)}") from e


def _leading_pause(text: str) -> tuple[Piece | None, str]:
    """Punctuation after a value is a silence: no voice can read it alone."""
    if not text or text[0] not in ".,;:?!":
        return None, text
    pause = SHORT_PAUSE if text[0] == "," else LONG_PAUSE
    return replace(pause, text=text[0]), text[1:]
