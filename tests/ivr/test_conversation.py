"""The loop: tries, escalation, repetition, type-ahead, secrets and hang-ups."""

from __future__ import annotations

import pytest

from ivr.conversation import REPEATS, Conversation, Happening, Outcome
from ivr.steps import (
    Dialog,
    GaveUp,
    Option,
    ask,
    choose,
    prompt,
    record,
    say,
    speak,
    transfer,
)
from tests.ivr.doubles import Notes, Script, converse

OPTIONS = (Option("1", "one", prompt("first")), Option("2", "two", prompt("second")))


def digits(typed: str) -> str | None:
    return typed or None


class Kept:
    """What a dialog got to know."""

    def __init__(self) -> None:
        self.answers: list[object] = []

    def menu(self) -> Dialog[None]:
        self.answers.append((yield from choose("menu", prompt("intro"), options=OPTIONS)))

    def number(self, *, longest: int = 4, secret: bool = False) -> Dialog[None]:
        self.answers.append(
            (yield from ask("number", prompt("type"), parse=digits, longest=longest, secret=secret))
        )

    def greet_and_choose(self) -> Dialog[None]:
        yield from say("hello", prompt("hello"))
        yield from say("news", prompt("news"))
        yield from self.menu()

    def number_and_menu(self) -> Dialog[None]:
        yield from self.number()
        yield from self.menu()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_key_after_the_prompt_answers(kept: Kept) -> None:
    ending, line, notes = converse(kept.menu(), ["2"])
    assert kept.answers == ["two"]
    assert ending.outcome is Outcome.DONE
    assert line.heard == ["intro", "first", "press.1", "second", "press.2"]
    assert notes.of(Happening.ANSWERED) == [("menu", Happening.ANSWERED, "2")]


def test_a_key_in_the_first_prompt_answers_the_menu_three_steps_later(kept: Kept) -> None:
    _, line, _ = converse(kept.greet_and_choose(), ["+1"])
    assert kept.answers == ["one"]
    assert line.heard == ["hello"]


def test_digits_come_one_by_one_or_in_one_go(kept: Kept) -> None:
    converse(kept.number(), ["1", "2", "3", "4"])
    converse(kept.number(), ["1", "234"])
    converse(kept.number(), ["1", "23", "#"])
    converse(kept.number(), ["1", "2#"])
    assert kept.answers == ["1234", "1234", "123", "12"]


def test_what_follows_a_star_typed_in_one_go_is_the_new_answer(kept: Kept) -> None:
    _, line, notes = converse(kept.number(), ["1", "2*7", "8#"])
    assert kept.answers == ["78"]
    assert line.heard == ["type"]
    assert notes.of(Happening.REPEATED) == [("number", Happening.REPEATED, "")]


def test_silence_and_a_wrong_key_are_told_apart(kept: Kept) -> None:
    _, line, notes = converse(kept.menu(), ["-", "1"])
    assert "again.silence" in line.heard
    assert notes.of(Happening.SILENCE, Happening.WRONG) == [("menu", Happening.SILENCE, "")]
    _, line, notes = converse(kept.menu(), ["7", "1"])
    assert "again.wrong" in line.heard
    assert notes.of(Happening.SILENCE, Happening.WRONG) == [("menu", Happening.WRONG, "")]


@pytest.mark.parametrize("keys", [["-", "-"], ["8", "9"], ["-", "#"]])
def test_after_two_failed_plays_a_person_answers(kept: Kept, keys: list[str]) -> None:
    ending, line, notes = converse(kept.menu(), keys)
    assert ending.outcome is Outcome.PERSON
    assert line.dialled
    assert notes.of(Happening.GAVE_UP)


def test_giving_up_is_thrown_into_the_dialog(kept: Kept) -> None:
    def forgiving() -> Dialog[None]:
        try:
            yield from kept.menu()
        except GaveUp:
            yield from say("never_mind", prompt("never_mind"))

    ending, line, _ = converse(forgiving(), ["-", "-"])
    assert ending.outcome is Outcome.DONE
    assert line.heard[-1] == "never_mind"
    assert not line.dialled


def test_zero_in_a_menu_asks_for_a_person_and_in_digits_is_a_digit(kept: Kept) -> None:
    ending, line, notes = converse(kept.menu(), ["0"])
    assert (ending.outcome, line.dialled) == (Outcome.PERSON, True)
    assert notes.of(Happening.ASKED_FOR_PERSON)
    converse(kept.number(), ["0", "0", "3", "9"])
    assert kept.answers == ["0039"]


def test_star_repeats_without_counting_as_a_failure(kept: Kept) -> None:
    ending, line, _ = converse(kept.menu(), ["*", "+*", "-", "*", "1"])
    assert ending.outcome is Outcome.DONE
    assert line.heard.count("intro") == 5


def test_a_stuck_star_does_not_loop_for_ever(kept: Kept) -> None:
    ending, _, _ = converse(kept.menu(), ["*"] * (REPEATS + 1))
    assert ending.outcome is Outcome.PERSON


