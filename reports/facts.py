"""What one call was, from its raw rows alone: pure functions, whatever the order the rows came in.

Rules that the figures rest on:

* The wait begins when the call enters the queue, not when the caller dials.
* A conversation belongs to the phone that picked up and ends when that phone hangs up or hands the call on: a
  call that was transferred has several, each with its own length.
* What the queue recorded has whole seconds. A wait or a talk that would be negative counts as none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from desk.models import CallOutcome, StayOutcome, Tier
from desk.queue_history import ANSWERED, ENDED, QueueLine
from ivr.conversation import Happening

#: How much later than it happened the queue may write something down.
_INEXACT = timedelta(seconds=2)
#: A phone rang, and nobody picked up.
RANG_IN_VAIN = "RINGNOANSWER"
#: The node at which the switchboard tells that the desk is closed.
CLOSED_NODE = "welcome.closed"
#: Ends of paths through the dialogs, in brackets so that no node is called so.
START, BROKEN = "(start)", "(broken)"
_ENDS = {
    Happening.HUNG_UP: "(hung up)",
    Happening.TRANSFERRED: "(person)",
    Happening.DONE: "(done)",
}


class Path(StrEnum):
    """How a call's way through the dialogs ended, as far as the dialogs know."""

    SELF_SERVED = "self_served"
    HUNG_UP = "hung_up"
    PERSON = "person"
    #: A message was taken, or the end is not known.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a dialog."""

    at: datetime
    seq: int
    node: str
    event: str


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation with the phone ``extension``; ``ended_at`` is ``None`` while it goes on."""

    extension: str
    began_at: datetime
    ended_at: datetime | None
    #: ``blind`` or ``attended`` if it ended by handing the call on.
    handed_on: str | None = None

    @property
    def seconds(self) -> int | None:
        """How long it lasted."""
        return whole_seconds(self.began_at, self.ended_at)


def held_seconds(talk: Talk, holds: Iterable[tuple[datetime, datetime | None]]) -> int:
    """Seconds of a talk that is over on hold, of the holds of its phone; two at once count once."""
    assert talk.ended_at is not None
    spans = sorted(
        (began, min(ended or talk.ended_at, talk.ended_at))
        for began, ended in holds
        # What began in a talk before was that one's, also where its end was missed.
        if talk.began_at - _INEXACT <= began < talk.ended_at
    )
    held, reached = timedelta(0), talk.began_at
    for began, ended in spans:
        held += max(timedelta(0), ended - max(began, reached))
        reached = max(reached, ended)
    return round(held.total_seconds())


@dataclass(frozen=True, slots=True)
class Visit:
    """One entering of a node, and the seconds until what came after it (``None``: nothing is known)."""

    node: str
    seconds: float | None


def whole_seconds(begin: datetime, end: datetime | None) -> int | None:
    """Seconds from ``begin`` to ``end``, none where that would be negative."""
    return None if end is None else max(0, int((end - begin).total_seconds()))


def talks_of(lines: Iterable[QueueLine], over: datetime | None) -> list[Talk]:
    """The conversations that one call's ``lines`` tell of; ``over`` is when the call ended, if known."""
    talks: list[Talk] = []
    current: tuple[str, datetime] | None = None

    def end(at: datetime | None, how: str | None = None) -> None:
        nonlocal current
        if current is not None:
            talks.append(Talk(*current, at, how))
            current = None

    about = sorted({*lines}, key=lambda line: (line.at, line.event, line.agent, line.data))
    for at, group in groupby(about, key=lambda line: line.at):
        second = list(group)
        ends = {line.agent[:8]: ENDED[line.event] for line in second if line.event in ENDED}
        begun = list(dict.fromkeys(line.agent[:8] for line in second if line.event == ANSWERED))
        if current and current[0] in ends:
            end(at, ends.pop(current[0]))
        # Whoever picked up and let go in one second did so before the one who still talks.
        for extension in sorted(begun, key=lambda one: one not in ends):
            # Where the end of the talk before was not recorded, it cannot have gone on beyond this.
            end(at)
            current = (extension, at)
            if extension in ends:
                end(at, ends.pop(extension))
    if current is not None:
        # The end of the call is exact, the queue's lines are not. One long before the talk is another's.
        end(max(over, current[1]) if over and over > current[1] - _INEXACT else None)
    return talks


def rang_in_vain(lines: Iterable[QueueLine]) -> Iterator[str]:
    """The phones that rang for the call and were not picked up, once for each time."""
    return (line.agent[:8] for line in lines if line.event == RANG_IN_VAIN)


def overflowed(lines: Iterable[QueueLine], tiers: Mapping[str, Tier], desk_queue: str) -> bool:
    """Whether a counter's phone rang for a call in the desk's queue, picked up or not."""
    return any(
        line.queue == desk_queue
        and line.event in (ANSWERED, RANG_IN_VAIN)
        and tiers.get(line.agent[:8]) is Tier.COUNTER
        for line in lines
    )


def way(events: Iterable[Happened]) -> list[Happened]:
    """A call's events in the order they happened: scripts that run later can have lower numbers."""
    return sorted(events, key=lambda event: (event.at, event.seq))


def visits_of(events: Iterable[Happened]) -> Iterator[Visit]:
    """The nodes that were entered, in order; ``events`` as :func:`way` gives them."""
    here: Happened | None = None
    for event in events:
        if event.event != Happening.ENTERED and event.event not in _ENDS:
            continue
        if here is not None:
            yield Visit(here.node, max(0.0, (event.at - here.at).total_seconds()))
        here = event if event.event == Happening.ENTERED else None
    if here is not None:
        yield Visit(here.node, None)


def edges_of(events: Iterable[Happened]) -> Iterator[tuple[str, str]]:
    """The steps from node to node, from :data:`START` to the end; ``events`` as :func:`way` gives them."""
    here = START
    for event in events:
        if event.event == Happening.ENTERED:
            yield here, event.node
            here = event.node
        elif event.event in _ENDS:
            end = _ENDS[Happening(event.event)]
            yield here, end
            here = end
    if here != START and here not in _ENDS.values():
        yield here, BROKEN


def path_of(outcome: CallOutcome | None, *, in_queue: bool) -> Path:
    """How the call's dialog ended, given its recorded outcome and whether it came to the queue."""
    if in_queue or outcome is CallOutcome.OPERATOR:
        return Path.PERSON
    if outcome is CallOutcome.DONE:
        return Path.SELF_SERVED
    return Path.HUNG_UP if outcome is CallOutcome.HUNG_UP else Path.OTHER


def wait_of(
    entered: datetime, outcome: StayOutcome, answered: datetime | None, ended: datetime | None
) -> int:
    """Seconds that a caller was in the queue, until the answer or the end."""
    return whole_seconds(entered, answered if outcome is StayOutcome.ANSWERED else ended) or 0
