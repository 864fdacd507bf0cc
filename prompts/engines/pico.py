"""SVOX Pico through ``ttspico``: female voices, offline, no model to download. The default."""

from __future__ import annotations

import threading
from importlib.metadata import version
from types import MappingProxyType

import numpy as np
from ttspico import TtsEngine

from prompts.engines.engine import EngineFailed
from prompts.levelling import Audio

_VOICES = MappingProxyType({"it": "it-IT", "en": "en-GB", "fr": "fr-FR", "es": "es-ES", "de": "de-DE"})
_RATE = 16000
#: At the engine's default of 100 loud vowels are clipped.
_VOLUME = 50


class Pico:
    name = "pico"

    def __init__(self) -> None:
        # An engine is not safe for two threads, but two engines are.
        self._mine = threading.local()

    def speaks(self, language: str) -> bool:
        return language in _VOICES

    def fingerprint(self, language: str) -> str:
        return f"ttspico {version('ttspico')} {_VOICES[language]} volume {_VOLUME}"

    def say(self, text: str, language: str) -> Audio:
        data = self._engine(language).speak(text)
        if not data:
            raise EngineFailed("the offline voice returned no sound")
        return Audio(np.frombuffer(data, dtype="<i2").astype(np.float64) / 32768, _RATE)

    def _engine(self, language: str) -> TtsEngine:
        engines: dict[str, TtsEngine] = self._mine.__dict__.setdefault("engines", {})
        if language not in engines:
            try:
                engines[language] = TtsEngine(_VOICES[language])
            except RuntimeError as e:
                raise EngineFailed(f"the offline voice for {language} cannot be opened") from e
            engines[language].volume = _VOLUME
        return engines[language]
