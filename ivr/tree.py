"""The menus as a tree: what a caller can press, and what follows, taken from the dialogs by running them.

Every menu is opened where it is met first; where it is met again, only its name is given. What is said and
asked on the way to the next menu is part of the tree: who cannot hear reads there what others are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ivr.steps import (
    PERSON,
    Ask,
    AskedForPerson,
    Dialog,
    Menu,
    PersonNeeded,
    Prompt,
    Record,
    Say,
    Speak,
    Step,
    Transfer,
)
from ivr.walk import Typed, World, answers_to, some_digits

#: More steps between two menus than any dialog has.
_STEPS = 60


class Kind(StrEnum):
    """What happens at a node."""

    SAY = "say"
    MENU = "menu"
    ASK = "ask"
    RECORD = "record"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Choice:
    """A key of a menu. Without ``said``, the menu's introduction names the key."""

    key: str
    said: Prompt | None
    then: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A step of a dialog. The choices of a menu that stands further up in the tree are not told ``again``."""

    node: str
    kind: Kind
    prompts: tuple[Prompt, ...]
    choices: tuple[Choice, ...] = ()
    again: bool = False


def tree(world: World, typed: Typed = some_digits) -> tuple[Node, ...]:
    """The tree of a dialog whose desk always gives the friendliest answer."""
    return _Tree(lambda: world(lambda _question, answers: answers[0]), typed).grow(())


class _Tree:
    def __init__(self, begin: Callable[[], Dialog[None]], typed: Typed) -> None:
        self._begin, self._typed = begin, typed
        self._opened: set[str] = set()

    def grow(self, path: tuple[Any, ...]) -> tuple[Node, ...]:
        """What follows after these answers, up to the end or to a menu met before."""
        nodes: list[Node] = []
        running = self._begin()
        try:
            step = _after(running, path)
            while step is not None and len(nodes) < _STEPS:
                if isinstance(step, Menu):
                    nodes.append(self._menu(step, path))
                    break
                answer = None
                if not isinstance(step, Speak):
                    nodes.append(Node(step.node, _kind(step), step.prompts))
                    answer = next(iter(answers_to(step, self._typed)), None)
                if isinstance(step, Transfer):
                    break
                path = (*path, answer)
                step = _next(running, answer)
        finally:
            running.close()
        return tuple(nodes)

    def _menu(self, menu: Menu[Any], path: tuple[Any, ...]) -> Node:
        if menu.node in self._opened:
            return Node(menu.node, Kind.MENU, menu.prompts, again=True)
        self._opened.add(menu.node)
        choices = []
        for option in menu.options:
            answer = AskedForPerson() if option.key == PERSON else option.value
            choices.append(Choice(option.key, option.said, self.grow((*path, answer))))
        return Node(menu.node, Kind.MENU, menu.prompts, tuple(choices))


def _after(running: Dialog[None], path: Sequence[Any]) -> Step | None:
    step = _next(running, None)
    for answer in path:
        step = _next(running, answer)
    return step


def _next(running: Dialog[None], answer: object) -> Step | None:
    try:
        return running.throw(answer) if isinstance(answer, PersonNeeded) else running.send(answer)
    except (StopIteration, PersonNeeded):
        return None


def _kind(step: Say | Ask[Any] | Record | Transfer) -> Kind:
    kinds = {Say: Kind.SAY, Ask: Kind.ASK, Record: Kind.RECORD, Transfer: Kind.PERSON}
    return kinds[type(step)]
