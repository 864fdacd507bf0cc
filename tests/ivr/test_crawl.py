"""Every path of every dialog: each ends, says only what the catalogue has, and visits every node.

Dialogs are deterministic, so a path that comes to a state which an earlier path was in goes on as that one
did: it is not walked again. The state is what the suspended generators hold: their places and variables.
The desk may answer the same question differently at any time: offices close and databases come back while
somebody is on the telephone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import GeneratorType
from typing import Any, TypeVar

import pytest

import ivr
from ivr.conversation import menu_prompts
from ivr.message import unanswered
from ivr.ports import Desk, Identity
from ivr.steps import (
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
from ivr.switchboard import LANGUAGE, switchboard
from prompts.catalogue import Catalogue, load_catalogue
from tests.ivr.doubles import DecidedDesk

T = TypeVar("T")

#: What a caller types where digits are asked: the crawl needs one input that makes sense for each.
TYPED = {
    "identify.birth_date": "15031980",
    "identify.tax_code": "7776722801033205",
    "appointments.reference": "12345674",
    "appointments.last_digits": "2201",
}
#: The most options of a menu beside 0 and the language, its longest duration, the most levels of menus.
OPTIONS, SECONDS, LEVELS = 4, 20.0, 3
SERVICE_MENUS = ("main", "certificate.kind", "certificate.other_kind", "appointments", "appointments.service")

DIALOGS: dict[str, Callable[[Desk], Dialog[None]]] = {"switchboard": switchboard, "unanswered": unanswered}


class Choices:
    """Walks a tree of choices depth first by running the same program again with one choice changed."""

    def __init__(self) -> None:
        self._path: list[list[int]] = []
        self._at = 0

    @property
    def on_new_ground(self) -> bool:
        """Whether no earlier path has come along here with the same choices."""
        return self._at == len(self._path)

    def pick(self, question: str, answers: Sequence[T]) -> T:
        if self._at == len(self._path):
            self._path.append([0, len(answers)])
        index, count = self._path[self._at]
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


class Walk:
    """What one path met."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.spoken: list[Prompt] = []
        self.end = ""


def crawl(dialog: Callable[[Desk], Dialog[None]]) -> Iterator[Walk]:
    """All paths of ``dialog``: every option, every answer of the desk, giving up, 0, and hanging up."""
    choices = Choices()
    known: set[object] = set()
    while True:
        yield _walk(dialog, choices, known)
        if not choices.next():
            return


def _walk(dialog: Callable[[Desk], Dialog[None]], choices: Choices, known: set[object]) -> Walk:
    desk = DecidedDesk(choices.pick)
    path = Walk()
    running = dialog(desk)
    answer: object = None
    while True:
        try:
            step = running.throw(answer) if isinstance(answer, PersonNeeded) else running.send(answer)
        except StopIteration:
            path.end = "done"
            return path
        except PersonNeeded:
            path.end = "person"
            return path
        path.steps.append(step)
        if isinstance(step, Speak):
            answer = None
            continue
        prompts = menu_prompts(step) if isinstance(step, Menu) else step.prompts
        path.spoken += prompts
        if isinstance(step, Transfer):
            path.end = "transfer"
            running.close()
            return path
        if choices.on_new_ground:
            state = _state(running)
            if state in known:
                path.end = "as before"
                running.close()
                return path
            known.add(state)
        answer = choices.pick(step.node, _answers(step))
        if answer is HANG_UP:
            path.end = "hung up"
            running.close()
            return path


HANG_UP = object()


#: What a dialog's way does not depend on: the desk may change its mind, and both languages say the same.
_IRRELEVANT = {"desk", "agenda", "language"}


def _state(running: object) -> tuple[object, ...]:
    """Where a suspended dialog and those it waits for stand, and with which variables."""
    states: list[object] = []
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


def _answers(step: Step) -> list[Any]:
    if isinstance(step, Say):
        return [None, HANG_UP]
    if isinstance(step, Menu):
        answers = [option.value for option in step.options if option.key != "0"]
        if step.otherwise is not None:
            answers.append(step.otherwise.value)
        return [*answers, GaveUp(), AskedForPerson(), HANG_UP]
    if isinstance(step, Ask):
        parsed = step.parse(TYPED[step.node])
        assert parsed is not None
        return [parsed, *([step.skip.value] if step.skip else []), GaveUp(), HANG_UP]
    assert isinstance(step, Record)
    return [Recording(Path("/recording.wav"), 3.0), GaveUp(), HANG_UP]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load_catalogue(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def walks() -> dict[str, list[Walk]]:
    return {name: list(crawl(dialog)) for name, dialog in DIALOGS.items()}


def test_every_path_ends(walks: dict[str, list[Walk]]) -> None:
    ends = {name: {walk.end for walk in walked} for name, walked in walks.items()}
    assert ends == {
        "switchboard": {"done", "transfer", "hung up", "as before"},
        "unanswered": {"done", "hung up"},
    }


def test_every_prompt_can_be_said_in_every_language(
    walks: dict[str, list[Walk]], catalogue: Catalogue
) -> None:
    spoken = {prompt for walked in walks.values() for walk in walked for prompt in walk.spoken}
    assert len(spoken) > 60
    for prompt in spoken:
        for language in catalogue.languages:
            assert catalogue.sounds(language, prompt.key, dict(prompt.values))


def test_every_text_of_the_dialogs_is_used(walks: dict[str, list[Walk]], catalogue: Catalogue) -> None:
    spoken = {prompt.key for walked in walks.values() for walk in walked for prompt in walk.spoken}
    unused = {
        key
        for key in catalogue.keys("it")
        if key not in spoken and key.split(".")[0] not in ("press", "fallback", "again")
    }
    # The week of the test's desk has no opening at the weekend.
    assert unused == {"hours.saturday", "hours.sunday"}


def test_every_node_in_the_source_is_visited(walks: dict[str, list[Walk]]) -> None:
    visited = {
        step.node
        for walked in walks.values()
        for walk in walked
        for step in walk.steps
        if not isinstance(step, Speak)
    }
    assert visited == _nodes_in_source()


def test_menus_are_short_and_shallow(walks: dict[str, list[Walk]], catalogue: Catalogue) -> None:
    deepest = 0
    for walk in walks["switchboard"]:
        # A menu of services or kinds leads a level deeper; a question about the request does not.
        below: set[str] = set()
        for step in walk.steps:
            if isinstance(step, Menu) and step.node in SERVICE_MENUS:
                below = {step.node} if step.node == "main" else below | {step.node}
                deepest = max(deepest, len(below))
    assert deepest == LEVELS
    for menu in {
        step for walked in walks.values() for walk in walked for step in walk.steps if isinstance(step, Menu)
    }:
        keys = [option.key for option in menu.options]
        assert len(keys) == len(set(keys)), menu.node
        assert len(set(keys) - {"0", LANGUAGE}) <= OPTIONS, menu.node
        assert not set(keys) & {"*", "#"}, menu.node
        for language in catalogue.languages:
            seconds = sum(catalogue.seconds(language, prompt.key) for prompt in menu_prompts(menu))
            assert seconds <= SECONDS, (menu.node, language, seconds)


def _nodes_in_source() -> set[object]:
    """The first argument of every say, choose, ask, record and transfer in the package."""
    nodes: set[object] = set()
    for file in Path(ivr.__path__[0]).glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in {"say", "choose", "ask", "record", "transfer"}
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                nodes.add(call.args[0].value)
    return nodes