def test_star_clears_digits(kept: Kept) -> None:
    converse(kept.number(), ["1", "2", "*", "3", "4", "5", "6"])
    assert kept.answers == ["3456"]


@pytest.mark.parametrize("end", ["#", "-"])
def test_hash_or_a_pause_ends_digits(kept: Kept, end: str) -> None:
    converse(kept.number(), ["1", "2", end])
    assert kept.answers == ["12"]


@pytest.mark.parametrize("end", [["#"], ["+#"]])
def test_a_hash_after_complete_digits_is_overheard(kept: Kept, end: list[str]) -> None:
    _, _, notes = converse(kept.number_and_menu(), ["1", "2", "3", "4", *end, "2"])
    assert kept.answers == ["1234", "two"]
    assert not notes.of(Happening.WRONG)


def test_only_one_hash_is_overheard(kept: Kept) -> None:
    _, _, notes = converse(kept.number_and_menu(), ["1", "2", "3", "4", "#", "#", "2"])
    assert notes.of(Happening.WRONG) == [("menu", Happening.WRONG, "")]


def test_secret_digits_reach_no_journal(kept: Kept) -> None:
    _, _, notes = converse(kept.number(secret=True), list("1503"))
    assert kept.answers == ["1503"]
    assert notes.of(Happening.ANSWERED) == [("number", Happening.ANSWERED, "4 keys")]
    _, _, notes = converse(kept.number(), list("1503"))
    assert notes.of(Happening.ANSWERED) == [("number", Happening.ANSWERED, "1503")]


def test_what_was_typed_ahead_of_a_mistake_is_forgotten(kept: Kept) -> None:
    _, _, notes = converse(kept.greet_and_choose(), ["+7", "1"])
    assert kept.answers == ["one"]
    assert notes.of(Happening.WRONG)


def test_silence_can_be_an_answer() -> None:
    answers = []

    def dialog() -> Dialog[None]:
        answers.append((yield from choose("menu", options=OPTIONS, otherwise=Option("", "none"))))

    converse(dialog(), ["-"])
    assert answers == ["none"]


def test_what_must_be_heard_is_not_cut_short() -> None:
    def dialog() -> Dialog[None]:
        yield from say("result", prompt("filed"), prompt("number"), must_hear=True)

    # 1 cuts the first sentence short, which is said again; * starts from the beginning.
    _, line, notes = converse(dialog(), ["+1", "", "+*"])
    assert line.heard == ["filed", "filed", "number", "filed", "number"]
    assert len(notes.of(Happening.REPEATED)) == 1


def test_a_stuck_key_does_not_repeat_a_result_for_ever() -> None:
    def dialog() -> Dialog[None]:
        yield from say("result", prompt("filed"), prompt("number"), must_hear=True)

    ending, line, _ = converse(dialog(), ["+*"] * 50)
    assert ending.outcome is Outcome.DONE
    assert len(line.heard) <= REPEATS + 3


def test_a_recording_without_speech_is_asked_again_and_then_given_up() -> None:
    def dialog() -> Dialog[None]:
        heard = yield from record("name", prompt("name"), longest=5)
        assert heard.seconds

    line, notes = Script([], recordings=[None, None]), Notes()
    ending = Conversation(line, notes).run(dialog())
    assert ending.outcome is Outcome.PERSON
    assert len(notes.of(Happening.SILENCE)) == 2


@pytest.mark.parametrize("keys", [["!"], ["+1", "!"], ["-", "!"], ["*", "!"]])
def test_a_hang_up_anywhere_ends_the_conversation_there(keys: list[str]) -> None:
    closed = []

    def dialog() -> Dialog[None]:
        try:
            yield from choose("first", prompt("a"), options=OPTIONS)
            yield from choose("second", prompt("b"), options=OPTIONS)
        finally:
            closed.append(True)

    ending, line, notes = converse(dialog(), keys)
    assert ending.outcome is Outcome.HUNG_UP
    assert ending.node == ("second" if keys[0] == "+1" else "first")
    assert notes.entries[-1][1] is Happening.HUNG_UP
    assert closed == [True]
    assert not line.dialled


def test_a_transfer_ends_the_dialog_and_dials() -> None:
    def dialog() -> Dialog[None]:
        yield from speak("en")
        yield from transfer("person", prompt("hold_on"))

    ending, line, notes = converse(dialog(), [])
    assert (ending.outcome, ending.node, ending.language) == (Outcome.PERSON, "person", "en")
    assert line.languages == ["en"]
    assert notes.entries[-1] == ("person", Happening.TRANSFERRED, "")


def test_a_dialog_that_breaks_is_closed_and_its_error_reaches_the_caller_of_run() -> None:
    def dialog() -> Dialog[None]:
        yield from say("a", prompt("a"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        converse(dialog(), [])


def test_nobody_catching_a_need_still_leads_to_a_person() -> None:
    def dialog() -> Dialog[None]:
        yield from say("a", prompt("a"))
        raise GaveUp

    ending, line, _ = converse(dialog(), [])
    assert (ending.outcome, line.dialled) == (Outcome.PERSON, True)
