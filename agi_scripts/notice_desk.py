"""Notices in force: :class:`ivr.notice.Notices` on the database and the rendered sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agi_scripts.call_context import CallContext
from desk.models import Notice
from desk.notices import notices_in_force, sound_of


class NoticeDesk:
    """See :class:`ivr.notice.Notices`."""

    def __init__(self, call: CallContext) -> None:
        self._call = call

    def in_force(self) -> Sequence[Path]:
        call = self._call
        unknown: Sequence[Notice] = ()
        in_force = call.read(lambda s: notices_in_force(s, now=call.now()), unknown)
        settings = call.house.settings
        sounds = []
        for notice in in_force:
            # Rather heard in Italian than not at all.
            spoken = (sound_of(settings, notice.id, language) for language in (call.language, "it"))
            sounds += [sound for sound in spoken if sound.exists()][:1]
        return sounds
