"""A queue whose state a test decides."""

from __future__ import annotations

from ivr.waiting import Reach, Wait
from tests.ivr.deciding import Decided


class DecidedRouting(Decided):
    """:class:`ivr.waiting.Routing`, decided."""

    def reach(self) -> Reach:
        return self.one("reach", Reach.RING, Reach.NOBODY, Reach.TOO_LATE)

    def wait(self) -> Wait | None:
        return self.one("wait", None, Wait(2, 5), Wait(0, 1), Wait(0, 3, longer=True))

    def call_back_due(self) -> bool:
        return self.one("call-back due", False, True)
