"""The sums that the figures are read from: kept by the worker, and made again from the raw rows at any time.

All sums of a day follow from the raw rows of its calls alone, so a day is always made as a whole: what comes
late, or twice, makes its day again and cannot be counted twice. A call belongs to the day it came in, its
stay in the queue to the day on which it entered the queue.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby, islice
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, union_all
from sqlalchemy.orm import Session

from call_routing.names import Queue
from desk.db import Sessions, one_at_a_time, reading, transaction
from desk.models import CALL_BACK_CALL as OURS
from desk.models import (
    Call,
    CallBack,
    CallEvent,
    CallLeg,
    CallSums,
    EdgeSums,
    FiguresOfDay,
    FiguresReached,
    NodeSums,
    Phone,
    PhoneHold,
    QueueEvent,
    QueueStay,
    RepeatSums,
    Request,
    StayOutcome,
    TalkSums,
    Tier,
    WaitSums,
)
from desk.phone_numbers import to_e164
from desk.queue_history import QueueLine
from ivr.conversation import Happening
from reports.facts import (
    CLOSED_NODE,
    Happened,
    Path,
    edges_of,
    held_seconds,
    overflowed,
    path_of,
    rang_in_vain,
    talks_of,
    visits_of,
    wait_of,
    way,
)
from reports.periods import Period, day_in_rome, slot_of

log = logging.getLogger(__name__)

#: A caller who is answered again within so many days was not helped the first time.
REPEAT_DAYS = 7
#: A call that is not over after so many days never will be: its day is not looked at again for its sake.
OPEN_DAYS = 3
#: No talk goes on for longer after its day is over.
_LONGEST_CALL = timedelta(hours=6)
#: Days that are made again every night, whatever is known of them.
NIGHTLY_DAYS = 35

_BY_DAY = (CallSums, WaitSums, TalkSums, NodeSums, EdgeSums)
_CALL_COUNTS = tuple(
    column.key
    for column in CallSums.__table__.columns
    if column.key not in {"day", "begins_at", "half", "line", "language"}
)


@dataclass(frozen=True, slots=True)
class _Key:
    """Where a call is counted."""

    day: date
    begins_at: datetime
    half: int
    line: str
    language: str

    @classmethod
    def of(cls, at: datetime, called: str | None, language: str | None) -> _Key:
        slot = slot_of(at)
        return cls(slot.day, slot.begins_at, slot.half, line_of(called), language or "")


@dataclass(slots=True)
class _Sums:
    """The sums of one day."""

    calls: defaultdict[_Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    waits: Counter[tuple[_Key, str, int]] = field(default_factory=Counter)
    talks: defaultdict[tuple[_Key, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    nodes: defaultdict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    edges: Counter[tuple[str, str]] = field(default_factory=Counter)
    open_calls: int = 0
    #: Whether anybody noted holds by then.
    holds_known: bool = False


@lru_cache(maxsize=1024)
def line_of(called: str | None) -> str:
    """The line that was dialled, in E.164 where it is a telephone number; empty if it is not known."""
    return (to_e164(called) or called or "")[:40]


def refresh(sessions: Sessions, *, now: datetime) -> int:
    """Make the days again of which something is new; returns how many. Raises ``DatabaseGone``."""
    with reading(sessions) as session:
        reached = {row.source: row for row in session.scalars(select(FiguresReached))}
        ends = {name: session.scalar(select(func.max(column))) or 0 for name, column, _ in _SOURCES}
        if not reached:
            days = set(_all_days(session, now))
        else:
            days = _changed_days(session, {name: row.before for name, row in reached.items()})
            days |= _open_days(session, now)
    made = make_days(sessions, days, now=now)
    with transaction(sessions, durable=False) as session:
        for name, end in ends.items():
            # A transaction that took a lower number can end after one that took a higher one: what was new at
            # the last look is looked at once more.
            before = reached[name].reached if name in reached else end
            session.merge(FiguresReached(source=name, reached=end, before=min(before, end)))
    return made


def rebuild(sessions: Sessions, *, now: datetime, period: Period | None = None) -> int:
    """Make all days again from the raw rows, or those of ``period``; returns how many."""
    if period is None:
        with transaction(sessions, durable=False) as session:
            for table in (*_BY_DAY, RepeatSums, FiguresOfDay, FiguresReached):
                session.execute(delete(table))
        return refresh(sessions, now=now)
    return make_days(sessions, period, now=now)


def make_again_at_night(sessions: Sessions, *, now: datetime) -> int:
    """Make the last weeks again, whatever was noticed of them during the day."""
    today = day_in_rome(now)
    return rebuild(sessions, now=now, period=Period(today - timedelta(days=NIGHTLY_DAYS), today))


def make_days(sessions: Sessions, days: Iterable[date], *, now: datetime) -> int:
    """Make the sums of ``days``, each in one transaction; returns how many days there were."""
    wanted = sorted(set(days))
    if not wanted:
        return 0
    for day in wanted:
        with transaction(sessions, durable=False) as session:
            one_at_a_time(session, "figures")
            _make_day(session, day, now)
    reach = timedelta(days=REPEAT_DAYS)
    touched = sorted({day + timedelta(days=n) for day in wanted for n in range(-REPEAT_DAYS, 1)})
    with transaction(sessions, durable=False) as session:
        one_at_a_time(session, "figures")
        for span in _spans(touched):
            _make_repeats(session, span, reach)
    return len(wanted)


def _make_day(session: Session, day: date, now: datetime) -> None:
    sums = sums_of_day(session, day)
    for table in _BY_DAY:
        session.execute(delete(table).where(table.day == day))
    session.execute(delete(FiguresOfDay).where(FiguresOfDay.day == day))
    for model, rows in (
        (CallSums, _call_rows(sums)),
        (WaitSums, _wait_rows(sums)),
        (TalkSums, _talk_rows(sums)),
        (NodeSums, _node_rows(sums, day)),
        (EdgeSums, _edge_rows(sums, day)),
    ):
        while part := list(islice(rows, 2000)):
            session.connection().execute(insert(model), part)
    session.add(FiguresOfDay(day=day, made_at=now, open_calls=sums.open_calls))
    session.flush()


def sums_of_day(session: Session, day: date) -> _Sums:
    """The sums of a day, from the raw rows of its calls."""
    period = Period(day, day)
    sums = _Sums()
    _count_calls(session, period, sums)
    _count_stays(session, period, sums)
    return sums


def _count_calls(session: Session, period: Period, sums: _Sums) -> None:
    """What the dialogs know: calls by the half hour they came in, nodes and edges."""
    came = (Call.started_at >= period.begins_at) & (Call.started_at < period.ends_at) & ~_ours(Call.unique_id)
    rows = session.execute(
        select(
            Call.id,
            Call.started_at,
            Call.ended_at,
            Call.called,
            Call.language,
            Call.outcome,
            QueueStay.id.label("stay"),
        )
        .outerjoin(QueueStay, QueueStay.call_unique_id == Call.unique_id)
        .where(came)
    ).all()
    events = session.execute(
        select(CallEvent.call_id, CallEvent.at, CallEvent.seq, CallEvent.node, CallEvent.event)
        .join(Call, Call.id == CallEvent.call_id)
        .where(came)
        .order_by(CallEvent.call_id)
    )
    by_call = {
        call: way(Happened(*row[1:]) for row in happened)
        for call, happened in groupby(events, key=lambda row: row[0])
    }
    for row in rows:
        counts = sums.calls[_Key.of(row.started_at, row.called, row.language)]
        counts["calls"] += 1
        sums.open_calls += row.ended_at is None
        happened = by_call.get(row.id)
        if not happened:
            continue
        counts["dialogs"] += 1
        counts["closed"] += any(event.node == CLOSED_NODE for event in happened)
        path = path_of(row.outcome, in_queue=row.stay is not None)
        counts["self_served"] += path is Path.SELF_SERVED
        counts["hung_up"] += path is Path.HUNG_UP
        _count_nodes(happened, row.language or "", sums)
        sums.edges.update(edges_of(happened))


_NODE_COUNTS = {
    Happening.ENTERED: "entered",
    Happening.HUNG_UP: "dropped",
    Happening.SILENCE: "silences",
    Happening.WRONG: "wrong",
    Happening.GAVE_UP: "gave_up",
    Happening.ASKED_FOR_PERSON: "asked_for_person",
}
_NODE_COLUMNS = ("calls", *_NODE_COUNTS.values(), "milliseconds", "timed")


def _count_nodes(happened: Sequence[Happened], language: str, sums: _Sums) -> None:
    for event in happened:
        name = _NODE_COUNTS.get(event.event)  # type: ignore[call-overload]
        if name is not None:
            sums.nodes[event.node, language][name] += 1
    for node in {event.node for event in happened}:
        sums.nodes[node, language]["calls"] += 1
    for visit in visits_of(happened):
        if visit.seconds is not None:
            sums.nodes[visit.node, language]["milliseconds"] += round(visit.seconds * 1000)
            sums.nodes[visit.node, language]["timed"] += 1


def _count_stays(session: Session, period: Period, sums: _Sums) -> None:
    """What the queue knows: stays and talks by the half hour in which the call entered the queue."""
    entered = (
        (QueueStay.entered_at >= period.begins_at)
        & (QueueStay.entered_at < period.ends_at)
        & ~_ours(QueueStay.call_unique_id)
    )
    tiers: Mapping[str, Tier] = {row.extension: row.tier for row in session.scalars(select(Phone))}
    stays = session.execute(
        select(
            QueueStay.call_unique_id,
            QueueStay.entered_at,
            QueueStay.outcome,
            QueueStay.answered_at,
            QueueStay.extension,
            QueueStay.ended_at,
            Call.called,
            Call.language,
        )
        .outerjoin(Call, Call.unique_id == QueueStay.call_unique_id)
        .where(entered)
    ).all()
    lines = lines_by_call(session, entered)
    over: dict[str, datetime] = dict(
        session.execute(
            select(CallLeg.unique_id, func.max(CallLeg.ended_at))
            .join(QueueStay, QueueStay.call_unique_id == CallLeg.unique_id)
            .where(entered)
            .group_by(CallLeg.unique_id)
        ).all()
    )
    holds = _holds(session, period)
    sums.holds_known = holds is not None
    called_back = set(
        session.scalars(
            select(QueueStay.call_unique_id)
            .join(Call, Call.unique_id == QueueStay.call_unique_id)
            .join(Request, Request.call_id == Call.id)
            .join(CallBack, CallBack.request_id == Request.id)
            .where(entered, QueueStay.outcome == StayOutcome.UNANSWERED)
        )
    )
    for stay in stays:
        key = _Key.of(stay.entered_at, stay.called, stay.language)
        about = lines.get(stay.call_unique_id, [])
        counts = sums.calls[key]
        counts["offered"] += 1
        counts["overflowed"] += overflowed(about, tiers, Queue.DESK)
        wait = wait_of(stay.entered_at, stay.outcome, stay.answered_at, stay.ended_at)
        if stay.outcome is StayOutcome.WAITING:
            counts["waiting"] += 1
            sums.open_calls += 1
            continue
        sums.waits[key, stay.outcome.value, wait] += 1
        if stay.outcome is StayOutcome.ANSWERED:
            counts[_ANSWERED_BY[tiers.get(stay.extension or "", Tier.OFFICE)]] += 1
            counts["waited_answered"] += wait
        elif stay.outcome is StayOutcome.ABANDONED:
            counts["abandoned"] += 1
            counts["waited_abandoned"] += wait
        else:
            counts["unanswered"] += 1
            counts["call_backs"] += stay.call_unique_id in called_back
        _count_talks(key, about, over.get(stay.call_unique_id, stay.ended_at), holds, sums)


_ANSWERED_BY = {
    Tier.BACK_OFFICE: "by_back_office",
    Tier.COUNTER: "by_counter",
    Tier.OFFICE: "by_office",
}


#: Holds by phone; ``None`` where nobody noted any yet.
_Holds: TypeAlias = Mapping[str, Sequence[tuple[datetime, datetime | None]]] | None


def _holds(session: Session, period: Period) -> _Holds:
    """The holds of talks that began in ``period``."""
    if not session.scalar(select(exists().where(PhoneHold.began_at < period.ends_at))):
        return None
    found: defaultdict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    rows = session.execute(
        select(PhoneHold.extension, PhoneHold.began_at, PhoneHold.ended_at).where(
            PhoneHold.began_at >= period.begins_at, PhoneHold.began_at < period.ends_at + _LONGEST_CALL
        )
    )
    for extension, began, ended in rows:
        found[extension].append((began, ended))
    return found


def _count_talks(
    key: _Key, lines: Sequence[QueueLine], over: datetime | None, holds: _Holds, sums: _Sums
) -> None:
    for number, talk in enumerate(talks_of(lines, over)):
        counts = sums.talks[key, talk.extension]
        counts["answered"] += number == 0
        if talk.seconds is None:
            sums.open_calls += 1
            continue
        counts["talks"] += 1
        counts["talk_seconds"] += talk.seconds
        if holds is not None:
            counts["held_seconds"] += held_seconds(talk, holds.get(talk.extension, ()))
        if talk.handed_on:
            counts[talk.handed_on] += 1
    for extension in rang_in_vain(lines):
        sums.talks[key, extension]["not_answered"] += 1


def lines_by_call(session: Session, entered: ColumnElement[bool]) -> dict[str, list[QueueLine]]:
    """What the queue wrote of the stays of which ``entered`` holds, by call."""
    rows = session.execute(
        select(
            QueueEvent.at,
            QueueEvent.call_unique_id,
            QueueEvent.queue,
            QueueEvent.agent,
            QueueEvent.event,
            QueueEvent.data,
        )
        .join(QueueStay, QueueStay.call_unique_id == QueueEvent.call_unique_id)
        .where(entered)
        .order_by(QueueEvent.call_unique_id, QueueEvent.id)
    )
    return {
        # A file that was copied is read twice: the same line again says nothing new.
        call: list(dict.fromkeys(QueueLine(*row[:5], tuple(row[5])) for row in about))
        for call, about in groupby(rows, key=lambda row: row[1])
    }


def _call_rows(sums: _Sums) -> Iterator[dict[str, Any]]:
    for key, counts in sums.calls.items():
        yield {**_where(key), **{name: counts[name] for name in _CALL_COUNTS}}


def _wait_rows(sums: _Sums) -> Iterator[dict[str, Any]]:
    for (key, outcome, seconds), calls in sums.waits.items():
        yield {**_where(key), "outcome": outcome, "seconds": seconds, "calls": calls}


def _where(key: _Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in ("day", "begins_at", "half", "line", "language")}


def _talk_rows(sums: _Sums) -> Iterator[dict[str, Any]]:
    names = ("answered", "talks", "talk_seconds", "blind", "attended", "not_answered")
    for (key, extension), counts in sums.talks.items():
        yield {
            **_where(key),
            "extension": extension,
            **{name: counts[name] for name in names},
            "held_seconds": counts["held_seconds"] if sums.holds_known else None,
        }


def _node_rows(sums: _Sums, day: date) -> Iterator[dict[str, Any]]:
    for (node, language), counts in sums.nodes.items():
        yield {
            "day": day,
            "node": node,
            "language": language,
            **{name: counts[name] for name in _NODE_COLUMNS},
        }


def _edge_rows(sums: _Sums, day: date) -> Iterator[dict[str, Any]]:
    for (origin, target), passages in sums.edges.items():
        yield {"day": day, "origin": origin, "target": target, "passages": passages}


def _make_repeats(session: Session, period: Period, reach: timedelta) -> None:
    """Answered calls of known numbers, and those that were answered again within :data:`REPEAT_DAYS`."""
    session.execute(delete(RepeatSums).where(RepeatSums.day.between(period.first, period.last)))
    counts: defaultdict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    for entered, called, following in session.execute(answered_again(period, reach)):
        count = counts[day_in_rome(entered), line_of(called)]
        count["answered"] += 1
        count["repeated"] += following is not None and following - entered <= reach
    if counts:
        session.connection().execute(
            insert(RepeatSums),
            [
                {"day": day, "line": line, "answered": count["answered"], "repeated": count["repeated"]}
                for (day, line), count in counts.items()
            ],
        )


def answered_again(period: Period, reach: timedelta) -> Select[datetime, str | None, datetime | None]:
    """Answered calls of known numbers: when they came, on which line, and when the number's next one did."""
    following = (
        select(
            QueueStay.call_unique_id.label("call"),
            QueueStay.entered_at.label("entered"),
            func.lead(QueueStay.entered_at, type_=QueueStay.entered_at.type)
            .over(partition_by=QueueStay.caller_e164, order_by=(QueueStay.entered_at, QueueStay.id))
            .label("following"),
        )
        .where(
            QueueStay.outcome == StayOutcome.ANSWERED,
            QueueStay.caller_e164.is_not(None),
            QueueStay.entered_at >= period.begins_at,
            QueueStay.entered_at < period.ends_at + reach,
            ~_ours(QueueStay.call_unique_id),
        )
        .subquery()
    )
    return (
        select(following.c.entered, Call.called, following.c.following)
        .outerjoin(Call, Call.unique_id == following.c.call)
        .where(following.c.entered < period.ends_at)
    )


