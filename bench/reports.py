"""``python -m bench.reports [--events N]``: a month's and a year's overview, from sums and from the raw rows.

On SQLite and on PostgreSQL, with two years of calls: so many events of dialogs, and what belongs to them. The
raw SQL reckons the figures of calls, conversations, nodes and repeated calls. They are checked to be those of
:func:`reports.overview.overview`, which compares them with the period before as well, and tells more. Times
are the best of three. Exits with 1 if two results differ; a missed aim is printed.
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Connection, Engine, insert, text

from desk import db
from desk.models import (
    Call,
    CallLeg,
    Channel,
    LostCall,
    LostCallDetails,
    Phone,
    QueueEvent,
    QueueStay,
    Request,
    RequestKind,
    RequestPeriod,
    RequestState,
    RoutingRules,
    StayOutcome,
    Tier,
)
from desk.settings import ROME
from reports.overview import Overview, overview
from reports.periods import Period, midnight, month, year
from reports.rollups import refresh
from tests.conftest import private_postgres

T = TypeVar("T")

DEFAULT, AIM_EVENTS = 300_000, 10_000_000
#: Aims: seconds for a month's and for a year's overview.
MONTH_AIM, YEAR_AIM = 0.2, 1.0
YEARS = (2025, 2026)
LINES = ("+390200000100", "+390200000100", "+390200000100", "+390200000301")
PHONES = {"201": Tier.BACK_OFFICE, "101": Tier.COUNTER, "102": Tier.COUNTER, "301": Tier.OFFICE}
#: Numbers that call, so that some call again.
CALLERS = 5000
PORTION = 20_000

#: Courses of dialogs, event by event: seconds from the beginning, node, event. Calls of the first two come to
#: the queue.
COURSES: tuple[tuple[tuple[int, str, str], ...], ...] = (
    (
        (0, "welcome", "entered"),
        (5, "main", "entered"),
        (9, "main", "answered"),
        (9, "requests", "entered"),
        (14, "requests", "answered"),
        (14, "status", "entered"),
        (20, "status", "answered"),
        (20, "more", "entered"),
        (22, "more", "repeated"),
        (24, "more", "asked_for_person"),
        (24, "person", "entered"),
        (31, "person", "transferred"),
    ),
    (
        (0, "welcome", "entered"),
        (5, "main", "entered"),
        (12, "main", "silence"),
        (20, "main", "wrong"),
        (20, "main", "gave_up"),
        (21, "call_back.pending", "entered"),
        (22, "call_back.pending", "answered"),
        (22, "recording", "entered"),
        (25, "recording", "repeated"),
        (26, "recording", "answered"),
        (26, "person", "entered"),
        (31, "person", "transferred"),
    ),
    (
        (0, "welcome", "entered"),
        (4, "main", "entered"),
        (8, "main", "answered"),
        (8, "information", "entered"),
        (14, "information", "answered"),
        (14, "hours", "entered"),
        (22, "hours", "answered"),
        (22, "hours.week", "entered"),
        (30, "more", "entered"),
        (36, "more", "skipped"),
        (36, "goodbye", "entered"),
        (40, "goodbye", "done"),
    ),
    (
        (0, "welcome", "entered"),
        (6, "main", "entered"),
        (7, "main", "repeated"),
        (9, "main", "repeated"),
        (11, "main", "answered"),
        (11, "other", "entered"),
        (14, "other", "repeated"),
        (17, "other", "repeated"),
        (20, "other", "answered"),
        (20, "rooms", "entered"),
        (25, "rooms", "silence"),
        (33, "rooms", "hung_up"),
    ),
)
EVENTS_OF_A_CALL = 12


@dataclass(frozen=True, slots=True)
class Result:
    """The figures that both ways reckon."""

    calls: int
    offered: int
    answered: int
    abandoned: int
    in_time: int
    waited: int
    talks: int
    talk_seconds: int
    repeated: int
    nodes: tuple[tuple[str, int, int, int, int], ...]
    days: tuple[tuple[date, int], ...]


def fill(engine: Engine, events: int) -> int:
    """Two years of calls with so many events of dialogs; returns how many calls."""
    count = max(len(COURSES), events // EVENTS_OF_A_CALL)
    chance = random.Random(2026)  # noqa: S311  nothing secret
    with engine.begin() as connection:
        connection.execute(insert(RoutingRules), {"id": 1})
        connection.execute(
            insert(Phone),
            [
                {"extension": phone, "tier": tier, "label": "", "ring_seconds": 15}
                for phone, tier in PHONES.items()
            ],
        )
    for first in range(0, count, PORTION):
        calls, lines, stays, legs = [], [], [], []
        for number in range(first + 1, min(first + PORTION, count) + 1):
            call, queue, stay, leg = _call(number, chance)
            calls.append(call)
            legs.append(leg)
            lines += queue
            stays += stay
        with engine.begin() as connection:
            for table, rows in ((Call, calls), (QueueEvent, lines), (QueueStay, stays), (CallLeg, legs)):
                connection.execute(insert(table), rows)
            _events(connection, first + 1, first + len(calls))
            _lost(connection, [stay for stay in stays if stay["outcome"] is StayOutcome.ABANDONED])
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT setval('call_events_id_seq', (SELECT max(id) FROM call_events))"
            )
        connection.exec_driver_sql("ANALYZE")
    return count


def _call(
    number: int, chance: random.Random
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    first = midnight(date(YEARS[0], 1, 1))
    days = (date(YEARS[-1] + 1, 1, 1) - date(YEARS[0], 1, 1)).days
    day = first + timedelta(days=chance.randrange(days))
    began = day + timedelta(hours=9, seconds=int(abs(chance.gauss(0, 1.5)) * 7200) % 36000)
    course = number % len(COURSES)
    unique_id, caller = f"{number}.0", f"+39333{chance.randrange(CALLERS):07}"
    ended = began + timedelta(seconds=45)
    lines: list[dict[str, Any]] = []
    stays: list[dict[str, Any]] = []
    if course < 2:
        entered = began + timedelta(seconds=32)
        wait, talk = int(chance.expovariate(1 / 25)), 20 + int(chance.expovariate(1 / 160))
        phone = chance.choice(tuple(PHONES))
        answered = chance.random() < 0.85
        over = entered + timedelta(seconds=wait)
        events = [("ENTERQUEUE", "NONE", entered, ["", caller, "1"])]
        if answered:
            events.append(("CONNECT", phone, over, [str(wait), "x", "3"]))
            ended = over + timedelta(seconds=talk)
            events.append(("COMPLETECALLER", phone, ended, [str(wait), str(talk), "1"]))
        else:
            ended = over
            events.append(("ABANDON", "NONE", over, ["1", "1", str(wait)]))
        lines = [
            {
                "source": "bench",
                "position": number * 8 + place,
                "at": at,
                "call_unique_id": unique_id,
                "queue": "desk",
                "agent": agent,
                "event": event,
                "data": data,
            }
            for place, (event, agent, at, data) in enumerate(events)
        ]
        stays = [
            {
                "call_unique_id": unique_id,
                "caller_e164": caller,
                "entered_at": entered,
                "position": 1,
                "outcome": StayOutcome.ANSWERED if answered else StayOutcome.ABANDONED,
                "answered_at": over if answered else None,
                "extension": phone if answered else None,
                "ended_at": ended,
                "transferred_to": None,
                "transferred_how": None,
            }
        ]
    call = {
        "id": number,
        "unique_id": unique_id,
        "caller_e164": caller,
        "called": chance.choice(LINES),
        "started_at": began,
        "ended_at": ended,
        "language": "en" if number % 9 == 0 else "it",
        "outcome": ("operator", "operator", "done", "hung_up")[course],
        "last_node": COURSES[course][-1][1],
    }
    leg = {
        "source": "bench",
        "position": number,
        "unique_id": unique_id,
        "linked_id": unique_id,
        "caller": caller,
        "dialled": "s",
        "channel": "PJSIP/trunk-1",
        "other_channel": "",
        "started_at": began,
        "answered_at": began,
        "ended_at": ended,
        "disposition": "ANSWERED",
    }
    return call, lines, stays, leg


def _lost(connection: Connection, stays: Sequence[dict[str, Any]]) -> None:
    """Each call that was given up is an item that somebody handled an hour later."""
    requests, periods, calls = [], [], []
    for stay in stays:
        number = int(float(stay["call_unique_id"]))
        at = stay["ended_at"]
        requests.append(
            {
                "id": number,
                "reference": f"{number:08}",
                "channel": Channel.PHONE,
                "kind": RequestKind.LOST_CALL,
                "details": LostCallDetails(calls=1, first_at=at, last_at=at, longest_wait=1),
                "state": RequestState.DONE,
                "due_on": at.date(),
                "filed_at": at,
                "idempotency_key": f"lost-{number}",
                "language": "it",
            }
        )
        done = at + timedelta(hours=1)
        for state, begun, ended in ((RequestState.RECEIVED, at, done), (RequestState.DONE, done, None)):
            periods.append(
                {"request_id": number, "state": state, "started_at": begun, "ended_at": ended, "by": "anna"}
            )
        calls.append({"call_unique_id": stay["call_unique_id"], "request_id": number, "lost_at": at})
    if calls:
        connection.execute(insert(Request), requests)
        connection.execute(insert(RequestPeriod), periods)
        connection.execute(insert(LostCall), calls)


def _events(connection: Connection, first: int, last: int) -> None:
    """The events of some calls, made where they are kept: nothing else is quick enough for ten millions."""
    values = ", ".join(
        f"({course}, {seq}, {seconds}, '{node}', '{event}')"
        for course, events in enumerate(COURSES)
        for seq, (seconds, node, event) in enumerate(events, 1)
    )
    at = (
        "strftime('%Y-%m-%d %H:%M:%S.000000', c.started_at, '+' || t.seconds || ' seconds')"
        if connection.dialect.name == "sqlite"
        else "c.started_at + t.seconds * interval '1 second'"
    )
    connection.execute(
        text(
            f"WITH t (course, seq, seconds, node, event) AS (VALUES {values}) "  # noqa: S608  our own words
            "INSERT INTO call_events (id, call_id, seq, node, event, detail, at) "
            f"SELECT (c.id - 1) * {EVENTS_OF_A_CALL} + t.seq, c.id, t.seq, t.node, t.event, '', {at} "
            f"FROM calls c JOIN t ON t.course = c.id % {len(COURSES)} WHERE c.id BETWEEN :first AND :last"
        ),
        {"first": first, "last": last},
    )


def from_sums(found: Overview) -> Result:
    """The figures of an overview that the raw SQL reckons, too."""
    calls = found.calls
    return Result(
        calls.calls,
        calls.offered,
        calls.answered,
        calls.abandoned,
        calls.answered_in_time,
        calls.waited_answered,
        calls.talks,
        calls.talk_seconds,
        calls.repeated or 0,
        tuple(
            sorted(
                (one.node, one.entered, one.dropped, one.failed, round(one.milliseconds / 1000))
                for one in found.nodes
            )
        ),
        tuple(
            (group.key, group.figures.offered)
            for group in found.course
            if isinstance(group.key, date) and len(found.period) <= 62 and group.figures.offered
        ),
    )


def raw(connection: Connection, period: Period, within: int) -> Result:
    """The same from the raw rows, by the database alone."""
    seconds = "(strftime('%s', {1}) - strftime('%s', {0}))"
    local = "date({}, :offset)"
    if connection.dialect.name == "postgresql":
        seconds = "extract(epoch FROM {1} - {0})::int"
        local = "({} AT TIME ZONE 'Europe/Rome')::date"
    begins, ends = period.begins_at, period.ends_at
    bound: dict[str, Any] = {"begins": begins, "ends": ends, "within": within}
    if connection.dialect.name == "sqlite":
        shown = "%Y-%m-%d %H:%M:%S.%f"
        bound |= {"begins": begins.strftime(shown), "ends": ends.strftime(shown)}
        bound["repeats"] = (ends + timedelta(days=7)).strftime(shown)
    else:
        bound["repeats"] = ends + timedelta(days=7)

    def rows(statement: str, **more: Any) -> Sequence[Any]:
        named = {name: value for name, value in (bound | more).items() if f":{name}" in statement}
        return connection.execute(text(statement), named).all()

    wait = seconds.format("entered_at", "answered_at")
    ((calls,),) = rows("SELECT count(*) FROM calls WHERE started_at >= :begins AND started_at < :ends")
    ((offered, answered, abandoned, in_time, waited),) = rows(
        "SELECT count(*), sum(CASE WHEN outcome = 'answered' THEN 1 ELSE 0 END), "  # noqa: S608
        "sum(CASE WHEN outcome = 'abandoned' THEN 1 ELSE 0 END), "
        f"sum(CASE WHEN outcome = 'answered' AND {wait} <= :within THEN 1 ELSE 0 END), "
        f"sum(CASE WHEN outcome = 'answered' THEN {wait} ELSE 0 END) "
        "FROM queue_stays WHERE entered_at >= :begins AND entered_at < :ends"
    )
    ((talks, talk),) = rows(
        f"SELECT count(*), sum({seconds.format('at', 'following')}) FROM ("  # noqa: S608
        "SELECT e.at, e.event, lead(e.at) OVER (PARTITION BY e.call_unique_id "
        "ORDER BY e.at, e.id) AS following "
        "FROM queue_events e JOIN queue_stays s ON s.call_unique_id = e.call_unique_id "
        "WHERE s.entered_at >= :begins AND s.entered_at < :ends) x WHERE event = 'CONNECT'"
    )
    nodes = rows(
        "SELECT node, sum(CASE WHEN event = 'entered' THEN 1 ELSE 0 END), "  # noqa: S608
        "sum(CASE WHEN event = 'hung_up' THEN 1 ELSE 0 END), "
        "sum(CASE WHEN event IN ('silence', 'wrong') THEN 1 ELSE 0 END), "
        f"sum(CASE WHEN event = 'entered' THEN coalesce({seconds.format('at', 'following')}, 0) ELSE 0 END) "
        "FROM (SELECT e.node, e.event, e.at, min(CASE WHEN e.event IN "
        "('entered', 'hung_up', 'transferred', 'done') THEN e.at END) OVER (PARTITION BY e.call_id "
        "ORDER BY e.at, e.seq ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS following "
        "FROM call_events e JOIN calls c ON c.id = e.call_id "
        "WHERE c.started_at >= :begins AND c.started_at < :ends) x GROUP BY node"
    )
    ((repeated,),) = rows(
        "SELECT count(*) FROM (SELECT entered_at, lead(entered_at) OVER "  # noqa: S608
        "(PARTITION BY caller_e164 ORDER BY entered_at, id) AS following FROM queue_stays "
        "WHERE outcome = 'answered' AND caller_e164 IS NOT NULL AND entered_at >= :begins "
        "AND entered_at < :repeats) x WHERE entered_at < :ends "
        f"AND {seconds.format('entered_at', 'following')} <= 7 * 86400"
    )
    days: list[tuple[date, int]] = []
    if len(period) <= 62:
        # Good for a month without a change of the clock, which is what is measured.
        ahead = begins.replace(tzinfo=ROME).utcoffset()
        assert ahead is not None
        offset = f"+{ahead.seconds // 3600} hours"
        found = rows(
            f"SELECT {local.format('entered_at')}, count(*) FROM queue_stays "  # noqa: S608
            "WHERE entered_at >= :begins AND entered_at < :ends GROUP BY 1 ORDER BY 1",
            offset=offset,
        )
        days = [(day if isinstance(day, date) else date.fromisoformat(day), count) for day, count in found]
    return Result(
        calls,
        offered,
        answered or 0,
        abandoned or 0,
        in_time or 0,
        waited or 0,
        talks,
        talk or 0,
        repeated,
        tuple(sorted(tuple(row) for row in nodes)),
        tuple(days),
    )


def best_of_three(once: Callable[[], T]) -> tuple[T, float]:
    """The result, and the least seconds it took."""
    least, result = float("inf"), None
    for _ in range(3):
        begun = time.perf_counter()
        result = once()
        least = min(least, time.perf_counter() - begun)
    assert result is not None
    return result, least


def measure(name: str, url: str, events: int) -> bool:
    """Fill, measure and print one database; returns whether both ways gave the same figures."""
    db.migrate(url)
    engine = db.connect(url)
    sessions = db.sessions(engine)
    now = datetime(YEARS[-1] + 1, 1, 2, 12, tzinfo=UTC)
    begun = time.perf_counter()
    calls = fill(engine, events)
    filled = time.perf_counter() - begun
    begun = time.perf_counter()
    refresh(sessions, now=now)
    made = time.perf_counter() - begun
    begun = time.perf_counter()
    refresh(sessions, now=now)
    again = time.perf_counter() - begun
    click.echo(
        f"{name}: {calls * EVENTS_OF_A_CALL:,} events of {calls:,} calls written in {filled:.0f} s, "
        f"all sums made in {made:.0f} s; a look for what is new {again * 1000:.0f} ms"
    )
    same = overviews(sessions, now)
    engine.dispose()
    return same


def overviews(sessions: db.Sessions, now: datetime) -> bool:
    """Measure and print a month's and a year's overview; returns whether both ways gave the same figures."""
    same = True
    for what, period, aim in (
        ("month", month(date(YEARS[-1], 5, 1)), MONTH_AIM),
        ("year", year(YEARS[-1]), YEAR_AIM),
    ):

        def ours(period: Period = period) -> Overview:
            with db.reading(sessions) as session:
                return overview(session, period, now=now)

        def theirs(period: Period = period) -> Result:
            with db.reading(sessions) as session:
                return raw(session.connection(), period, 20)

        found, quick = best_of_three(ours)
        expected, slow = best_of_three(theirs)
        missed = "" if quick <= aim else f"  aim of {aim * 1000:.0f} ms missed"
        click.echo(
            f"  {what:6} sums {quick * 1000:8.0f} ms   raw SQL {slow * 1000:8.0f} ms   "
            f"ratio {slow / quick:6.1f}{missed}"
        )
        if from_sums(found) != expected:
            same = False
            click.echo(f"  The figures differ:\n{from_sums(found)}\n{expected}", err=True)
    return same


@contextlib.contextmanager
def _databases() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="centralino-bench-") as folder, private_postgres() as server:
        yield {"SQLite": f"sqlite:///{Path(folder) / 'bench.sqlite'}", "PostgreSQL": server.create()}


@click.command()
@click.option(
    "--events", default=DEFAULT, show_default=True, help=f"Events; the aims are for {AIM_EVENTS:,}."
)
@click.option("--only", type=click.Choice(["SQLite", "PostgreSQL"]), help="One database only.")
def main(events: int, only: str | None) -> None:
    """Measure and print."""
    with _databases() as urls:
        same = [measure(name, url, events) for name, url in urls.items() if only in (None, name)]
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
