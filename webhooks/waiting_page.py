"""How long one waits on the telephone now: a public page, and the same as JSON. No personal data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import jsonify, render_template
from flask.typing import ResponseReturnValue

from call_routing.hours import OpeningHours
from call_routing.plan import QueueFacts
from call_routing.wait import WINDOW, WaitRange, handling_seconds, wait_range
from desk.db import Sessions, reading
from desk.desk_now import PhoneState, QueueNow, queue_now
from desk.queue_figures import recent_talks
from desk.settings import ROME
from desk.town import read_town

#: What the worker saw longer ago is not the present.
FRESH = timedelta(seconds=30)


class Now(StrEnum):
    """How it stands for somebody who would call now."""

    CLOSED = "closed"
    #: The worker has not looked at the queue lately.
    UNKNOWN = "unknown"
    NOBODY = "nobody"
    AT_ONCE = "at_once"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is shown, at the moment ``at``; times are on Rome's clock."""

    at: datetime
    now: Now
    closes_at: datetime | None
    next_opening: datetime | None
    wait: WaitRange | None = None


def standing_of(database: Sessions, *, now: datetime) -> Standing:
    """How it stands now. Raises `DatabaseGone`."""
    with reading(database) as session:
        town, seen, talks = read_town(session), queue_now(session), recent_talks(session, WINDOW)
    hours = OpeningHours.of(town)
    at, closes_at, opening = now.astimezone(ROME), hours.closes_at(now), hours.next_opening(now)
    if closes_at is None:
        return Standing(at, Now.CLOSED, closes_at, opening)
    if seen is None or now - seen.seen_at > FRESH:
        return Standing(at, Now.UNKNOWN, closes_at, opening)
    facts = _facts(seen)
    if facts.served_at_once:
        return Standing(at, Now.AT_ONCE, closes_at, opening)
    place = facts.waiting + 1 - facts.free
    wait = wait_range(place, handling_seconds(talks, town.routing.wrap_up_seconds), facts.operators)
    return Standing(at, Now.WAIT if wait else Now.NOBODY, closes_at, opening, wait)


def waiting_page(database: Sessions, *, clock: Callable[[], datetime]) -> Callable[[], ResponseReturnValue]:
    """The view of ``/wait``."""

    def wait_page() -> ResponseReturnValue:
        return render_template("wait.html", standing=standing_of(database, now=clock()))

    return wait_page


def waiting_api(database: Sessions, *, clock: Callable[[], datetime]) -> Callable[[], ResponseReturnValue]:
    """The view of ``/api/wait``; ``wait_minutes`` is null unless ``now`` is ``wait``."""

    def wait_api() -> ResponseReturnValue:
        standing = standing_of(database, now=clock())
        return jsonify(
            at=standing.at.isoformat(timespec="seconds"),
            now=standing.now,
            open=standing.closes_at is not None,
            closes_at=_iso(standing.closes_at),
            next_opening=_iso(standing.next_opening),
            wait_minutes={"low": standing.wait.low, "high": standing.wait.high} if standing.wait else None,
        )

    return wait_api


def _facts(seen: QueueNow) -> QueueFacts:
    there = [
        member.state
        for member in seen.members.values()
        if member.paused is None and member.state is not PhoneState.UNREACHABLE
    ]
    return QueueFacts(len(there), there.count(PhoneState.FREE), seen.waiting)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
