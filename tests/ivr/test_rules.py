"""Bad menus, and the finding that each of them is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.rules import Finding, broken_rules
from ivr.steps import (
    PERSON,
    Dialog,
    GaveUp,
    Option,
    PersonNeeded,
    Prompt,
    ask,
    choose,
    prompt,
    record,
    say,
    transfer,
)
from ivr.walk import SERVICE_MENUS, nodes_in_source, walk


class Speech:
    """Knows ``said.<seconds>``; its sounds lie in ``folder``."""

    languages = ("it", "en")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def seconds(self, language: str, key: str) -> float:
        if key.startswith("press."):
            return 1.0
        return float(key.removeprefix("said."))

    def sounds(self, language: str, key: str, values: object) -> tuple[str, ...]:
        return (str(self._folder / language / key),)


def options(*keys: str, seconds: int = 1) -> list[Option[str]]:
    return [Option(key, key, prompt(f"said.{seconds}")) for key in keys]


def good() -> Dialog[None]:
    try:
        yield from choose("main", prompt("said.5"), options=options("1", "2", PERSON))
        yield from ask("good.ask", prompt("said.1"), parse=lambda digits: digits or None, longest=4)
    except PersonNeeded:
        yield from transfer("good.person", prompt("said.1"))


def person_unsaid() -> Dialog[None]:
    yield from choose("main", options=options("1"))


def person_lost() -> Dialog[None]:
    try:
        yield from choose("bad", options=options("1"))
    except PersonNeeded:
        yield from say("bad.no", prompt("said.1"))


def person_asked_again() -> Dialog[None]:
    while True:
        try:
            yield from choose("bad", options=options("1"))
        except GaveUp:
            return
        except PersonNeeded:
            continue
        return


def a_message_will_do() -> Dialog[None]:
    try:
        yield from choose("good", options=options("1"))
    except PersonNeeded:
        yield from say("good.closed", prompt("said.1"))
        yield from record("good.message", prompt("said.1"), longest=10)


def five_options() -> Dialog[None]:
    yield from choose("bad", options=options("1", "2", "3", "4", "5", PERSON, "9"))


def twice() -> Dialog[None]:
    yield from choose("bad", options=options("1", "1"))


def star() -> Dialog[None]:
    yield from choose("bad", options=options("1", "*"))


def long_menu() -> Dialog[None]:
    yield from choose("bad", prompt("said.15"), options=options("1", "2", "3"))


def long_sentence() -> Dialog[None]:
    yield from say("bad", prompt("said.21"))


def no_digits() -> Dialog[None]:
    yield from ask("bad", prompt("said.1"), parse=lambda digits: None, longest=3)


def deep() -> Dialog[None]:
    for node in ("main", "requests", "certificate.kind", "appointments"):
        yield from choose(node, options=options("1", PERSON))


@pytest.mark.parametrize(
    ("dialog", "problems"),
    [
        (good, []),
        (a_message_will_do, []),
        (person_unsaid, ["does not say that 0 leads to a person"]),
        (person_lost, ["0 does not lead to a person"]),
        (person_asked_again, ["0 does not lead to a person"]),
        (five_options, ["5 options; at most 4"]),
        (twice, ["the key 1 is used twice"]),
        (star, ["the key * means something else everywhere"]),
        (long_menu, ["21 s long in en; at most 20 s", "21 s long in it; at most 20 s"]),
        (long_sentence, ["said.21 is 21 s long in en", "said.21 is 21 s long in it"]),
        (no_digits, ["no digits make sense here"]),
        (deep, ["at level 4 of the menus; at most 3"]),
    ],
)
def test_each_rule(dialog: Callable[[], Dialog[None]], problems: list[str], tmp_path: Path) -> None:
    walked = walk(lambda _pick: dialog())
    found = broken_rules({"it": walked}, Speech(tmp_path), nodes=walked.nodes, for_citizens={"it"})
    assert [finding.problem for finding in found] == problems


def test_levels_are_of_menus_that_there_are() -> None:
    assert nodes_in_source() >= SERVICE_MENUS


def test_a_branch_that_no_path_reaches(tmp_path: Path) -> None:
    source = tmp_path / "bad.py"
    source.write_text(
        "def dialog(desk):\n"
        "    yield from say('reached', prompt('said.1'))\n"
        "    if False:\n"
        "        yield from say('never', prompt('said.1'))\n"
    )

    def dialog() -> Dialog[None]:
        yield from say("reached", prompt("said.1"))

    found = broken_rules(
        {"it": walk(lambda _pick: dialog())},
        Speech(tmp_path),
        nodes=nodes_in_source(tmp_path),
        for_citizens=set(),
    )
    assert found == [Finding("never", "no path reaches it")]


def test_missing_texts_and_audio(tmp_path: Path) -> None:
    class Incomplete(Speech):
        def seconds(self, language: str, key: str) -> float:
            if (language, key) == ("en", "said.2"):
                raise KeyError(key)
            return super().seconds(language, key)

        def sounds(self, language: str, key: str, values: object) -> tuple[str, ...]:
            if key == "said.3":
                raise ValueError("no value for day")
            return super().sounds(language, key, values)

    for language in Speech.languages:
        (tmp_path / language).mkdir()
        (tmp_path / language / "said.1.wav").touch()
    (tmp_path / "it" / "said.2.wav").touch()

    def saying(*prompts: Prompt) -> list[str]:
        def dialog() -> Dialog[None]:
            yield from say("node", *prompts)

        met = walk(lambda _pick: dialog())
        found = broken_rules(
            {"it": met}, Incomplete(tmp_path), nodes=met.nodes, for_citizens=set(), suffixes=(".wav",)
        )
        return [finding.problem for finding in found]

    assert saying(prompt("said.1")) == []
    assert saying(prompt("said.2")) == ["said.2 has no text in en"]
    assert saying(prompt("said.3")) == [
        "said.3 cannot be said in en: no value for day",
        "said.3 cannot be said in it: no value for day",
    ]
    assert saying(prompt("said.4")) == ["said.4 has no audio in en", "said.4 has no audio in it"]
