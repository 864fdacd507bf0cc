"""Walking every path of a dialog, for tests, for the check of the menus and for their print.

Dialogs are deterministic, so a path that comes to a state which an earlier path was in goes on as that one
did: it is not walked again. The state is what the suspended generators hold: their places and variables.
The desk may answer the same question differently at any time: offices close and databases come back while
somebody is on the telephone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import GeneratorType
from typing import Any, TypeAlias, TypeVar

from ivr.conversation import menu_prompts
from ivr.ports import Identity
from ivr.steps import (
    PERSON,
    Ask,
    AskedForPerson,
    Dialog,
    GaveUp,
    Menu,
    PersonNeeded,
    Prompt,
    Record,
    Recording,
    Say,
    Speak,
    Step,
    Transfer,
)

T = TypeVar("T")

#: Picks one of the possible answers to a question that is put to the desk.
Pick: TypeAlias = Callable[[str, Sequence[Any]], Any]
#: Makes a dialog whose desk answers as it is picked.
World: TypeAlias = Callable[[Pick], Dialog[None]]
#: What a caller types where digits are asked: something that makes sense there.
Typed: TypeAlias = Callable[[Ask[Any]], object]

#: Menus of services or kinds: each is a level of the menus. A question about what was chosen is none.
SERVICE_MENUS = frozenset(
    {
        "main",
        "requests",
        "certificate.kind",
        "information",
        "information.topics",
        "other",
        "sms",
        "report.category",
        "appointments",
        "appointments.service",
        "courses",
        "rooms",
    }
)
#: The first of them.
FIRST_MENU = "main"
#: How the nodes begin that stand in for a person, besides a message.
INSTEAD = "call_back."

#: Digits of which some make sense wherever digits are asked: a tax code, a date, a reference number ...
_SAMPLES = ("7776722801033205", "15031980", "12345674", "123456", "1030", "2201", "40", "24", "1")


def some_digits(step: Ask[Any]) -> object:
    """An answer that makes sense at ``step``, out of a few samples; ``None`` if none does."""
    fitting = (step.parse(digits) for digits in _SAMPLES if len(digits) <= step.longest)
    return next((answer for answer in fitting if answer is not None), None)


class Choices:
    """Walks a tree of choices depth first by running the same program again with one choice changed."""

    def __init__(self) -> None:
        self._path: list[list[int]] = []
        self._at = 0

    @property
    def on_new_ground(self) -> bool:
        """Whether no earlier path has come along here with the same choices."""
        return self._at == len(self._path)

    def pick(self, question: str, answers: Sequence[T], tried: int | None = None) -> T:
        """One of ``answers``; of these only the first ``tried`` ones are taken in turn."""
        if self._at == len(self._path):
            self._path.append([0, len(answers) if tried is None else tried, len(answers)])
        index, _, count = self._path[self._at]
        assert count == len(answers), f"{question}: the dialog is not deterministic"
        self._at += 1
        return answers[index]

    def next(self) -> bool:
        """Go to the next path; ``False`` after the last."""
        del self._path[self._at :]
        self._at = 0
        while self._path:
            self._path[-1][0] += 1
            if self._path[-1][0] < self._path[-1][1]:
                return True
            self._path.pop()
        return False


@dataclass
class Walked:
    """All that the paths of a dialog met."""

    paths: int = 0
    ends: set[str] = field(default_factory=set)
    steps: set[Step] = field(default_factory=set)
    spoken: set[Prompt] = field(default_factory=set)
    #: For each menu of services the most levels a path has gone through up to it.
    levels: dict[str, int] = field(default_factory=dict)
    #: Menus where 0 did not lead to a person or, while there is none, to a call-back or a message.
    no_person: set[str] = field(default_factory=set)
    #: Steps that no digits could answer.
    unanswerable: set[str] = field(default_factory=set)

    @property
    def nodes(self) -> set[str]:
        return {step.node for step in self.steps if not isinstance(step, Speak)}


def walk(world: World, typed: Typed = some_digits, *, into: Walked | None = None) -> Walked:
    """Walk all paths: every option, every answer of the desk, giving up, 0, and hanging up.

    What they meet is added to ``into``, if there is an earlier walk.
    """
    walk = _Walk(world, typed, into or Walked())
    while True:
        walk.walked.ends.add(walk.one_path())
        walk.walked.paths += 1
        if not walk.choices.next():
            return walk.walked


class _Walk:
    def __init__(self, world: World, typed: Typed, walked: Walked) -> None:
        self.choices, self.walked = Choices(), walked
        self._world, self._typed = world, typed
        self._known: set[object] = set()
        self._left: set[object] = set()

    def one_path(self) -> str:
        """Walk one path and say how it ended; what it meets for the first time is noted."""
        running = self._world(self.choices.pick)
        try:
            return self._follow(running)
        finally:
            running.close()

    def _follow(self, running: Dialog[None]) -> str:
        answer: object = None
        below: set[str] = set()
        asked_at: str | None = None
        while True:
            try:
                step = running.throw(answer) if isinstance(answer, PersonNeeded) else running.send(answer)
            except StopIteration:
                if asked_at is not None:
                    self.walked.no_person.add(asked_at)
                return "done"
            except PersonNeeded:
                return "person"
            if isinstance(step, Speak):
                answer = None
                continue
            if isinstance(step, Menu) and step.node in SERVICE_MENUS:
                below = {step.node} if step.node == FIRST_MENU else below | {step.node}
            if self.choices.on_new_ground:
                self._note(step, len(below))
            if asked_at is not None and not isinstance(step, Say):
                if not isinstance(step, Transfer | Record) and not step.node.startswith(INSTEAD):
                    self.walked.no_person.add(asked_at)
                asked_at = None
            if isinstance(step, Transfer):
                return "transfer"
            answers, ways_out = answers_to(step, self._typed), _ways_out(step)
            if isinstance(step, Ask) and not answers:
                self.walked.unanswerable.add(step.node)
            tried = len(answers)
            if self.choices.on_new_ground:
                state = _state(running)
                # Where 0 leads to is followed to its end each time: it is not far.
                if state in self._known and asked_at is None:
                    return "as before"
                self._known.add(state)
                # Hanging up, giving up and 0 leave a place the same way whatever was answered before it.
                place = tuple((code, at) for code, at, _ in state)
                if place not in self._left:
                    self._left.add(place)
                    tried += len(ways_out)
            answer = self.choices.pick(step.node, answers + ways_out, tried)
            if answer is HANG_UP:
                return "hung up"
            if isinstance(answer, AskedForPerson):
                asked_at = step.node

    def _note(self, step: Say | Menu[Any] | Ask[Any] | Record | Transfer, level: int) -> None:
        walked = self.walked
        walked.steps.add(step)
        walked.spoken.update(menu_prompts(step) if isinstance(step, Menu) else step.prompts)
        if isinstance(step, Menu) and step.node in SERVICE_MENUS:
            walked.levels[step.node] = max(level, walked.levels.get(step.node, 0))


def answers_to(step: Step, typed: Typed) -> list[Any]:
    """What a caller can answer; nothing where no digits make sense."""
    if isinstance(step, Menu):
        answers = [option.value for option in step.options if option.key != PERSON]
        return [*answers, *([step.otherwise.value] if step.otherwise else [])]
    if isinstance(step, Ask):
        parsed = typed(step)
        return [*([] if parsed is None else [parsed]), *([step.skip.value] if step.skip else [])]
    return [Recording(Path("/recording.wav"), 3.0)] if isinstance(step, Record) else [None]


HANG_UP = object()


def _ways_out(step: Step) -> list[Any]:
    """What a caller can do instead of answering."""
    if isinstance(step, Say):
        return [HANG_UP]
    return [GaveUp(), *([AskedForPerson()] if isinstance(step, Menu) else []), HANG_UP]


#: What a dialog's way does not depend on: the desk may change its mind, both languages say the same, and why
#: there is nobody to talk to has been said.
_IRRELEVANT = {"desk", "agenda", "town", "notice", "answers", "duty", "language", "sorry", "why"}


def _state(running: object) -> tuple[tuple[str, int, object], ...]:
    """Where a suspended dialog and those it waits for stand, and with which variables."""
    states: list[tuple[str, int, object]] = []
    while isinstance(running, GeneratorType):
        frame = running.gi_frame
        assert frame is not None
        values = {name: _told(value) for name, value in frame.f_locals.items() if name not in _IRRELEVANT}
        states.append((frame.f_code.co_qualname, frame.f_lasti, tuple(sorted(values.items()))))
        running = running.gi_yieldfrom
    return tuple(states)


def _told(value: object) -> str:
    # No dialog asks who it is that was identified.
    return "somebody" if isinstance(value, Identity) else repr(value)


def nodes_in_source(folder: Path = Path(__file__).parent) -> set[str]:
    """The node of every call in the dialogs' source that makes a step."""
    nodes: set[str] = set()
    for file in folder.glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in {"say", "choose", "choose_in_pages", "ask", "record", "transfer"}
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                nodes.add(str(call.args[0].value))
    return nodes
