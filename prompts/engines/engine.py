"""What the renderer needs from a voice."""

from __future__ import annotations

from typing import Protocol

from prompts.levelling import Audio


class EngineFailed(Exception):
    """This text could not be read aloud; the message says why and, where it helps, what to do."""


class Engine(Protocol):
    """Used from several threads at once."""

    @property
    def name(self) -> str: ...

    def speaks(self, language: str) -> bool:
        """Whether there is a voice for the language (two letters) on this machine."""
        ...

    def fingerprint(self, language: str) -> str:
        """Changes with everything that changes the sound: engine, version, voice, speed."""
        ...

    def say(self, text: str, language: str) -> Audio:
        """Raises :class:`EngineFailed`."""
        ...
