"""The sums kept bit by bit are those made at once from the raw rows, whatever comes late or twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk import db
from desk.call_log import CallEnd, CallRecord, Event, log_call
from desk.call_records import Leg, keep_legs
from desk.db import Sessions, reading, transaction
from desk.models import (
    CallSums,
    EdgeSums,
    FiguresReached,
    NodeSums,
    Phone,
    RepeatSums,
    TalkSums,
    Tier,
    WaitSums,
)
from desk.queue_history import QueueLine, keep_queue_lines, rebuild_stays, settle_stays
from reports.rollups import make_again_at_night, rebuild, refresh

#: Just before midnight of the night the clocks are put back: calls go over both.
START = datetime(2026, 10, 24, 21, 58, tzinfo=UTC)
NOW = datetime(2026, 10, 26, 12, tzinfo=UTC)
#: Before an hour has passed since the first call: until then no stay is over only because nothing more came.
TAKEN_IN = START + timedelta(minutes=50)
TABLES = (CallSums, WaitSums, TalkSums, NodeSums, EdgeSums, RepeatSums)

QUEUE_EVENTS = ("CONNECT", "COMPLETEAGENT", "BLINDTRANSFER", "RINGNOANSWER", "ABANDON", "EXITWITHTIMEOUT")
_SECONDS = st.integers(0, 4 * 3600)


@st.composite
def calls(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """The raw facts of some calls, in the order in which they happened."""
    facts: list[tuple[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        call = f"{number}.0"
        began = START + timedelta(seconds=draw(_SECONDS))
        caller = draw(st.sampled_from(["+393331110001", "+393331110002", None]))
        record = {
            "unique_id": call,
            "caller": caller,
            "called": draw(st.sampled_from(["+390200000100", "+390200000301"])),
            "started_at": began,
        }
        # The journal writes no record without an event.
        happened = draw(st.lists(st.sampled_from(["entered", "silence", "answered"]), min_size=1, max_size=4))
        nodes = st.sampled_from(["main", "person", "welcome.closed"])
        facts += [
            (
                "call",
                {**record, "events": (Event(seq, draw(nodes), event, "", began + timedelta(seconds=seq)),)},
            )
            for seq, event in enumerate(happened, 1)
        ]
        at = began + timedelta(seconds=10)

        def line(at: datetime, event: str, agent: str, *data: str, call: str = call) -> tuple[str, QueueLine]:
            return ("line", QueueLine(at, call, "desk", agent, event, data))

        if draw(st.booleans()):
            facts.append(line(at, "ENTERQUEUE", "NONE", "", caller or "", "1"))
            for _ in range(draw(st.integers(0, 3))):
                at += timedelta(seconds=draw(st.integers(0, 90)))
                what = draw(st.sampled_from(QUEUE_EVENTS))
                facts.append(line(at, what, draw(st.sampled_from(["101", "201"])), "104"))
                if what == "EXITWITHTIMEOUT":
                    facts.append(line(at, "ENTERQUEUE", "NONE", "", caller or "", "1"))
        at += timedelta(seconds=5)
        if draw(st.booleans()):
            outcome = draw(st.sampled_from(["done", "operator", "hung_up"]))
            end = CallEnd(outcome=outcome, language="it", last_node="main", at=at)
            last = Event(99, "main", "hung_up" if outcome == "hung_up" else "done", "", at)
            facts.append(("call", {**record, "events": (last,), "end": end}))
        channel = f"PJSIP/trunk-{number}"
        facts.append(("leg", Leg(call, call, caller or "", "s", channel, "", began, began, at, "ANSWERED")))
    return facts


def take(sessions: Sessions, facts: Sequence[tuple[str, Any]], first: int) -> None:
    """Take in some raw facts, as the AGI server and the worker do."""
    with transaction(sessions, durable=False) as session:
        for place, (kind, fact) in enumerate(facts, first):
            if kind == "call":
                log_call(session, CallRecord(**fact))
            elif kind == "line":
                keep_queue_lines(session, "log", [(place, fact)], TAKEN_IN)
            else:
                keep_legs(session, "legs", [(place, fact)], TAKEN_IN)
        settle_stays(session, now=TAKEN_IN)


def sums(sessions: Sessions) -> dict[str, list[Any]]:
    with reading(sessions) as session:
        return {
            table.__tablename__: sorted(map(repr, session.execute(select(table.__table__)).all()))
            for table in TABLES
        }


@contextmanager
def opened(path: Path) -> Iterator[Sessions]:
    engine = db.connect(f"sqlite:///{path}")
    try:
        yield db.sessions(engine)
    finally:
        engine.dispose()


@pytest.fixture(scope="module")
def with_phones(_migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("phones") / "centralino.sqlite"
    shutil.copy(_migrated_file, path)
    with opened(path) as sessions, transaction(sessions) as session:
        session.add(Phone(extension="201", tier=Tier.BACK_OFFICE, label="", ring_seconds=15))
        session.add(Phone(extension="101", tier=Tier.COUNTER, label="", ring_seconds=15))
    return path


@settings(
    max_examples=15,
    deadline=None,
    # A whole database for each example: making a failing one smaller would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_bit_by_bit_is_as_at_once(with_phones: Path, tmp_path: Path, data: st.DataObject) -> None:
    facts = data.draw(calls())
    # Whatever order they come in, some twice, with a look at what is new in between.
    shuffled = data.draw(st.permutations(facts))
    doubles = data.draw(st.lists(st.sampled_from(facts), max_size=3))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(facts)), max_size=3)))
    bit_by_bit, at_once = tmp_path / "bits.sqlite", tmp_path / "once.sqlite"
    for path in (bit_by_bit, at_once):
        shutil.copy(with_phones, path)
        for more in ("-wal", "-shm"):
            path.with_name(path.name + more).unlink(missing_ok=True)
    with opened(bit_by_bit) as sessions:
        pieces = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(facts)], strict=True)]
        first = 0
        for piece in pieces:
            take(sessions, piece, first)
            first += len(piece)
            refresh(sessions, now=NOW)
        take(sessions, doubles, 1000)
        refresh(sessions, now=NOW)
        kept = sums(sessions)
        refresh(sessions, now=NOW)
        assert sums(sessions) == kept
        with transaction(sessions) as session:
            rebuild_stays(session, now=TAKEN_IN)
        rebuild(sessions, now=NOW)
        assert sums(sessions) == kept
    with opened(at_once) as sessions:
        take(sessions, facts, 0)
        rebuild(sessions, now=NOW)
        assert sums(sessions) == kept


ONE_CALL: dict[str, Any] = {
    "unique_id": "1.0",
    "caller": "+393331110001",
    "called": "+390200000100",
    "started_at": START,
    "events": (Event(1, "person", "transferred", "", START),),
    "end": CallEnd(outcome="operator", language="it", last_node="person", at=START),
}
FACTS: list[tuple[str, Any]] = [
    ("call", ONE_CALL),
    ("line", QueueLine(START, "1.0", "desk", "NONE", "ENTERQUEUE", ("", "+393331110001", "1"))),
    ("line", QueueLine(START + timedelta(seconds=8), "1.0", "desk", "201", "CONNECT", ("8", "1.1", "8"))),
    (
        "line",
        QueueLine(START + timedelta(seconds=68), "1.0", "desk", "201", "COMPLETECALLER", ("8", "60", "1")),
    ),
]


def test_on_both_databases(sessions: Sessions) -> None:
    assert refresh(sessions, now=NOW) == 0
    for place, fact in enumerate(FACTS):
        take(sessions, [fact], place)
        refresh(sessions, now=NOW)
    kept = sums(sessions)
    assert len(kept["talk_sums"]) == len(kept["wait_sums"]) == len(kept["repeat_sums"]) == 1
    rebuild(sessions, now=NOW)
    assert sums(sessions) == kept
    make_again_at_night(sessions, now=NOW)
    assert sums(sessions) == kept


def test_only_days_with_something_new_are_made(sessions: Sessions) -> None:
    take(sessions, FACTS, 0)
    assert refresh(sessions, now=NOW) == 1
    # The last look is looked at once more, for a transaction that was slower than a later one.
    refresh(sessions, now=NOW)
    assert refresh(sessions, now=NOW) == 0
    later = ONE_CALL | {"unique_id": "2.0", "started_at": START + timedelta(days=1)}
    take(sessions, [("call", later)], 10)
    assert refresh(sessions, now=NOW) == 1


def test_a_slow_transaction_is_not_left_out(sessions: Sessions) -> None:
    take(sessions, FACTS[:1], 0)
    refresh(sessions, now=NOW)
    take(sessions, FACTS[1:3], 1)
    refresh(sessions, now=NOW)
    # A row whose number is lower than what was looked at last: it was taken early and committed late.
    with transaction(sessions) as session:
        row = session.get_one(FiguresReached, "queue_events")
        row.reached += 1
    take(sessions, FACTS[3:], 3)
    assert refresh(sessions, now=NOW) == 1
    with reading(sessions) as session:
        assert session.execute(select(TalkSums.talks)).scalar_one() == 1


def test_a_stay_that_moves_to_another_day_is_counted_once(sessions: Sessions) -> None:
    midnight = datetime(2026, 10, 24, 22, 0, 1, tzinfo=UTC)
    entered = QueueLine(midnight, "1.0", "desk", "NONE", "ENTERQUEUE", ("", "", "1"))
    take(sessions, [("line", entered)], 0)
    refresh(sessions, now=NOW)
    earlier = QueueLine(midnight - timedelta(seconds=50), "1.0", "desk", "NONE", "ENTERQUEUE", ("", "", "1"))
    take(sessions, [("line", earlier)], 1)
    refresh(sessions, now=NOW)
    with reading(sessions) as session:
        counted = session.execute(select(CallSums.day, CallSums.offered)).all()
    assert counted == [(date(2026, 10, 24), 1)]
