"""Slows down password guessing: after a few wrong passwords a log-in has to wait, twice as long each time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

#: Wrong passwords in a row that cost no waiting: people mistype.
FREE_TRIES = 5
FIRST_WAIT = timedelta(seconds=30)
#: The longest wait, so that nobody can keep an operator out for long by guessing on purpose.
LONGEST_WAIT = timedelta(minutes=15)
#: Wrong passwords are forgotten after this long without another one.
FORGET_AFTER = timedelta(hours=12)
#: Log-ins remembered at once, so that invented names cannot fill the memory.
REMEMBERED = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last: datetime


class FailedLogins:
    """Counts wrong passwords per log-in, whether that log-in exists or not: the answer must not tell.

    Kept in memory: the web part is one process, and a restart forgiving a few tries does no harm.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def wait(self, login: str, now: datetime) -> timedelta:
        """How long this log-in has to wait; zero means: check the password now.

        Zero counts as one more wrong password until :meth:`succeeded` says otherwise, so that many tries sent
        at the same moment are counted before the first of them is answered.
        """
        key = login.casefold()
        with self._lock:
            failures = self._failures.pop(key, None)
            if failures is None or now - failures.last > FORGET_AFTER:
                failures = _Failures(0, now)
            self._failures[key] = failures
            left = failures.last + _penalty(failures.count) - now
            if left > timedelta(0):
                return left
            failures.count += 1
            failures.last = now
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)
            return timedelta(0)

    def succeeded(self, login: str) -> None:
        """The password was right: the wrong ones before it no longer count."""
        with self._lock:
            self._failures.pop(login.casefold(), None)


def _penalty(failures: int) -> timedelta:
    if failures < FREE_TRIES:
        return timedelta(0)
    # Bounded because the counter is not.
    doublings = min(failures - FREE_TRIES, 16)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
