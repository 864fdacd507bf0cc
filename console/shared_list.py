"""A list that many consoles have open is made once for all of them, however often they ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: What was made is good for so long. Shorter than a page's script waits between two questions, so that a page
#: never goes back to what was before its own change.
FRESH = timedelta(seconds=1)
#: So many lists are kept; then those that nobody asks for go.
_MOST = 200


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    text: str = ""
    stamp: object = None
    made_at: datetime | None = None


class SharedList:
    """See the module. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, _Kept] = {}

    def text(self, key: Hashable, stamp: object, make: Callable[[], str], *, now: datetime) -> str:
        """What ``make`` gives: made now, or a moment ago for somebody else.

        Args:
            key: all that the text depends on, but for the data.
            stamp: changes with the data as far as that is seen at once; read before the text is made.
            make: makes it; what it raises comes out, and nothing is kept.
            now: the time.
        """
        with self._lock:
            if key not in self._kept and len(self._kept) >= _MOST:
                self._forget(now)
            kept = self._kept.setdefault(key, _Kept())
        # Who asks for the same meanwhile waits, and has it then.
        with kept.lock:
            if kept.made_at is None or kept.stamp != stamp or now - kept.made_at >= FRESH:
                kept.text = make()
                kept.stamp, kept.made_at = stamp, now
            return kept.text

    def _forget(self, now: datetime) -> None:
        for key, kept in list(self._kept.items()):
            if kept.made_at is not None and now - kept.made_at >= FRESH:
                del self._kept[key]
