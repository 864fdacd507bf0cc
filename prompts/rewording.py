"""How the worker gives a voice to the town's own words, and takes its recordings into use."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from desk.db import Sessions, reading
from desk.prompt_texts import own_texts
from desk.settings import Settings
from prompts.own_words import asked_anew, note_made, read_own, recordings, recordings_there, write_own

log = logging.getLogger(__name__)


class Rewording:
    """Keeps the sounds up with the town's texts and recordings: only what has changed is made anew."""

    def __init__(self, settings: Settings, database: Sessions) -> None:
        self._settings = settings
        self._database = database
        #: What was taken into use; at first nothing: recordings may have come while no worker was there.
        self._recorded: Mapping[tuple[str, str], int] = {}

    def keep_up(self) -> None:
        """Render what was changed, then let the texts be spoken. Nothing to do costs one query."""
        home = self._settings.home.resolve()
        with reading(self._database) as session:
            wanted = own_texts(session)
        recorded, spoken = recordings_there(home), read_own(home)
        asked = asked_anew(home)
        if wanted == spoken and recorded == self._recorded and not asked:
            return
        changed = {
            (language, key)
            for language in wanted.keys() | spoken.keys()
            for key in wanted.get(language, {}).keys() | spoken.get(language, {}).keys()
            if wanted.get(language, {}).get(key) != spoken.get(language, {}).get(key)
        }
        self._render(wanted, changed, asked | {each for each, _ in recorded.items() ^ self._recorded.items()})
        if wanted != spoken:
            write_own(home, wanted)
        self._recorded = recorded
        note_made(home, asked)
        log.info("%d texts and %d recordings of the town taken in", len(changed), len(recorded))

    def _render(
        self,
        wanted: Mapping[str, Mapping[str, str]],
        changed: set[tuple[str, str]],
        sounds: set[tuple[str, str]],
    ) -> None:
        # Numeric libraries that only rendering needs.
        from prompts.catalogue import load_catalogue
        from prompts.engines import choose_engines
        from prompts.rendering import render

        home = self._settings.home.resolve()
        catalogue = load_catalogue(self._settings.sounds, own=wanted)
        only = {
            (sound.language, sound.key)
            for sound in catalogue.all_sounds()
            for language, key in changed
            # A text with placeholders has a sound for each of its parts: key-1, key-2 ...
            if sound.language == language and sound.key.rsplit("-", 1)[0] == key
        } | sounds
        report = render(
            catalogue,
            choose_engines(self._settings.voice),
            home / "prompt-cache",
            town=recordings(home),
            only=only,
        )
        if report.failed:
            # Nobody hears silence: the texts come into use only with their sounds.
            raise RuntimeError(str(report))
