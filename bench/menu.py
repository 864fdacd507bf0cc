"""The baseline: the certificate dialog as the dialplan alone would hold it, with the same sounds and keys.

The real dialog is held once, on a line that only notes what is played and how many keys are taken; what it
noted is written down as a context in which ``Read`` plays and takes keys and nothing else happens.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from bench.citizens import Citizen
from call_routing.names import Context, Variable
from desk.settings import Settings
from ivr.conversation import FIRST_DIGIT, FIRST_KEY, Conversation, Happening, HungUp
from ivr.steps import Prompt, Recording
from ivr.switchboard import switchboard
from prompts.catalogue import Catalogue

#: What the callers press: requests, civil status, birth, about me, birth date, one copy, at the counter, yes.
KEYS_BEFORE, BIRTH_DATE_KEYS, KEYS_AFTER = "1111", 8, "111"

#: What the bench's callers dial: the baseline, and our dialog as one process per call. Any other number
#: leads to our dialog on the AGI server.
MENU_NUMBER, SCRIPT_NUMBER = "9001", "9002"


@dataclass(frozen=True, slots=True)
class Stage:
    """What is played until ``keys`` keys are taken (none at the end)."""

    sounds: tuple[str, ...]
    keys: int


def stages(house: House, citizen: Citizen) -> tuple[Stage, ...]:
    """The certificate dialog with ``citizen``, who hangs up after the reference number; files the request."""
    line = _NotingLine(house.catalogue, [*KEYS_BEFORE, *f"{citizen.born:%d%m%Y}", *KEYS_AFTER])
    desk = CallDesk(house, CallJournal(house, "bench", citizen.number, ""), citizen.number)
    Conversation(line, _NoJournal()).run(switchboard(desk))
    if line.keys:
        raise AssertionError("the dialog has changed: it did not take all the keys")
    return tuple(line.stages)


@dataclass(slots=True)
class _NotingLine:
    """Presses a key only when it is waited for, so that every sound is noted."""

    catalogue: Catalogue
    keys: list[str]
    stages: list[Stage] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)

    def play(self, prompts: Sequence[Prompt], language: str, seconds: float = 0.0) -> str:
        for prompt in prompts:
            self.sounds += self.catalogue.sounds(language, prompt.key, dict(prompt.values))
        return self.collect(seconds) if seconds else ""

    def collect(self, seconds: float, most: int = 1) -> str:
        if not self.keys:
            # The certificate is filed: what follows is the question whether there is anything else.
            self._add(0)
            raise HungUp
        if self.sounds:
            self._add(1)
        else:
            last = self.stages.pop()
            self.stages.append(Stage(last.sounds, last.keys + 1))
        return self.keys.pop(0)

    def record(self, name: str, longest: int, least: float) -> Recording | None:
        raise AssertionError("nothing is recorded on the way to a certificate")

    def dial(self) -> None:
        raise AssertionError("no person is needed on the way to a certificate")

    def _add(self, keys: int) -> None:
        self.stages.append(Stage(tuple(self.sounds), keys))
        self.sounds.clear()


class _NoJournal:
    def note(self, node: str, happening: Happening, detail: str = "") -> None:
        pass


def as_dialplan(stages: Sequence[Stage], settings: Settings) -> str:
    """The bench's own contexts, to be added to a private ``extensions.conf``.

    A caller whose key gets lost on the way is hung up on, which SIPp counts as a failed call.
    """
    lines = [
        "",
        f"[{Context.FROM_TRUNK}]",
        f"exten => {MENU_NUMBER},1,Goto(bench-menu,s,1)",
        f"exten => {SCRIPT_NUMBER},1,Goto(bench-script,s,1)",
        "",
        "[bench-menu]",
        "exten => s,1,Answer()",
    ]
    for stage in stages:
        sounds = "&".join(stage.sounds)
        if stage.keys:
            seconds = FIRST_KEY if stage.keys == 1 else FIRST_DIGIT
            lines += [
                f" same => n,Read(KEYS,{sounds},{stage.keys},,1,{seconds:.0f})",
                f" same => n,GotoIf($[${{LEN(${{KEYS}})}} != {stage.keys}]?lost)",
            ]
        else:
            lines.append(f" same => n,Playback({sounds})")
    lines += [
        " same => n(lost),Hangup()",
        "",
        "[bench-script]",
        f"exten => s,1,Set({Variable.OUTCOME}=)",
        " same => n,Set(AGISIGHUP=no)",
        " same => n,Set(AGIEXITONHANGUP=yes)",
        f" same => n,AGI({sys.executable},-m,agi_scripts.switchboard)",
        " same => n,Hangup()",
        "",
    ]
    return "\n".join(lines)
