"""How the desk stands at this moment, and how today has gone so far: for the wall and for Prometheus."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.db import Sessions, reading
from desk.desk_now import Member, PhoneState, queue_now
from desk.due_dates import count_due
from desk.models import CallBack, CallBackState, JobState
from reports.calls import CallFigures, Limits, total
from reports.periods import Period, day_in_rome
from reports.rollups import made_until

#: What the worker saw longer ago is not the present.
FRESH = timedelta(seconds=30)
#: How long what was read of today serves everybody who asks: the sums change once a minute.
KEPT = timedelta(seconds=10)
#: The job that keeps the sums up to date, every minute.
FIGURES_JOB = "figures"


class Standing(StrEnum):
    """What a phone of the desk does, as far as it matters to who waits."""

    AVAILABLE = "available"
    #: Ringing is busy: the next call does not come here.
    IN_CALL = "in_call"
    PAUSED = "paused"
    #: The phone is not registered.
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Now:
    """The queue and the phones of the desk at the moment ``seen_at``."""

    seen_at: datetime
    waiting: int
    #: Since when the first of them waits.
    waiting_since: datetime | None
    phones: Mapping[Standing, int]


@dataclass(frozen=True, slots=True)
class Today:
    """Today's figures. The calls are those that the worker had added up by ``made_at``."""

    made_at: datetime | None
    calls: CallFigures
    #: Call-backs whose time has come, and open requests past their date or due today.
    call_backs_due: int
    overdue: int
    due_today: int


def now_at_the_desk(session: Session, *, now: datetime) -> Now | None:
    """How it stands; ``None`` while nobody has looked for :data:`FRESH`, so that nothing is known."""
    seen = queue_now(session)
    if seen is None or now - seen.seen_at > FRESH:
        return None
    counts = Counter(standing_of(member) for member in seen.members.values())
    return Now(seen.seen_at, seen.waiting, seen.waiting_since, {one: counts[one] for one in Standing})


def standing_of(member: Member) -> Standing:
    """What that phone does. A paused one that still talks is in a call."""
    if member.state is PhoneState.UNREACHABLE:
        return Standing.ABSENT
    if member.state in (PhoneState.BUSY, PhoneState.RINGING):
        return Standing.IN_CALL
    return Standing.AVAILABLE if member.paused is None else Standing.PAUSED


def today_so_far(session: Session, *, now: datetime, limits: Limits = Limits()) -> Today:  # noqa: B008  frozen
    """Today's figures, on Rome's calendar."""
    today = day_in_rome(now)
    due = count_due(session, now=now)
    waiting = (CallBack.state == CallBackState.WAITING) & (CallBack.next_try_at <= now)
    call_backs = session.scalar(
        select(func.count()).select_from(CallBack).where(or_(waiting, CallBack.state == CallBackState.QUEUED))
    )
    # A day without news is not made again: what counts is when the worker last looked for some.
    looked = session.scalar(select(JobState.succeeded_at).where(JobState.name == FIGURES_JOB))
    return Today(
        looked or made_until(session),
        total(session, Period(today, today), limits=limits),
        call_backs or 0,
        due.overdue,
        due.today,
    )


class KeptToday:
    """:func:`today_so_far`, read at most once in :data:`KEPT`, however many screens and scrapers ask."""

    def __init__(self, sessions: Sessions, *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._reading = threading.Lock()
        self._kept: Today | None = None
        self._read_at: datetime | None = None

    def get(self) -> Today:
        """Today's figures, no older than :data:`KEPT`. Raises :class:`~desk.db.DatabaseGone`."""
        now = self._clock()
        with self._reading:
            # A clock that was put back keeps nothing for longer.
            if self._kept is None or self._read_at is None or not self._read_at <= now < self._read_at + KEPT:
                with reading(self._sessions) as session:
                    self._kept, self._read_at = today_so_far(session, now=now), now
            return self._kept
