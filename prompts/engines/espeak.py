"""espeak-ng, for languages that no better voice speaks. Used only where the program is installed."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path

from prompts.engines.engine import EngineFailed
from prompts.levelling import Audio, NotAudio, decode

log = logging.getLogger(__name__)

#: Words in a minute; the program's own default of 175 is fast for a telephone.
_SPEED = 150
_SECONDS = 20


class Espeak:
    name = "espeak-ng"

    def speaks(self, language: str) -> bool:
        return language in self._languages

    def fingerprint(self, language: str) -> str:
        return f"espeak-ng {self._version} {language} {_SPEED}"

    def say(self, text: str, language: str) -> Audio:
        with tempfile.TemporaryDirectory() as folder:
            # Not the standard output: the length in a streamed WAV header is wrong.
            file = Path(folder) / "said.wav"
            self._run("-b", "1", "-v", language, "-s", str(_SPEED), "-w", str(file), "--stdin", text=text)
            try:
                return decode(file.read_bytes())
            except (OSError, NotAudio) as e:
                raise EngineFailed("espeak-ng wrote no sound") from e

    @cached_property
    def _languages(self) -> frozenset[str]:
        if shutil.which("espeak-ng") is None:
            return frozenset()
        try:
            table = self._run("--voices")
        except EngineFailed:
            log.warning("espeak-ng is installed but does not run")
            return frozenset()
        # " 5  it   --/M   Italian   roa/it": the second column names the language.
        rows = (line.split() for line in table.splitlines()[1:])
        return frozenset(row[1] for row in rows if len(row) > 1)

    @cached_property
    def _version(self) -> str:
        found = re.search(r"\d+(\.\d+)+", self._run("--version"))
        return found[0] if found else "unknown"

    def _run(self, *arguments: str, text: str = "") -> str:
        try:
            return subprocess.run(
                ["espeak-ng", *arguments],
                input=text,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_SECONDS,
                check=True,
            ).stdout
        except (OSError, subprocess.SubprocessError) as e:
            raise EngineFailed("espeak-ng failed") from e
