"""What a caller is told of the wait, from the queue, our figures and what was told before."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from agi_scripts.live_queue import AgiQueue
from agi_scripts.session import Session
from call_routing.plan import QueueFacts
from call_routing.wait import Told, WaitRange
from desk.db import transaction
from desk.models import QueueStay, RoutingRules, StayOutcome
from ivr.waiting import Reach, Wait

#: Monday, 10:00 in Rome: open until 12:45.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BUSY = QueueFacts(operators=2, free=0, waiting=3)


@dataclass
class FixedQueue:
    """:class:`agi_scripts.live_queue.LiveQueue` as a test wants it."""

    state: QueueFacts | None = BUSY
    seconds: int = 0
    before: Told | None = None
    asked: list[str] = field(default_factory=list)
    #: The place that was given to the caller, and whether the caller need not wait any longer.
    place: datetime | None = None
    gone: bool = False

    def facts(self, extensions: Sequence[str]) -> QueueFacts | None:
        self.asked = list(extensions)
        return self.state

    def waited(self) -> int:
        return self.seconds

    def told(self) -> Told | None:
        return self.before

    def tell(self, told: Told) -> None:
        self.before = told

    def stand_at(self, since: datetime) -> None:
        self.place = since

    def let_go(self) -> None:
        self.gone = True


def desk(house: House, queue: FixedQueue) -> CallDesk:
    return CallDesk(house, CallJournal(house, "5.0", None, "100"), None, queue=queue)


def stay(call: str, seconds_ago: float, *, talk: float | None = None) -> QueueStay:
    entered = NOW - timedelta(seconds=seconds_ago)
    if talk is None:
        return QueueStay(call_unique_id=call, entered_at=entered, position=1, outcome=StayOutcome.WAITING)
    return QueueStay(
        call_unique_id=call,
        entered_at=entered,
        position=1,
        outcome=StayOutcome.ANSWERED,
        answered_at=entered,
        ended_at=entered + timedelta(seconds=talk),
        extension="201",
    )


def add(house: House, *stays: QueueStay) -> None:
    with transaction(house.sessions) as session:
        session.add_all(stays)


def test_before_the_queue_all_who_wait_stand_before(house: House) -> None:
    queue = FixedQueue()
    routing = desk(house, queue).routing
    assert routing.reach() is Reach.RING
    assert queue.asked == ["101", "102", "103", "104", "201"]
    # The fourth place, 180 s, two operators.
    assert routing.wait() == Wait(2, 11)
    assert queue.before == Told(WaitRange(2, 11), longer=False, at=0, until=660)


def test_the_figures_are_our_own(house: House) -> None:
    add(house, *(stay(f"{number}.9", number, talk=50) for number in range(50)))
    with transaction(house.sessions) as session:
        session.execute(update(RoutingRules).values(wrap_up_seconds=10))
    # 60 s each with the wrap-up, and a little of what is usual without figures: 71 s.
    assert desk(house, FixedQueue(BUSY)).routing.wait() == Wait(1, 4)


def test_in_the_queue_the_place_is_kept(house: House) -> None:
    add(house, stay("4.0", 90), stay("5.0", 60), stay("6.0", 30), stay("1.0", 99, talk=20))
    queue = FixedQueue(replace(BUSY, waiting=9), seconds=60)
    assert desk(house, queue).routing.wait() == Wait(0, 6)


def test_nobody_stands_behind_more_than_there_are(house: House) -> None:
    # Left over from before the worker was away: they were served long ago.
    add(house, *(stay(f"4.{number}", 90) for number in range(9)), stay("5.0", 60))
    queue = FixedQueue(replace(BUSY, waiting=1), seconds=60)
    # The second place, 180 s, two operators.
    assert desk(house, queue).routing.wait() == Wait(0, 6)


def test_who_comes_back_from_a_transfer_has_the_place_of_the_first_wait(house: House) -> None:
    add(house, stay("5.0", 600, talk=300), stay("4.0", 700), stay("6.0", 500))
    queue = FixedQueue(replace(BUSY, waiting=9), seconds=600)
    journal = CallJournal(house, "5.0", None, "100")
    since = NOW - timedelta(seconds=600)
    assert CallDesk(house, journal, None, queue=queue, since=since).routing.wait() == Wait(0, 7)


def test_what_was_told_passes_and_it_is_said(house: House) -> None:
    add(house, stay("5.0", 60))
    queue = FixedQueue(BUSY, seconds=60, before=Told(WaitRange(0, 2), longer=False, at=15, until=135))
    assert desk(house, queue).routing.wait() == Wait(0, 4, longer=True)
    assert queue.before is not None
    assert queue.before.until == 60 + 4 * 60


@pytest.mark.parametrize(
    ("facts", "reach", "wait"),
    [
        (None, Reach.RING, None),
        (QueueFacts(0, 0, 0), Reach.NOBODY, None),
        (QueueFacts(3, 1, 0), Reach.RING, None),
        (QueueFacts(3, 1, 1), Reach.RING, Wait(0, 3)),
        # 120 callers, 180 s, one operator: until long after the closing time.
        (QueueFacts(1, 0, 120), Reach.TOO_LATE, Wait(59, 60)),
    ],
)
def test_whether_it_is_any_use(
    house: House, facts: QueueFacts | None, reach: Reach, wait: Wait | None
) -> None:
    late = replace(house, clock=lambda: datetime(2026, 11, 23, 11, 30, tzinfo=UTC))
    routing = desk(late, FixedQueue(facts)).routing
    assert routing.reach() is reach
    assert routing.wait() == wait


@pytest.mark.parametrize(
    ("waited", "told_at", "due"),
    [(45, None, False), (60, None, True), (90, 45, True), (135, 90, False), (0, None, False)],
)
def test_a_call_back_is_offered_unasked_once(
    house: House, waited: int, told_at: int | None, due: bool
) -> None:
    before = None if told_at is None else Told(WaitRange(0, 5), longer=False, at=told_at, until=300)
    assert desk(house, FixedQueue(seconds=waited, before=before)).routing.call_back_due() is due


def test_without_a_database_the_wait_is_told_from_what_is_usual(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.town()
    with house.sessions() as session:
        session.execute(text("ALTER TABLE queue_stays RENAME TO away"))
        session.commit()
    with caplog.at_level(logging.CRITICAL):
        assert desk(house, FixedQueue()).routing.wait() == Wait(2, 11)


class Peer:
    """Asterisk's side of a session: gives each command its answer."""

    def __init__(self, *answers: str, args: Sequence[str] = ()) -> None:
        self.commands: list[str] = []
        header = [
            "agi_uniqueid: 5.0",
            *(f"agi_arg_{number}: {arg}" for number, arg in enumerate(args, 1)),
            "",
        ]
        self._lines = [*header, *answers]

    def readline(self) -> str:
        return self._lines.pop(0)

    def write(self, text: str) -> None:
        self.commands.append(text)

    def flush(self) -> None:
        return None


