"""Every path of every dialog: each ends, says only what the catalogue has, and visits every node.

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
    "find.reference": "12345674",
    "find.last_digits": "2201",
    "appointments.reference": "12345674",
    "appointments.last_digits": "2201",
    "rooms.people": "40",
    "rooms.day": "12012027",
}
#: The most options of a menu beside 0 and the language, its longest duration, the most levels of menus.
OPTIONS, SECONDS, LEVELS = 4, 20.0, 3
SERVICE_MENUS = {
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
class Crawled:
    """All that the paths of a dialog met."""

    paths: int = 0
    ends: set[str] = field(default_factory=set)
    steps: set[Step] = field(default_factory=set)
    spoken: set[Prompt] = field(default_factory=set)
    #: Menus of services or kinds that one path went through; a question about the request is no level.
    levels: int = 0


def crawl(dialog: Callable[[Desk], Dialog[None]]) -> Crawled:
    """Walk all paths of ``dialog``: every option, every answer of the desk, giving up, 0, and hanging up."""
    choices, crawled = Choices(), Crawled()
    known: set[object] = set()
    left: set[object] = set()
    while True:
        crawled.ends.add(_walk(dialog, choices, crawled, known, left))
        crawled.paths += 1
        if not choices.next():
            return crawled


def _walk(
    dialog: Callable[[Desk], Dialog[None]],
    choices: Choices,
    crawled: Crawled,
    known: set[object],
    left: set[object],
) -> str:
    """Walk one path and say how it ended; what it met for the first time is noted."""
    running = dialog(DecidedDesk(choices.pick))
    answer: object = None
    below: set[str] = set()
    while True:
        try:
            step = running.throw(answer) if isinstance(answer, PersonNeeded) else running.send(answer)
        except StopIteration:
            return "done"
        except PersonNeeded:
            return "person"
        if isinstance(step, Speak):
            answer = None
            continue
        if isinstance(step, Menu) and step.node in SERVICE_MENUS:
            below = {step.node} if step.node == "main" else below | {step.node}
        if choices.on_new_ground:
            crawled.steps.add(step)
            crawled.spoken.update(menu_prompts(step) if isinstance(step, Menu) else step.prompts)
            crawled.levels = max(crawled.levels, len(below))
        if isinstance(step, Transfer):
            running.close()
            return "transfer"
        answers, ways_out = _answers(step), _ways_out(step)
        tried = len(answers)
        if choices.on_new_ground:
            state = _state(running)
            if state in known:
                running.close()
                return "as before"
            known.add(state)
            # Hanging up, giving up and 0 leave a place the same way whatever was answered before it.
            place = tuple((code, at) for code, at, _ in state)
            if place not in left:
                left.add(place)
                tried += len(ways_out)
        answer = choices.pick(step.node, answers + ways_out, tried)
        if answer is HANG_UP:
            running.close()
            return "hung up"


HANG_UP = object()


#: What a dialog's way does not depend on: the desk may change its mind, and both languages say the same.
_IRRELEVANT = {"desk", "agenda", "town", "language"}


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


def _answers(step: Step) -> list[Any]:
    """What a caller can answer."""
    if isinstance(step, Menu):
        answers = [option.value for option in step.options if option.key != "0"]
        return [*answers, *([step.otherwise.value] if step.otherwise else [])]
    if isinstance(step, Ask):
        parsed = step.parse(TYPED[step.node])
        assert parsed is not None
        return [parsed, *([step.skip.value] if step.skip else [])]
    return [Recording(Path("/recording.wav"), 3.0)] if isinstance(step, Record) else [None]


def _ways_out(step: Step) -> list[Any]:
    """What a caller can do instead of answering."""
    if isinstance(step, Say):
        return [HANG_UP]
    return [GaveUp(), *([AskedForPerson()] if isinstance(step, Menu) else []), HANG_UP]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load_catalogue(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def crawled() -> dict[str, Crawled]:
    return {name: crawl(dialog) for name, dialog in DIALOGS.items()}


def test_every_path_ends(crawled: dict[str, Crawled]) -> None:
    assert {name: met.ends for name, met in crawled.items()} == {
        "switchboard": {"done", "transfer", "hung up", "as before"},
        "unanswered": {"done", "hung up"},
    }


def test_every_prompt_can_be_said_in_every_language(
    crawled: dict[str, Crawled], catalogue: Catalogue
) -> None:
    spoken = {prompt for met in crawled.values() for prompt in met.spoken}
    assert len(spoken) > 60
    for prompt in spoken:
        for language in catalogue.languages:
            assert catalogue.sounds(language, prompt.key, dict(prompt.values))


def test_every_text_of_the_dialogs_is_used(crawled: dict[str, Crawled], catalogue: Catalogue) -> None:
    spoken = {prompt.key for met in crawled.values() for prompt in met.spoken}
    unused = {
        key
        for key in catalogue.keys("it")
        if key not in spoken and key.split(".")[0] not in ("press", "fallback", "again")
    }
    # The week of the test's desk has no opening at the weekend.
    assert unused == {"hours.saturday", "hours.sunday"}


def test_every_node_in_the_source_is_visited(crawled: dict[str, Crawled]) -> None:
    visited = {step.node for met in crawled.values() for step in met.steps if not isinstance(step, Speak)}
    assert visited == _nodes_in_source()


def test_menus_are_short_and_shallow(crawled: dict[str, Crawled], catalogue: Catalogue) -> None:
    assert crawled["switchboard"].levels == LEVELS
    for menu in {step for met in crawled.values() for step in met.steps if isinstance(step, Menu)}:
        keys = [option.key for option in menu.options]
        assert len(keys) == len(set(keys)), menu.node
        assert len(set(keys) - {"0", LANGUAGE}) <= OPTIONS, menu.node
        assert not set(keys) & {"*", "#"}, menu.node
        for language in catalogue.languages:
            seconds = sum(catalogue.seconds(language, prompt.key) for prompt in menu_prompts(menu))
            assert seconds <= SECONDS, (menu.node, language, seconds)


def _nodes_in_source() -> set[object]:
    """The first argument of every call in the package that makes a step."""
    nodes: set[object] = set()
    for file in Path(ivr.__path__[0]).glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in {"say", "choose", "choose_in_pages", "ask", "record", "transfer"}
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                nodes.add(call.args[0].value)
    return nodes
