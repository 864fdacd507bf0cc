"""The calls behind a number: which ones a figure counts, one by one.

A list has as many calls as the figure says: both follow the same rules (:mod:`reports.facts`), the figure
from sums, the list from the raw rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from call_routing.names import Queue
from desk.models import CALL_BACK_CALL as OURS
from desk.models import (
    Call,
    CallBack,
    CallEvent,
    CallLeg,
    CallOutcome,
    DirectLine,
    HandOver,
    LostCall,
    Phone,
    QueueEvent,
    QueueStay,
    Request,
    StayOutcome,
    Tier,
)
from desk.queue_history import ANSWERED
from reports.calls import DESK
from reports.facts import CLOSED_NODE, RANG_IN_VAIN, talks_of, wait_of
from reports.figures import Column, Table
from reports.periods import slot_of
from reports.questions import Question
from reports.rollups import line_of, lines_by_call


class What(StrEnum):
    """Figures of calls that can be told call by call: each is named as its column."""

    CALLS = "calls"
    CLOSED = "closed"
    DIALOGS = "dialogs"
    SELF_SERVED = "self_served"
    HUNG_UP = "hung_up"
    OFFERED = "offered"
    ANSWERED = "answered"
    BY_BACK_OFFICE = "by_back_office"
    BY_COUNTER = "by_counter"
    BY_OFFICE = "by_office"
    LONG_ABANDONS = "long_abandons"
    SHORT_ABANDONS = "short_abandons"
    UNANSWERED = "unanswered"
    CALL_BACKS = "call_backs"
    OVERFLOWED = "overflowed"
    ANSWERED_IN_TIME = "answered_in_time"
    LOST = "lost"


#: What a list tells of each call.
CALL_COLUMNS = ("moment", "line", "waited", "end", "tier", "operator", "talked")
#: What is counted when the call came in; all other figures count when it entered the queue.
_OF_CALLS = frozenset({What.CALLS, What.CLOSED, What.DIALOGS, What.SELF_SERVED, What.HUNG_UP})


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call of the list; times in seconds, ``None`` where there was none."""

    call: str
    at: datetime
    #: As it was dialled, in E.164 where it is a number; empty if it is not known.
    line: str
    waited: int | None
    #: A :class:`~desk.models.StayOutcome`, else a :class:`~desk.models.CallOutcome`; empty if not known.
    end: str
    #: The phone that answered, and its tier.
    extension: str | None
    tier: Tier | None
    talked: int | None
    #: Only for those who may see callers.
    caller: str | None
    citizen_id: int | None


@dataclass(frozen=True, slots=True)
class CallPage:
    """A page of calls, the latest first, and how many there are in all."""

    rows: Sequence[CallRow]
    total: int


def list_calls(session: Session, question: Question, what: What, *, first: int, most: int) -> CallPage:
    """The calls that ``what`` counts, from number ``first`` (0 is the latest) on."""
    at = _moment(what)
    conditions = _conditions(session, question, what, at)
    if question.hour is None and question.half is None and question.weekday is None:
        total = session.scalar(_from(select(func.count()), what).where(*conditions)) or 0
        ids = session.scalars(
            _from(select(_name(what)), what)
            .where(*conditions)
            .order_by(at.desc(), _name(what).desc())
            .offset(first)
            .limit(most)
        ).all()
        return CallPage(_rows(session, ids, what), total)
    # The hour of the clock depends on the day: it is reckoned here, of moments alone.
    named = session.execute(_from(select(_name(what), at), what).where(*conditions))
    found = [(moment, call) for call, moment in named if _at_that_time(question, moment)]
    found.sort(reverse=True)
    return CallPage(_rows(session, [call for _, call in found[first : first + most]], what), len(found))


def _name(what: What) -> Any:
    if what is What.LOST:
        return LostCall.call_unique_id
    return Call.unique_id if what in _OF_CALLS else QueueStay.call_unique_id


def _moment(what: What) -> Any:
    if what is What.LOST:
        return LostCall.lost_at
    return Call.started_at if what in _OF_CALLS else QueueStay.entered_at


def _from(query: Select[Any], what: What) -> Select[Any]:
    if what is What.LOST:
        # A call can be lost before it comes to the queue.
        return (
            query.select_from(LostCall)
            .outerjoin(QueueStay, QueueStay.call_unique_id == LostCall.call_unique_id)
            .outerjoin(Call, Call.unique_id == LostCall.call_unique_id)
        )
    if what in _OF_CALLS:
        return query.select_from(Call).outerjoin(QueueStay, QueueStay.call_unique_id == Call.unique_id)
    return query.select_from(QueueStay).outerjoin(Call, Call.unique_id == QueueStay.call_unique_id)