def _ours(unique_id: Any) -> ColumnElement[bool]:
    """Whether the call is one that we place ourselves, to call somebody back."""
    condition: ColumnElement[bool] = unique_id.startswith(OURS)
    return condition


def _from_calls(after: int) -> Select[str]:
    return select(Call.unique_id).where(Call.id > after)


def _from_events(after: int) -> Select[str]:
    return select(Call.unique_id).join(CallEvent).where(CallEvent.id > after).distinct()


def _from_queue(after: int) -> Select[str]:
    return select(QueueEvent.call_unique_id).where(QueueEvent.id > after).distinct()


def _from_legs(after: int) -> Select[str]:
    return select(CallLeg.unique_id).where(CallLeg.id > after).distinct()


def _from_call_backs(after: int) -> Select[str]:
    return (
        select(Call.unique_id)
        .join(Request, Request.call_id == Call.id)
        .join(CallBack, CallBack.request_id == Request.id)
        .where(CallBack.id > after)
    )


#: Tables that only grow, by what their rows are numbered with, and the calls that new rows tell of. What is
#: changed in place elsewhere (a call's end, a stay's outcome) follows from them, or belongs to an open call.
_SOURCES = (
    ("calls", Call.id, _from_calls),
    ("call_events", CallEvent.id, _from_events),
    ("queue_events", QueueEvent.id, _from_queue),
    ("call_legs", CallLeg.id, _from_legs),
    ("call_backs", CallBack.id, _from_call_backs),
)