def test_asterisk_is_asked() -> None:
    # Of each place the phone in the page, which nobody has open, and the one on the desk.
    pauses, states = "0 0 0 1 0 0", "UNAVAILABLE NOT_INUSE UNAVAILABLE INUSE UNAVAILABLE UNAVAILABLE"
    phones = f"200 result=1 ({pauses} {states})"
    peer = Peer("200 result=1 (1 3 0 0)", phones)
    assert AgiQueue(Session(peer)).facts(["201", "101", "102"]) == QueueFacts(1, 1, 3)
    assert "QUEUE_MEMBER(desk,paused,PJSIP/101)" in peer.commands[1]
    # Two hear an announcement, of whom one is this caller.
    peer = Peer("200 result=1 (1 3 2 1)", phones)
    assert AgiQueue(Session(peer)).facts(["201", "101", "102"]) == QueueFacts(1, 1, 4)


@pytest.mark.parametrize(
    "answer", ["200 result=0", "200 result=1 (no 3 0 0)", "510 Invalid or unknown command"]
)
def test_a_queue_that_cannot_be_asked_lets_the_call_through(
    answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL):
        assert AgiQueue(Session(Peer(answer))).facts(["201"]) is None


def test_what_was_told_comes_back() -> None:
    peer = Peer("200 result=1", args=("1000", "1050", ""))
    queue = AgiQueue(Session(peer))
    assert (queue.waited(), queue.told()) == (50, None)
    queue.tell(Told(WaitRange(2, 5), longer=True, at=50, until=350.4))
    (command,) = peer.commands
    kept = command.strip().split('"')[-2]
    again = AgiQueue(Session(Peer(args=("1000", "1095", kept))))
    assert (again.waited(), again.told()) == (95, Told(WaitRange(2, 5), longer=False, at=50, until=350))
    assert AgiQueue(Session(Peer(args=("x", "", "1-2")))).waited() == 0
    assert AgiQueue(Session(Peer(args=("x", "", "1-2")))).told() is None
