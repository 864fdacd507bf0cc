"""Whether to wait, and for how long, as one caller asks: :class:`ivr.waiting.Routing`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agi_scripts.call_context import CallContext
from agi_scripts.live_queue import LiveQueue
from call_routing.hours import OpeningHours
from call_routing.plan import QueueFacts, Way, way_of
from call_routing.wait import WINDOW, handling_seconds, told, wait_range, wait_seconds
from desk.queue_figures import place_in_queue, recent_talks
from desk.town import Routing
from ivr.waiting import Reach, Wait

_REACH = {Way.NOBODY: Reach.NOBODY, Way.TOO_LATE: Reach.TOO_LATE}


class RoutingDesk:
    """See :class:`ivr.waiting.Routing`. ``since`` is when the caller began to wait, if that has begun."""

    def __init__(self, call: CallContext, queue: LiveQueue, since: datetime | None = None) -> None:
        self._call = call
        self._queue = queue
        self._since = since
        #: What was told before this conversation.
        self._before = queue.told()

    def reach(self) -> Reach:
        town = self._call.house.town()
        if town is None:
            return Reach.RING
        now, facts = self._call.now(), self._facts()
        expected = self._expected(facts) if facts and not facts.served_at_once else None
        way = way_of(facts, expected=expected, closes_at=OpeningHours.of(town).closes_at(now), now=now)
        return _REACH.get(way, Reach.RING)

    def wait(self) -> Wait | None:
        facts = self._facts()
        if facts is None or (facts.served_at_once and not self._queue.waited()):
            return None
        place, handling = self._place(facts), self._handling()
        expected = wait_seconds(place, handling, facts.operators)
        now = wait_range(place, handling, facts.operators)
        if expected is None or now is None:
            return None
        news = told(now, expected, self._queue.waited(), self._before)
        self._queue.tell(news)
        return Wait(news.range.low, news.range.high, news.longer)

    def call_back_due(self) -> bool:
        due = self._rules().call_back_after_seconds
        asked = self._before is not None and self._before.at >= due
        return self._queue.waited() >= due and not asked

    def _facts(self) -> QueueFacts | None:
        town = self._call.house.town()
        return self._queue.facts([phone.extension for phone in town.desk_phones]) if town else None

    def _expected(self, facts: QueueFacts) -> float | None:
        return wait_seconds(self._place(facts), self._handling(), facts.operators)

    def _place(self, facts: QueueFacts) -> int:
        """The caller's place. Who left the queue for an announcement still stands before those behind."""
        call = self._call
        known = call.read(
            lambda s: place_in_queue(s, call.unique_id, since=self._since, number=call.caller), None
        )
        if known is None:
            return max(facts.waiting + 1 - facts.free, 1)
        # What was recorded may be old, where the worker is away: nobody stands behind more than there are.
        return min(known, facts.waiting + 1)

    def _handling(self) -> float:
        talks: Sequence[float] = self._call.read(lambda s: recent_talks(s, WINDOW), [])
        return handling_seconds(talks, self._rules().wrap_up_seconds)

    def _rules(self) -> Routing:
        town = self._call.house.town()
        return town.routing if town else Routing()
