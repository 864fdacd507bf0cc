"""The one loop that runs a dialog on a line.

It alone owns tries, escalation, repetition, type-ahead, hang-up and what is noted in the journal: dialogs
only say what to play and what to expect. After :data:`TRIES` failed plays of a step,
:class:`~ivr.steps.GaveUp` is thrown into the dialog; after 0 in a menu, :class:`~ivr.steps.AskedForPerson`.

How keys are read
    Keys pressed during a prompt stop it and count, also across consecutive prompts. ``*`` repeats the step
    (in the middle of digits it clears them first), ``#`` ends digits, ``0`` in a menu asks for a person.
    People like to press ``#`` also after input that was complete without it: one such ``#`` is overheard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from ivr.steps import (
    END,
    PERSON,
    REPEAT,
    Ask,
    AskedForPerson,
    Dialog,
    GaveUp,
    Menu,
    Option,
    PersonNeeded,
    Prompt,
    Record,
    Recording,
    Say,
    Speak,
    Step,
    Transfer,
    prompt,
)

#: Plays of a step before the caller is given to a person.
TRIES = 2
#: ``*`` more often than this at one step counts as a failed try: a stuck key must not loop for ever.
REPEATS = 5
#: Seconds to wait for the first key after a prompt, and between two digits. Digits get longer: the caller
#: looks them up, or looks for letters on the keypad.
FIRST_KEY = 5.0
FIRST_DIGIT = 8.0
NEXT_DIGIT = 6.0
#: How much longer whoever ran out of time once may take, in this call and in those that follow.
SLOW = 2.0


class HungUp(Exception):
    """The caller is gone. Every line maps all its kinds of hang-up to this."""


class Line(Protocol):
    """A telephone line, as far as a conversation needs one. Every method may raise :class:`HungUp`."""

    def play(self, prompts: Sequence[Prompt], language: str, seconds: float = 0.0) -> str:
        """Play, and listen for ``seconds`` more; returns the first key pressed, or ``""``."""

    def collect(self, seconds: float, most: int = 1) -> str:
        """The next keys, at least one and at most ``most``; ``""`` after ``seconds`` of silence.

        Fewer than ``most`` when the caller pauses or presses ``#``, which is the last one then.
        """

    def record(self, name: str, longest: int, least: float) -> Recording | None:
        """Record after a tone until ``#``, silence or ``longest`` seconds.

        ``None``, and nothing kept, with less than ``least`` seconds of speech.
        """

    def dial(self) -> None:
        """Put the caller through to a person when the conversation has ended."""


class Pace(Protocol):
    """How much time the caller needs, as far as earlier calls have shown."""

    def is_slow(self) -> bool:
        """Whether this caller ran out of time before."""

    def remember_slow(self) -> None:
        """This caller ran out of time: keep it for the next call."""


class Happening(StrEnum):
    """What is noted of a step."""

    ENTERED = "entered"
    ANSWERED = "answered"
    SKIPPED = "skipped"
    SILENCE = "silence"
    WRONG = "wrong"
    REPEATED = "repeated"
    RECORDED = "recorded"
    GAVE_UP = "gave_up"
    ASKED_FOR_PERSON = "asked_for_person"
    TRANSFERRED = "transferred"
    HUNG_UP = "hung_up"
    DONE = "done"


class Journal(Protocol):
    """Where the course of a call is noted. ``detail`` never holds anything secret."""

    def note(self, node: str, happening: Happening, detail: str = "") -> None: ...


class Outcome(StrEnum):
    """How a conversation ended."""

    DONE = "done"
    PERSON = "operator"
    HUNG_UP = "hung_up"


@dataclass(frozen=True, slots=True)
class Ending:
    """How and where a conversation ended, and the language spoken last."""

    outcome: Outcome
    node: str
    language: str


class _Failed(Exception):
    """One try at a step failed; ``how`` is noted and spoken."""

    def __init__(self, how: Happening) -> None:
        super().__init__(how.value)
        self.how = how


class _RepeatAsked(Exception):
    """The caller pressed ``*``."""


_SORRY = {
    Happening.SILENCE: prompt("again.silence"),
    Happening.WRONG: prompt("again.wrong"),
}
_UNHEARD = prompt("again.unheard")


class Conversation:
    """One dialog on one line. Use :meth:`run` once."""

    def __init__(
        self, line: Line, journal: Journal, *, language: str = "it", pace: Pace | None = None
    ) -> None:
        self._line = line
        self._pace = pace
        self._slow = pace is not None and pace.is_slow()
        self._journal = journal
        self._language = language
        self._ahead: deque[str] = deque()
        self._overhear_end = False
        self._node = ""
        self._recordings = 0

    def run(self, dialog: Dialog[None]) -> Ending:
        """Run ``dialog`` to its end. Raises nothing of its own: a hang-up is an outcome."""
        try:
            outcome = self._drive(dialog)
        except HungUp:
            self._note(Happening.HUNG_UP)
            outcome = Outcome.HUNG_UP
        finally:
            dialog.close()
        return Ending(outcome, self._node, self._language)

    def _drive(self, dialog: Dialog[None]) -> Outcome:
        answer: Any = None
        need: PersonNeeded | None = None
        while True:
            try:
                step = dialog.send(answer) if need is None else dialog.throw(need)
            except StopIteration:
                self._note(Happening.DONE)
                return Outcome.DONE
            except PersonNeeded:
                # No dialog on the way wanted to know: put the caller through all the same.
                self._line.dial()
                self._note(Happening.TRANSFERRED)
                return Outcome.PERSON
            need, answer = None, None
            if isinstance(step, Transfer):
                self._enter(step.node)
                self._play(step.prompts)
                self._line.dial()
                self._note(Happening.TRANSFERRED)
                return Outcome.PERSON
            try:
                answer = self._take(step)
            except PersonNeeded as needed:
                need = needed

    def _take(self, step: Step) -> Any:
        if isinstance(step, Speak):
            self._language = step.language
            return None
        assert not isinstance(step, Transfer)
        self._enter(step.node)
        if isinstance(step, Say):
            return self._say(step)
        return self._try(step)

    def _say(self, step: Say) -> None:
        if not step.must_hear:
            if not self._ahead:
                self._play(step.prompts)
            return
        # Keys pressed so far were meant for what came before; from here on only * has a meaning.
        self._ahead.clear()
        at = repeats = 0
        while at < len(step.prompts):
            key = self._line.play(step.prompts[at : at + 1], self._language)
            repeats += bool(key)
            if not key or repeats > REPEATS:
                at += 1
            elif key == REPEAT:
                self._note(Happening.REPEATED)
                at = 0

    def _try(self, step: Menu[Any] | Ask[Any] | Record) -> Any:
        failures = repeats = 0
        opening: tuple[Prompt, ...] = ()
        while True:
            try:
                return self._once(step, opening)
            except _RepeatAsked:
                self._note(Happening.REPEATED)
                opening = ()
                repeats += 1
                if repeats <= REPEATS:
                    continue
                failures = TRIES
            except _Failed as failed:
                self._note(failed.how)
                if failed.how is Happening.SILENCE and not isinstance(step, Record):
                    self._slow_down()
                # What was typed ahead was meant for a conversation that went well.
                self._ahead.clear()
                opening = (_UNHEARD if isinstance(step, Record) else _SORRY[failed.how],)
                failures += 1
            if failures >= TRIES:
                self._note(Happening.GAVE_UP)
                raise GaveUp

    def _once(self, step: Menu[Any] | Ask[Any] | Record, opening: tuple[Prompt, ...]) -> Any:
        if isinstance(step, Record):
            return self._record(step, opening)
        if isinstance(step, Menu):
            return self._menu(step, opening)
        return self._ask(step, opening)

    def _menu(self, menu: Menu[Any], opening: tuple[Prompt, ...]) -> Any:
        key = self._key_after((*opening, *menu_prompts(menu)), FIRST_KEY)
        if key == PERSON:
            self._note(Happening.ASKED_FOR_PERSON)
            raise AskedForPerson
        if key == REPEAT:
            raise _RepeatAsked
        if not key and menu.otherwise is not None:
            self._note(Happening.SKIPPED)
            return menu.otherwise.value
        for option in menu.options:
            if option.key == key:
                self._note(Happening.ANSWERED, key)
                return option.value
        raise _Failed(Happening.WRONG if key else Happening.SILENCE)

    def _ask(self, ask: Ask[Any], opening: tuple[Prompt, ...]) -> Any:
        typed = ""
        key = self._key_after((*opening, *ask.prompts), FIRST_DIGIT)
        while key and key != END:
            if key == REPEAT:
                raise _RepeatAsked
            typed += key
            if len(typed) == ask.longest:
                self._overhear_end = True
                break
            key = self._key(NEXT_DIGIT, ask.longest - len(typed))
        if not typed:
            if key != END:
                raise _Failed(Happening.SILENCE)
            if ask.skip is not None:
                self._note(Happening.SKIPPED)
                return ask.skip.value
        answer = ask.parse(typed)
        if answer is None:
            if not key:
                # The pause was too short for who was still typing.
                self._slow_down()
            raise _Failed(Happening.WRONG)
        self._note(Happening.ANSWERED, f"{len(typed)} keys" if ask.secret else typed)
        return answer

    def _record(self, step: Record, opening: tuple[Prompt, ...]) -> Recording:
        self._ahead.clear()
        key = self._play((*opening, *step.prompts))
        if key == REPEAT:
            raise _RepeatAsked
        self._ahead.clear()
        self._recordings += 1
        recording = self._line.record(f"{self._recordings}-{step.node}", step.longest, step.least)
        if recording is None:
            raise _Failed(Happening.SILENCE)
        self._note(Happening.RECORDED, f"{recording.seconds:.0f} s")
        return recording

    def _key_after(self, prompts: tuple[Prompt, ...], seconds: float) -> str:
        """The next key: typed ahead, pressed during ``prompts``, or within ``seconds`` after them."""
        if not self._ahead:
            self._play(prompts, seconds)
        return self._ahead.popleft() if self._ahead else ""

    def _key(self, seconds: float, most: int) -> str:
        """The next key within ``seconds``, out of at most ``most`` that are wanted."""
        if self._slow:
            seconds *= SLOW
        if not self._ahead:
            self._ahead.extend(self._line.collect(seconds, most))
        return self._ahead.popleft() if self._ahead else ""

    def _slow_down(self) -> None:
        if self._slow:
            return
        self._slow = True
        if self._pace is not None:
            self._pace.remember_slow()

    def _play(self, prompts: tuple[Prompt, ...], seconds: float = 0.0) -> str:
        if self._slow:
            seconds *= SLOW
        key = self._line.play(prompts, self._language, seconds)
        if self._superfluous(key):
            key = self._line.play(prompts, self._language, seconds)
        if key:
            self._ahead.append(key)
        return key

    def _superfluous(self, key: str) -> bool:
        """Whether ``key`` is a # pressed after input that did not need it."""
        superfluous = key == END and self._overhear_end
        if key:
            self._overhear_end = False
        return superfluous

    def _enter(self, node: str) -> None:
        self._node = node
        self._note(Happening.ENTERED)

    def _note(self, happening: Happening, detail: str = "") -> None:
        self._journal.note(self._node, happening, detail)


def menu_prompts(menu: Menu[Any]) -> tuple[Prompt, ...]:
    """All that a menu says: its introduction, then each option with its key."""
    spoken = list(menu.prompts)
    options: tuple[Option[Any], ...] = menu.options
    for option in options:
        if option.said is not None:
            spoken += (option.said, prompt(f"press.{option.key}"))
    return tuple(spoken)
