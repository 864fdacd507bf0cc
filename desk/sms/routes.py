"""Which way a message goes, where there are several: the share of each route follows its errors.

The first route set has all messages while it is well. One that fails loses its share in steps to the next
one that is well, and gets it back in smaller steps while nothing changes for the worse. Shares are in the
database: all workers see the same ones.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from desk.db import one_at_a_time
from desk.models import Attempted, MessageAttempt, SmsRoute

log = logging.getLogger(__name__)

#: A route is judged by its tries of so long, and not before so many.
WINDOW = timedelta(minutes=10)
FEWEST_TRIES = 3
#: It fails from this share of errors on (percent).
FAILING = 30
#: Percent of all messages that move at once, away from a failing route and back to it.
STEP_AWAY, STEP_BACK = 50, 10
#: So long after a change for the worse, or a step back, the next step back is made.
CALM = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Figures:
    """The tries of a route since the last change of its share, in :data:`WINDOW`."""

    tries: int = 0
    errors: int = 0

    @property
    def failing(self) -> bool:
        return self.tries >= FEWEST_TRIES and self.errors * 100 >= FAILING * self.tries


def pick(shares: Mapping[str, int], message_id: str, attempt: int) -> str:
    """The route of one try; the messages are spread as ``shares`` (percent, together 100) say."""
    point = zlib.crc32(f"{message_id} {attempt}".encode()) % 100
    for name, share in shares.items():
        if point < share:
            return name
        point -= share
    raise ValueError("the shares of the routes are not 100 together")


def rebalance(shares: Mapping[str, int], figures: Mapping[str, Figures], *, calm: bool) -> dict[str, int]:
    """The shares (percent) from now on. The routes are in the order in which they are preferred.

    Args:
        shares: as they are, together 100.
        figures: of each route.
        calm: whether nothing has changed for a while.
    """
    well = [name for name in shares if not figures[name].failing]
    changed = dict(shares)
    if not well:
        return changed
    failing = [name for name in shares if figures[name].failing and shares[name]]
    for name in failing:
        _move(changed, name, well[0], STEP_AWAY)
    if not failing and calm:
        for name in list(shares)[1:]:
            _move(changed, name, next(iter(shares)), STEP_BACK)
    return changed


def shares_of(session: Session, names: Sequence[str]) -> dict[str, int]:
    """The share of each route in percent, together 100; what was set up newly changes them."""
    kept = {row.name: row.share for row in session.scalars(select(SmsRoute))}
    if set(kept) != set(names):
        return dict.fromkeys(names, 0) | {names[0]: 100}
    return {name: kept[name] for name in names}


def watch(session: Session, names: Sequence[str], *, now: datetime) -> None:
    """Look at the errors of the routes and change their shares where that helps."""
    if len(names) == 1:
        return
    one_at_a_time(session, "shares of the SMS routes")
    rows = {row.name: row for row in session.scalars(select(SmsRoute).with_for_update())}
    if set(rows) != set(names):
        for row in rows.values():
            session.delete(row)
        session.flush()
        rows = {name: SmsRoute(name=name, share=0, changed_at=now) for name in names}
        rows[names[0]].share = 100
        session.add_all(rows.values())
        return
    last = max(row.changed_at for row in rows.values())
    before = {name: rows[name].share for name in names}
    after = rebalance(before, _figures(session, names, max(last, now - WINDOW)), calm=now >= last + CALM)
    if after == before:
        return
    log.warning("shares of the SMS routes: %s", ", ".join(f"{name} {after[name]} %" for name in names))
    for name, row in rows.items():
        row.share, row.changed_at = after[name], now


def _figures(session: Session, names: Sequence[str], since: datetime) -> dict[str, Figures]:
    bad = MessageAttempt.outcome.in_((Attempted.FAILED, Attempted.IN_DOUBT))
    found = session.execute(
        select(MessageAttempt.route, func.count(), func.sum(case((bad, 1), else_=0)))
        .where(MessageAttempt.at > since)
        .group_by(MessageAttempt.route)
    )
    return {name: Figures() for name in names} | {
        route: Figures(tries, errors) for route, tries, errors in found if route in names
    }


def _move(shares: dict[str, int], source: str, target: str, percent: int) -> None:
    moved = min(percent, shares[source])
    shares[source] -= moved
    shares[target] += moved
