"""The wall as server-sent events: how the queue stands and how today goes. Numbers only, nobody's name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from console.live_feed import Feed
from desk.db import Sessions, reading, transaction
from desk.wall_screens import note_screens_seen
from reports.today import KeptToday, Standing, now_at_the_desk

#: Walls that are told at once.
WALLS = 16
#: Who looks at the wall with a log-in, as a follower; screens have their numbers.
OPERATOR = 0
#: Seconds after which something is told even if nothing has changed: silence means that the line is broken.
BEAT = 5


class WallFeed(Feed):
    """See the module. Followers are screens, or :data:`OPERATOR`."""

    most = WALLS
    every = 1.0
    # A screen that was ended asks in vain within a minute.
    longest = 60

    def __init__(self, sessions: Sessions, *, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._sessions = sessions
        self._clock = clock
        self._today = KeptToday(sessions, clock=clock)

    def note_seen(self, followers: Collection[int]) -> None:
        """Which screens are on."""
        with transaction(self._sessions, durable=False) as session:
            note_screens_seen(session, set(followers) - {OPERATOR}, now=self._clock())

    def state(self) -> dict[str, Any]:
        """The wall, ready for JSON: times are seconds, shares 0 to 1, nothing to count is null."""
        now = self._clock()
        with reading(self._sessions) as session:
            standing = now_at_the_desk(session, now=now)
        today = self._today.get()
        calls = today.calls
        since = standing.waiting_since if standing else None
        return {
            "at": now.replace(second=now.second - now.second % BEAT, microsecond=0).isoformat(),
            "known": standing is not None,
            "waiting": standing.waiting if standing else None,
            "waitingSince": since.isoformat() if since else None,
            "phones": {one.value: standing.phones[one] if standing else None for one in Standing},
            "madeAt": today.made_at.isoformat() if today.made_at else None,
            "offered": calls.offered,
            "answered": calls.answered,
            "abandoned": calls.abandoned,
            "level": calls.service_level,
            "asa": calls.asa,
            "callBacks": today.call_backs_due,
            "overdue": today.overdue,
        }
