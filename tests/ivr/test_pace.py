"""Who runs out of time once gets more, in this call and in the next one."""

from __future__ import annotations

from dataclasses import dataclass

from ivr.conversation import FIRST_DIGIT, FIRST_KEY, NEXT_DIGIT, SLOW, Conversation
from ivr.steps import Dialog, Option, ask, choose, prompt
from tests.ivr.doubles import SILENCE, Notes, Script

OPTIONS = (Option("1", "one", prompt("first")),)


@dataclass
class Remembered:
    """A pace to read back."""

    slow: bool = False
    told: int = 0

    def is_slow(self) -> bool:
        return self.slow

    def remember_slow(self) -> None:
        self.told += 1


def menu_and_digits() -> Dialog[None]:
    yield from choose("menu", prompt("menu"), options=OPTIONS)
    yield from ask("digits", prompt("digits"), parse=str, longest=2)


def waits(keys: list[str], pace: Remembered | None, dialog: Dialog[None]) -> list[float]:
    line = Script(keys)
    Conversation(line, Notes(), pace=pace).run(dialog)
    return line.waits


def test_whoever_is_in_time_gets_the_usual_time() -> None:
    pace = Remembered()
    assert waits(["1", "4", "2"], pace, menu_and_digits()) == [FIRST_KEY, FIRST_DIGIT, NEXT_DIGIT]
    assert pace.told == 0


def test_after_one_time_out_every_wait_is_longer_and_it_is_remembered_once() -> None:
    pace = Remembered()
    assert waits([SILENCE, "1", SILENCE, "4", "2"], pace, menu_and_digits()) == [
        FIRST_KEY,
        FIRST_KEY * SLOW,
        FIRST_DIGIT * SLOW,
        FIRST_DIGIT * SLOW,
        NEXT_DIGIT * SLOW,
    ]
    assert pace.told == 1


def test_the_next_call_begins_slow() -> None:
    pace = Remembered(slow=True)
    assert waits(["1", "4", "2"], pace, menu_and_digits())[0] == FIRST_KEY * SLOW
    assert pace.told == 0


def test_a_wrong_key_or_a_silence_that_answers_is_no_time_out() -> None:
    def dialog() -> Dialog[None]:
        yield from choose("menu", prompt("menu"), options=OPTIONS)
        yield from choose("more", prompt("more"), options=OPTIONS, otherwise=Option("", "no"))

    pace = Remembered()
    assert waits(["7", "1", SILENCE], pace, dialog()) == [FIRST_KEY] * 3
    assert pace.told == 0


def test_a_pause_in_the_middle_of_digits_is_a_time_out_too() -> None:
    def dialog() -> Dialog[None]:
        yield from ask(
            "digits", prompt("digits"), parse=lambda typed: typed if len(typed) == 2 else None, longest=2
        )

    pace = Remembered()
    assert waits(["4", SILENCE, "4", "2"], pace, dialog())[2:] == [FIRST_DIGIT * SLOW, NEXT_DIGIT * SLOW]
    assert pace.told == 1
