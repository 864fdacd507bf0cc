"""Notices whose being in force a test decides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.ivr.deciding import Decided


class DecidedNotices(Decided):
    """:class:`ivr.notice.Notices`, decided."""

    def in_force(self) -> Sequence[Path]:
        return self.one("notices", (), (Path("/notices/1-it.wav"),))
