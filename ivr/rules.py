"""The rules for menus, and what breaks them: short, shallow, a person within reach, everything sayable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ivr.conversation import menu_prompts
from ivr.steps import END, PERSON, REPEAT, Menu, Prompt, Speak, Spoken
from ivr.switchboard import LANGUAGE
from ivr.walk import FIRST_MENU, Walked

#: The most options of a menu beside 0 and the language, its longest duration, the most levels of menus.
OPTIONS, SECONDS, LEVELS = 4, 20.0, 3


class Speech(Protocol):
    """The texts and their sounds, as far as the rules need them."""

    @property
    def languages(self) -> tuple[str, ...]: ...

    def seconds(self, language: str, key: str) -> float:
        """How long a text lasts. Raises ``KeyError`` if there is none."""

    def sounds(self, language: str, key: str, values: Mapping[str, Spoken]) -> tuple[str, ...]:
        """The files to play, without extension. Raises ``KeyError``, ``ValueError`` if it cannot be said."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is wrong at a node."""

    node: str
    problem: str


def broken_rules(
    walked: Mapping[str, Walked],
    speech: Speech,
    *,
    nodes: Set[str],
    for_citizens: Set[str],
    suffixes: tuple[str, ...] = (),
) -> list[Finding]:
    """All that is wrong with the dialogs that were walked, by name; nothing is if the list is empty.

    Args:
        walked: all dialogs.
        speech: what they say.
        nodes: every node that there is in their source.
        for_citizens: the dialogs from which 0 must lead to a person.
        suffixes: of the sound files that must be there for each sound; none are looked for without them.
    """
    found = {
        *_dead(walked, nodes),
        *(finding for met in walked.values() for finding in _of_walk(met, speech, suffixes)),
        *(finding for name in for_citizens for finding in _no_person(walked[name])),
    }
    return sorted(found)


def _dead(walked: Mapping[str, Walked], nodes: Set[str]) -> Iterator[Finding]:
    reached = set().union(*(met.nodes for met in walked.values()))
    for node in nodes - reached:
        yield Finding(node, "no path reaches it")


def _no_person(met: Walked) -> Iterator[Finding]:
    for node in met.no_person:
        yield Finding(node, f"{PERSON} does not lead to a person")
    for menu in _menus(met):
        if menu.node == FIRST_MENU and PERSON not in {option.key for option in menu.options if option.said}:
            yield Finding(menu.node, f"does not say that {PERSON} leads to a person")


def _of_walk(met: Walked, speech: Speech, suffixes: tuple[str, ...]) -> Iterator[Finding]:
    for node, level in met.levels.items():
        if level > LEVELS:
            yield Finding(node, f"at level {level} of the menus; at most {LEVELS}")
    for node in met.unanswerable:
        yield Finding(node, "no digits make sense here")
    for menu in _menus(met):
        yield from _of_menu(menu, speech)
    for step in met.steps:
        if isinstance(step, Speak):
            continue
        spoken = menu_prompts(step) if isinstance(step, Menu) else step.prompts
        for prompt in spoken:
            yield from _of_prompt(step.node, prompt, speech, suffixes)


def _of_menu(menu: Menu[Any], speech: Speech) -> Iterator[Finding]:
    keys = [option.key for option in menu.options]
    for key in {key for key in keys if keys.count(key) > 1}:
        yield Finding(menu.node, f"the key {key} is used twice")
    for key in {REPEAT, END} & set(keys):
        yield Finding(menu.node, f"the key {key} means something else everywhere")
    count = len(set(keys) - {PERSON, LANGUAGE})
    if count > OPTIONS:
        yield Finding(menu.node, f"{count} options; at most {OPTIONS}")
    for language in speech.languages:
        try:
            seconds = sum(speech.seconds(language, prompt.key) for prompt in menu_prompts(menu))
        except KeyError:
            continue  # The missing text is a finding of its own.
        if seconds > SECONDS:
            yield Finding(menu.node, f"{seconds:.0f} s long in {language}; at most {SECONDS:.0f} s")


def _of_prompt(node: str, prompt: Prompt, speech: Speech, suffixes: tuple[str, ...]) -> Iterator[Finding]:
    for language in speech.languages:
        try:
            seconds = speech.seconds(language, prompt.key)
            sounds = speech.sounds(language, prompt.key, dict(prompt.values))
        except KeyError:
            yield Finding(node, f"{prompt.key} has no text in {language}")
            continue
        except ValueError as e:
            yield Finding(node, f"{prompt.key} cannot be said in {language}: {e}")
            continue
        if seconds > SECONDS:
            yield Finding(node, f"{prompt.key} is {seconds:.0f} s long in {language}")
        said = {value.with_suffix("") for _, value in prompt.values if isinstance(value, Path)}
        for sound in map(Path, sounds):
            # What somebody recorded in a call is not ours to have.
            if sound not in said and not all(Path(f"{sound}{suffix}").exists() for suffix in suffixes):
                yield Finding(node, f"{prompt.key} has no audio in {language}")


def _menus(met: Walked) -> Iterator[Menu[Any]]:
    return (step for step in met.steps if isinstance(step, Menu))
