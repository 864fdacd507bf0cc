"""How much of the time they were there for the phones of the desk were busy with calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from call_routing.hours import OpeningHours
from call_routing.names import Queue
from desk.models import Phone, QueueEvent, Tier
from desk.models.routing import PAUSES
from desk.settings import ROME
from desk.town import read_town
from reports.calls import By, call_figures
from reports.periods import Period

Span = tuple[datetime, datetime]

#: A pause that was not ended ends with the day it began on, at the latest after so long.
LONGEST_PAUSE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Seconds of one phone of the desk: open, paused meanwhile, and busy with calls and wrap-up."""

    open_seconds: int
    paused_seconds: int
    busy_seconds: int

    @property
    def share(self) -> float | None:
        """Busy ÷ (open − paused). More than 1 where calls went on after closing time."""
        there = self.open_seconds - self.paused_seconds
        return self.busy_seconds / there if there > 0 else None


def occupancy(session: Session, period: Period, *, now: datetime) -> Mapping[str, Occupancy]:
    """By extension; ``""`` is all phones of the desk together.

    Opening hours and phones are those of today: neither has a history. What is still to come does not count.
    """
    open_spans = _open_spans(session, period, now)
    opened = _length(open_spans)
    paused = _paused(session, period, now)
    busy = {
        group.key: group.figures.talk_seconds + group.figures.wrap_up
        for group in call_figures(session, period, by=By.OPERATOR)
    }
    phones = session.scalars(
        select(Phone.extension).where(Phone.tier != Tier.OFFICE).order_by(Phone.extension)
    ).all()
    found = {
        extension: Occupancy(
            opened, _length(_common(open_spans, paused.get(extension, ()))), busy.get(extension, 0)
        )
        for extension in phones
    }
    every = tuple(found.values())
    return {
        "": Occupancy(
            sum(one.open_seconds for one in every),
            sum(one.paused_seconds for one in every),
            sum(one.busy_seconds for one in every),
        ),
        **found,
    }


def _open_spans(session: Session, period: Period, now: datetime) -> list[Span]:
    hours = OpeningHours.of(read_town(session)).regular()
    spans = []
    for day in period:
        for interval in hours.day(day):
            opens, closes = (
                datetime.combine(day, clock, ROME).astimezone(UTC)
                for clock in (interval.opens, interval.closes)
            )
            if opens < min(closes, now):
                spans.append((opens, min(closes, now)))
    return spans


def _paused(session: Session, period: Period, now: datetime) -> dict[str, list[Span]]:
    """When each phone was paused in the desk's queue."""
    rows = session.execute(
        select(QueueEvent.agent, QueueEvent.at, QueueEvent.event)
        .where(
            PAUSES,
            QueueEvent.queue == Queue.DESK.value,
            QueueEvent.at >= period.begins_at - LONGEST_PAUSE,
            QueueEvent.at < period.ends_at,
        )
        .order_by(QueueEvent.at, QueueEvent.id)
    )
    begun: dict[str, datetime] = {}
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for agent, at, event in rows:
        extension = agent[:8]
        if event == "PAUSE":
            begun.setdefault(extension, at)
        elif extension in begun:
            spans[extension].append((begun[extension], min(at, begun.pop(extension) + LONGEST_PAUSE)))
    for extension, at in begun.items():
        spans[extension].append((at, min(now, at + LONGEST_PAUSE)))
    return spans


def _common(first: Iterable[Span], second: Iterable[Span]) -> list[Span]:
    second = list(second)
    return [(max(a, c), min(b, d)) for a, b in first for c, d in second if max(a, c) < min(b, d)]


def _length(spans: Iterable[Span]) -> int:
    return sum(int((end - begin).total_seconds()) for begin, end in spans)
