"""Figures of the dialogs: where callers come to, hang up, fail, how long it takes, where they go."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.models import EdgeSums, NodeSums
from reports.periods import Period


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """What happened at a node; a call can enter it more than once."""

    node: str
    calls: int
    entered: int
    #: Hung up here.
    dropped: int
    #: Tries that failed: no key, a key that means nothing here.
    silences: int
    wrong: int
    gave_up: int
    asked_for_person: int
    milliseconds: int
    timed: int

    @property
    def dropped_share(self) -> float | None:
        """Hung up here ÷ entered."""
        return self.dropped / self.entered if self.entered else None

    @property
    def failed(self) -> int:
        """Tries that failed."""
        return self.silences + self.wrong

    @property
    def failed_per_entry(self) -> float | None:
        """Failed tries ÷ entered."""
        return self.failed / self.entered if self.entered else None

    @property
    def mean_seconds(self) -> float | None:
        """Mean time from entering the node to what came after it."""
        return self.milliseconds / self.timed / 1000 if self.timed else None


@dataclass(frozen=True, slots=True)
class Edge:
    """How often callers went from one node to another; ends are in brackets."""

    origin: str
    target: str
    passages: int


_COUNTS = tuple(
    column.key for column in NodeSums.__table__.columns if column.key not in {"day", "node", "language"}
)


def node_figures(session: Session, period: Period, *, language: str | None = None) -> tuple[NodeFigures, ...]:
    """The nodes that calls of ``period`` came to, the most visited first."""
    query = (
        select(NodeSums.node, *(func.sum(getattr(NodeSums, name)) for name in _COUNTS))
        .where(NodeSums.day.between(period.first, period.last))
        .group_by(NodeSums.node)
    )
    if language is not None:
        query = query.where(NodeSums.language == language)
    found = [NodeFigures(node, *(int(count) for count in counts)) for node, *counts in session.execute(query)]
    return tuple(sorted(found, key=lambda figures: (-figures.entered, figures.node)))


def edges(session: Session, period: Period, *, least: int = 1) -> tuple[Edge, ...]:
    """The steps that were taken at least so often in ``period``, the most frequent first."""
    passages = func.sum(EdgeSums.passages)
    rows = session.execute(
        select(EdgeSums.origin, EdgeSums.target, passages)
        .where(EdgeSums.day.between(period.first, period.last))
        .group_by(EdgeSums.origin, EdgeSums.target)
        .having(passages >= least)
    )
    found = [Edge(origin, target, int(count)) for origin, target, count in rows]
    return tuple(sorted(found, key=lambda edge: (-edge.passages, edge.origin, edge.target)))