def _changed_days(session: Session, after: Mapping[str, int]) -> set[date]:
    """The days that new rows tell of."""
    calls: set[str] = set()
    for name, _, new in _SOURCES:
        calls.update(session.scalars(new(after.get(name, 0))))
    days: set[date] = set()
    found = iter(sorted(calls))
    while part := list(islice(found, 500)):
        # A stay can move when its first line comes late: the days of all its lines are meant.
        for moments in (
            select(Call.started_at).where(Call.unique_id.in_(part)),
            select(QueueEvent.at).where(QueueEvent.call_unique_id.in_(part)),
        ):
            days.update(day_in_rome(at) for at in session.scalars(moments))
    return days


def _open_days(session: Session, now: datetime) -> set[date]:
    """Days with calls that were not over when they were made."""
    since = day_in_rome(now) - timedelta(days=OPEN_DAYS)
    return set(
        session.scalars(
            select(FiguresOfDay.day).where(FiguresOfDay.open_calls > 0, FiguresOfDay.day >= since)
        )
    )


def _all_days(session: Session, now: datetime) -> Period | tuple[()]:
    firsts = union_all(
        select(func.min(Call.started_at).label("at")), select(func.min(QueueStay.entered_at).label("at"))
    ).subquery()
    lasts = union_all(
        select(func.max(Call.started_at).label("at")), select(func.max(QueueStay.entered_at).label("at"))
    ).subquery()
    first = session.scalar(select(func.min(firsts.c.at)))
    last = session.scalar(select(func.max(lasts.c.at)))
    if first is None or last is None:
        return ()
    return Period(day_in_rome(first), day_in_rome(last))


def _spans(days: Sequence[date]) -> Iterator[Period]:
    """``days`` in order, as spans without a gap; long ones in pieces, so that a writer never waits long."""
    begin = end = None
    for day in days:
        if begin is not None and end is not None:
            if day - end == timedelta(days=1) and (day - begin).days < 31:
                end = day
                continue
            yield Period(begin, end)
        begin = end = day
    if begin is not None and end is not None:
        yield Period(begin, end)


def made_until(session: Session) -> datetime | None:
    """When the sums were last brought up to date; ``None`` before the first time."""
    at = session.scalar(select(func.max(FiguresOfDay.made_at)))
    return at.astimezone(UTC) if at else None
