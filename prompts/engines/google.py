"""Google Translate's voice through gTTS: the best free Italian one, for production.

It needs the network and sends the text to a third party, so it only ever sees the fixed texts of the
catalogue, when prompts are rendered: never a caller's data and never while a caller waits.
"""

from __future__ import annotations

import logging
import threading
from importlib.metadata import version

import numpy as np
from gtts import gTTS, gTTSError
from gtts.lang import tts_langs

from prompts.engines.engine import EngineFailed
from prompts.levelling import Audio, NotAudio, decode

log = logging.getLogger(__name__)

#: Seconds to connect and to wait for the next bytes. Without them gTTS waits for ever.
_TIMEOUT = (4.0, 15.0)
#: After so many failures in a row the service is taken for unreachable and no longer asked.
_PATIENCE = 2
_TOO_MANY_REQUESTS = 429


class Google:
    """Asks until the service says "too many requests" or seems gone; then fails at once, for good."""

    name = "gtts"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed = ""

    def speaks(self, language: str) -> bool:
        return language in tts_langs()

    def fingerprint(self, language: str) -> str:
        return f"gtts {version('gtts')} {language} com"

    def say(self, text: str, language: str) -> Audio:
        with self._lock:
            if self._closed:
                raise EngineFailed(self._closed)
        try:
            audio = self._ask(text, language)
        except EngineFailed as e:
            self._note_failure(e)
            raise
        with self._lock:
            self._failures = 0
        return audio

    def _ask(self, text: str, language: str) -> Audio:
        try:
            # Not save(): when it fails it leaves an empty file behind.
            asked = gTTS(text, lang=language, lang_check=False, timeout=_TIMEOUT)
            expected = len(asked.get_bodies())
            answers = list(asked.stream())
        except gTTSError as e:
            raise EngineFailed(_reason(e)) from e
        except (AssertionError, ValueError, TypeError) as e:
            # Nothing to read in the text, or an answer that is not what gTTS expects.
            raise EngineFailed("gTTS could not make sense of the text or the answer") from e
        # A long text goes in several questions, and a 200 with an empty body raises nothing: without the
        # count a sentence would have a hole.
        if len(answers) != expected or not all(answers):
            raise EngineFailed("the voice service answered without any sound")
        try:
            parts = [decode(mp3) for mp3 in answers]
        except NotAudio as e:
            raise EngineFailed("the voice service answered with something that is not sound") from e
        # Each MP3 for itself: of several in a row a decoder may stop after the length told by the first.
        return Audio(np.concatenate([part.samples for part in parts]), parts[0].rate)

    def _note_failure(self, failure: EngineFailed) -> None:
        with self._lock:
            self._failures += 1
            if self._closed:
                return
            if _status(failure.__cause__) == _TOO_MANY_REQUESTS:
                self._closed = "the voice service wants fewer requests (429): render again in an hour"
            elif self._failures >= _PATIENCE:
                self._closed = f"not asked again after {self._failures} failures: {failure}"
            if self._closed:
                log.warning("gTTS is no longer asked in this run: %s", failure)


def _status(failure: BaseException | None) -> int | None:
    """The HTTP status, where there was an answer at all."""
    response = getattr(failure, "rsp", None)
    # A response with an error status is false.
    return None if response is None else int(response.status_code)


def _reason(failure: gTTSError) -> str:
    status = _status(failure)
    if status is not None:
        return f"the voice service answered {status}"
    cause = failure.__context__
    return f"the voice service cannot be reached ({type(cause).__name__ if cause else 'no answer'})"