def _at_that_time(question: Question, at: datetime) -> bool:
    slot = slot_of(at)
    return (
        question.hour in (None, slot.half // 2)
        and question.half in (None, slot.half)
        and question.weekday in (None, slot.day.weekday())
    )


def _conditions(session: Session, question: Question, what: What, at: Any) -> list[ColumnElement[bool]]:
    period = question.period
    found: list[ColumnElement[bool]] = [at >= period.begins_at, at < period.ends_at]
    if what is not What.LOST:
        found.append(~_name(what).startswith(OURS))
    if question.line is not None or question.office is not None:
        found.append(_on_line(session, question))
    if question.language is not None:
        found.append(func.coalesce(Call.language, "") == question.language)
    if question.operator is not None:
        found.append(QueueStay.extension == question.operator)
    if question.tier is not None:
        found.append(_answered_by(question.tier))
    found += _counted(session, question, what)
    return found


def _on_line(session: Session, question: Question) -> ColumnElement[bool]:
    """Lines as they were dialled: the same number is written in several ways."""
    offices = {line.e164: line.office for line in session.scalars(select(DirectLine))}

    def wanted(line: str) -> bool:
        return question.line in (None, line) and (
            question.office is None or offices.get(line, DESK) == question.office
        )

    dialled = session.scalars(
        select(Call.called)
        .where(
            Call.started_at >= question.period.begins_at - timedelta(days=1),
            Call.started_at < question.period.ends_at,
        )
        .distinct()
    )
    matching = Call.called.in_([called for called in dialled if called and wanted(line_of(called))])
    return or_(matching, Call.called.is_(None)) if wanted("") else matching


def _answered_by(tier: Tier) -> ColumnElement[bool]:
    of_tier = QueueStay.extension.in_(select(Phone.extension).where(Phone.tier == tier))
    answered = QueueStay.outcome == StayOutcome.ANSWERED
    if tier is not Tier.OFFICE:
        return and_(answered, of_tier)
    # As sums have it: a phone that is not there any more counts as an office's.
    known = QueueStay.extension.in_(select(Phone.extension).where(Phone.tier != Tier.OFFICE))
    return and_(answered, or_(QueueStay.extension.is_(None), ~known))


def _counted(session: Session, question: Question, what: What) -> list[ColumnElement[bool]]:
    """What a figure counts of the calls of a period."""
    dialog = select(CallEvent.id).where(CallEvent.call_id == Call.id).exists()
    not_queued = QueueStay.id.is_(None)
    stay, limits = QueueStay.outcome, question.limits
    waited = _seconds(session, QueueStay.entered_at, QueueStay.ended_at)
    counters = select(Phone.extension).where(Phone.tier == Tier.COUNTER)
    rang = QueueEvent.event.in_((ANSWERED, RANG_IN_VAIN))
    asked = (
        select(CallBack.id)
        .join(Request, Request.id == CallBack.request_id)
        .where(Request.call_id == Call.id)
        .exists()
    )
    counted: Mapping[What, list[ColumnElement[bool]]] = {
        What.CALLS: [],
        What.CLOSED: [
            select(CallEvent.id).where(CallEvent.call_id == Call.id, CallEvent.node == CLOSED_NODE).exists()
        ],
        What.DIALOGS: [dialog],
        What.SELF_SERVED: [dialog, not_queued, Call.outcome == CallOutcome.DONE],
        What.HUNG_UP: [dialog, not_queued, Call.outcome == CallOutcome.HUNG_UP],
        What.OFFERED: [],
        What.ANSWERED: [stay == StayOutcome.ANSWERED],
        What.BY_BACK_OFFICE: [_answered_by(Tier.BACK_OFFICE)],
        What.BY_COUNTER: [_answered_by(Tier.COUNTER)],
        What.BY_OFFICE: [_answered_by(Tier.OFFICE)],
        What.LONG_ABANDONS: [stay == StayOutcome.ABANDONED, func.coalesce(waited, 0) >= limits.short],
        What.SHORT_ABANDONS: [stay == StayOutcome.ABANDONED, func.coalesce(waited, 0) < limits.short],
        What.UNANSWERED: [stay == StayOutcome.UNANSWERED],
        What.CALL_BACKS: [stay == StayOutcome.UNANSWERED, asked],
        What.OVERFLOWED: [
            select(QueueEvent.id)
            .where(
                QueueEvent.call_unique_id == QueueStay.call_unique_id,
                QueueEvent.queue == Queue.DESK.value,
                rang,
                func.substr(QueueEvent.agent, 1, 8).in_(counters),
            )
            .exists()
        ],
        What.ANSWERED_IN_TIME: [
            stay == StayOutcome.ANSWERED,
            _seconds(session, QueueStay.entered_at, QueueStay.answered_at) <= limits.within,
        ],
        What.LOST: [],
    }
    return counted[what]


def _seconds(session: Session, begin: Any, end: Any) -> ColumnElement[int]:
    """Whole seconds as :func:`reports.facts.whole_seconds` has them, reckoned by the database."""
    if session.get_bind().dialect.name == "sqlite":
        # What the queue records has whole seconds; a day's fraction as a float may fall short of one.
        between: Any = func.round((func.julianday(end) - func.julianday(begin)) * 86400.0, 3)
    else:
        between = func.extract("epoch", end - begin)
    seconds: ColumnElement[int] = case((between < 0, 0), else_=func.floor(between))
    return seconds


def _rows(session: Session, calls: Sequence[str], what: What) -> Sequence[CallRow]:
    tiers = {row.extension: row.tier for row in session.scalars(select(Phone))}
    found = {
        row.call: row
        for row in session.execute(
            _from(
                select(
                    _name(what).label("call"),
                    _moment(what).label("at"),
                    Call.called,
                    Call.outcome.label("outcome"),
                    Call.caller_e164.label("caller"),
                    QueueStay.entered_at,
                    QueueStay.outcome.label("stay"),
                    QueueStay.answered_at,
                    QueueStay.ended_at,
                    QueueStay.extension,
                    QueueStay.caller_e164.label("queue_caller"),
                    HandOver.citizen_id,
                ),
                what,
            )
            .outerjoin(HandOver, HandOver.call_unique_id == _name(what))
            .where(_name(what).in_(calls))
        )
    }
    talked = _talked(session, calls)
    rows = []
    for call in calls:
        row = found[call]
        waited = None
        if row.stay is not None and row.stay is not StayOutcome.WAITING:
            waited = wait_of(row.entered_at, row.stay, row.answered_at, row.ended_at)
        answered = row.stay is StayOutcome.ANSWERED
        extension = row.extension if answered else None
        rows.append(
            CallRow(
                call=call,
                at=row.at,
                line=line_of(row.called),
                waited=waited,
                end=row.stay or row.outcome or "",
                extension=extension,
                tier=tiers.get(extension or "", Tier.OFFICE) if answered else None,
                talked=talked.get(call),
                caller=row.caller or row.queue_caller,
                citizen_id=row.citizen_id,
            )
        )
    return rows


def _talked(session: Session, calls: Sequence[str]) -> Mapping[str, int]:
    """Seconds of conversations that are over, by call."""
    over: dict[str, datetime] = dict(
        session.execute(
            select(CallLeg.unique_id, func.max(CallLeg.ended_at))
            .where(CallLeg.unique_id.in_(calls))
            .group_by(CallLeg.unique_id)
        ).all()
    )
    ended = dict(
        session.execute(
            select(QueueStay.call_unique_id, QueueStay.ended_at).where(QueueStay.call_unique_id.in_(calls))
        ).all()
    )
    talked = {}
    for call, lines in lines_by_call(session, QueueStay.call_unique_id.in_(calls)).items():
        lengths = [
            talk.seconds
            for talk in talks_of(lines, over.get(call, ended.get(call)))
            if talk.seconds is not None
        ]
        if lengths:
            talked[call] = sum(lengths)
    return talked


def as_table(page: CallPage, question: Question) -> Table:
    """The calls as a table, without who called."""
    rows = tuple(
        (row.at, row.line or None, row.waited, row.end or None, row.tier, row.extension, row.talked)
        for row in page.rows
    )
    columns = tuple(Column(name) for name in CALL_COLUMNS)
    return Table("list", question.period, columns, rows, ("Elenco delle chiamate", "List of calls"))


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened in a call: at a node of the dialog, or in the queue (``node`` is empty)."""

    at: datetime
    node: str
    event: str
    #: What was pressed or said; only for those who may see callers.
    detail: str
    #: The phone that it happened at.
    extension: str | None


@dataclass(frozen=True, slots=True)
class CallStory:
    """A call and its steps in order."""

    row: CallRow
    ended_at: datetime | None
    language: str
    steps: Sequence[Step]


def story_of(session: Session, call: str) -> CallStory | None:
    """The call with that unique id; ``None`` if neither the dialogs nor the queue know it."""
    known = session.scalar(select(Call).where(Call.unique_id == call))
    stay = session.scalar(select(QueueStay).where(QueueStay.call_unique_id == call))
    if known is None and stay is None:
        return None
    (row,) = _rows(session, [call], What.CALLS if known else What.OFFERED)
    events = known.events if known else ()
    steps = [Step(event.at, event.node, event.event, event.detail, None) for event in events]
    if stay is not None:
        lines = lines_by_call(session, QueueStay.call_unique_id == call).get(call, [])
        steps += [
            Step(line.at, "", line.event, "", line.agent[:8] if line.agent != "NONE" else None)
            for line in lines
        ]
    # The queue writes whole seconds: of one second the dialog came first.
    steps.sort(key=lambda step: step.at)
    return CallStory(
        row,
        (known.ended_at if known else None) or (stay.ended_at if stay else None),
        (known.language if known else None) or "",
        steps,
    )
