"""The voices: programs and services that read a text aloud, all behind one protocol."""

from __future__ import annotations

from typing import Literal

from prompts.engines.engine import Engine, EngineFailed
from prompts.engines.espeak import Espeak
from prompts.engines.google import Google
from prompts.engines.pico import Pico

__all__ = ["Engine", "EngineFailed", "Espeak", "Google", "Pico", "choose_engines"]


def choose_engines(voice: Literal["pico", "gtts"]) -> tuple[Engine, ...]:
    """The engines in the order in which they are asked, the wanted one first."""
    pico, espeak = Pico(), Espeak()
    return (Google(), pico, espeak) if voice == "gtts" else (pico, espeak)
