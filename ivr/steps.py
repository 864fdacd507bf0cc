"""The steps a dialog can take, and the helpers that make them typed.

A dialog is a generator: it yields a step, is sent the answer and goes on. The helpers are used as
``answer = yield from choose(...)``, so that a type checker sees what comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar, cast

T = TypeVar("T")

#: Seconds of speech below which nobody said anything.
SPEECH = 0.5

#: A value inside a spoken sentence. How it is spoken (as an amount, digit by digit ...) stands in the
#: sentence's placeholder in the prompt catalogue.
Spoken: TypeAlias = int | str | date | time | Decimal | Path

#: The key that reaches a person from any menu, the one that repeats, the one that ends input.
PERSON, REPEAT, END = "0", "*", "#"


@dataclass(frozen=True, slots=True)
class Prompt:
    """One sentence of the prompt catalogue with its values."""

    key: str
    values: tuple[tuple[str, Spoken], ...] = ()


def prompt(key: str, /, **values: Spoken) -> Prompt:
    """The sentence ``key`` with ``values`` for its placeholders."""
    return Prompt(key, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """A key of a menu. ``said`` is followed by "press N"; ``None`` where the introduction names the key."""

    key: str
    value: T
    said: Prompt | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """What a caller said: a sound file and its length in seconds."""

    path: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Say:
    """Play sentences. Unless ``must_hear``, a key skips to the next question and counts there."""

    node: str
    prompts: tuple[Prompt, ...]
    must_hear: bool = False


@dataclass(frozen=True, slots=True)
class Menu(Generic[T]):
    """One key out of ``options``. With ``otherwise``, silence is an answer instead of a failed try."""

    node: str
    prompts: tuple[Prompt, ...]
    options: tuple[Option[T], ...]
    otherwise: Option[T] | None = None


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """Digits by keypad. ``parse`` turns them into the answer or ``None`` when they make no sense.

    Input ends at ``longest`` digits, at ``#`` or with a pause; ``#`` alone gives ``skip``, where there is
    one. What is typed where ``secret`` is set never reaches a log.
    """

    node: str
    prompts: tuple[Prompt, ...]
    parse: Callable[[str], T | None]
    longest: int
    secret: bool = False
    skip: Option[T] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Record what the caller says, at most ``longest`` seconds, ended by ``#`` or by silence.

    With less than ``least`` seconds of speech, nothing was said.
    """

    node: str
    prompts: tuple[Prompt, ...]
    longest: int
    least: float = SPEECH


@dataclass(frozen=True, slots=True)
class Speak:
    """Go on in another language (``"it"``, ``"en"``)."""

    language: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Put the caller through to a person: the last step of a dialog."""

    node: str
    prompts: tuple[Prompt, ...] = field(default=())


Step: TypeAlias = Say | Menu[Any] | Ask[Any] | Record | Speak | Transfer
Dialog: TypeAlias = Generator[Step, Any, T]


class Need(StrEnum):
    """Why a dialog is left for a person."""

    ASKED = "asked"
    FAILED = "failed"
    NOT_IDENTIFIED = "not_identified"
    NOT_FOUND = "not_found"
    #: What was asked for cannot be done by keypad now.
    NOT_NOW = "not_now"


class PersonNeeded(Exception):
    """Thrown into a dialog at the step where the caller wants a person, or needs one."""

    def __init__(self, need: Need) -> None:
        super().__init__(need.value)
        self.need = need


class GaveUp(PersonNeeded):
    """The caller failed every try at a step."""

    def __init__(self) -> None:
        super().__init__(Need.FAILED)


class AskedForPerson(PersonNeeded):
    """The caller pressed 0."""

    def __init__(self) -> None:
        super().__init__(Need.ASKED)


def say(node: str, *prompts: Prompt, must_hear: bool = False) -> Dialog[None]:
    """Play ``prompts``."""
    yield Say(node, prompts, must_hear)


def choose(
    node: str, *prompts: Prompt, options: Sequence[Option[T]], otherwise: Option[T] | None = None
) -> Dialog[T]:
    """The value of the option whose key is pressed (or ``otherwise``'s after silence)."""
    return cast(T, (yield Menu(node, prompts, tuple(options), otherwise)))


def ask(
    node: str,
    *prompts: Prompt,
    parse: Callable[[str], T | None],
    longest: int,
    secret: bool = False,
    skip: Option[T] | None = None,
) -> Dialog[T]:
    """What ``parse`` made of the digits typed."""
    return cast(T, (yield Ask(node, prompts, parse, longest, secret, skip)))


def record(node: str, *prompts: Prompt, longest: int, least: float = SPEECH) -> Dialog[Recording]:
    """What the caller said."""
    return cast(Recording, (yield Record(node, prompts, longest, least)))


def speak(language: str) -> Dialog[None]:
    """Go on in ``language``."""
    yield Speak(language)


def transfer(node: str, *prompts: Prompt) -> Dialog[NoReturn]:
    """Put the caller through. Nothing of the dialog runs after this."""
    yield Transfer(node, prompts)
    raise AssertionError("a dialog went on after its transfer")
