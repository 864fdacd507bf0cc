"""What the queue recorded: the lines of Asterisk's ``queue_log``, and the stay of each call made of them.

A stay is a function of the call's lines alone (and of whether the call is over), whatever their order and
however often they were read: so it can be made again at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from desk.db import insert
from desk.models import CallLeg, QueueEvent, QueueStay, StayOutcome
from desk.phone_numbers import to_e164

#: What a line says instead of a call, a queue or an agent that it has none of.
NONE = "NONE"

ENTERED, ANSWERED, ABANDONED, RESTARTED = "ENTERQUEUE", "CONNECT", "ABANDON", "QUEUESTART"
#: A caller leaves the queue and hears something else.
LEFT = {"EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY", "WITHDRAW"}
#: Ends of a conversation with an operator, and how the call was handed on.
ENDED = {
    "COMPLETEAGENT": None,
    "COMPLETECALLER": None,
    "BLINDTRANSFER": "blind",
    "ATTENDEDTRANSFER": "attended",
}

#: A call that left the queue unanswered and did not come back for this long never will: no announcement,
#: message or dialog lasts longer. It counts only where the record of the call's end is lost, too.
FOR_GOOD = timedelta(hours=1)

_MOMENT = re.compile(r"[0-9]{1,10}", re.ASCII)
_EVENT = re.compile(r"[A-Z]{1,40}", re.ASCII)
#: What fits into the columns.
_NAME, _QUEUE, _EXTENSION, _TARGET, _DIGITS = 80, 40, 8, 40, 6


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A line of ``queue_log``; ``data`` in the event's own order."""

    at: datetime
    call_unique_id: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stay:
    """A call's stay in the queue; see :class:`desk.models.QueueStay`."""

    call_unique_id: str
    caller_e164: str | None
    entered_at: datetime
    position: int | None
    outcome: StayOutcome
    answered_at: datetime | None = None
    extension: str | None = None
    ended_at: datetime | None = None
    transferred_to: str | None = None
    transferred_how: str | None = None


def read_queue_line(text: str) -> QueueLine:
    """A line of ``queue_log``. Raises ``ValueError`` if it makes no sense."""
    moment, call, queue, agent, event, *data = text.split("|")
    if not _MOMENT.fullmatch(moment) or not _EVENT.fullmatch(event):
        raise ValueError("not a line of queue_log")
    if not call or len(call) > _NAME or len(queue) > _QUEUE or len(agent) > _NAME:
        raise ValueError("a name that is none")
    # Most events end in a separator or in what they have nothing to say about.
    return QueueLine(datetime.fromtimestamp(int(moment), UTC), call, queue, agent, event, tuple(data))


def stay_of(lines: Iterable[QueueLine], over: datetime | None) -> Stay | None:
    """The stay that one call's ``lines`` tell of; ``None`` if they do not say that it entered the queue.

    ``over`` is when the call ended, as far as something else than these lines says so.
    """
    # The log has whole seconds. Within one, any order will do, as long as it is always the same.
    lines = sorted(lines, key=lambda line: (line.at, line.event, line.agent, line.data))
    entered = next((line for line in lines if line.event == ENTERED), None)
    if entered is None:
        return None
    caller, position = (*entered.data[1:3], "", "")[:2]
    stay = Stay(
        entered.call_unique_id,
        to_e164(caller),
        entered.at,
        int(position) if position.isdecimal() and len(position) <= _DIGITS else None,
        StayOutcome.WAITING,
    )
    answered = next((line for line in lines if line.event == ANSWERED), None)
    if answered is not None:
        return _answered(stay, answered, [line for line in lines if line.event in ENDED], over)
    abandoned = next((line for line in lines if line.event == ABANDONED), None)
    if abandoned is not None:
        return replace(stay, outcome=StayOutcome.ABANDONED, ended_at=abandoned.at)
    if over is not None:
        # What came after the queue, a message or the news that nobody is there, is no part of the stay.
        last_in = max(line.at for line in lines if line.event == ENTERED)
        left = [line.at for line in lines if line.event in LEFT and line.at >= last_in]
        return replace(stay, outcome=StayOutcome.UNANSWERED, ended_at=max(left, default=over))
    return stay


def keep_queue_lines(
    session: Session, source: str, lines: Sequence[tuple[int, QueueLine]], now: datetime
) -> None:
    """Keep ``lines`` with their places in ``source`` and bring the stays up to date that they tell of."""
    if not lines:
        return
    rows = [{"source": source, "position": position, **asdict(line)} for position, line in lines]
    for row in rows:
        row["data"] = list(row["data"])
    session.execute(
        insert(session.get_bind().dialect.name, QueueEvent.__table__).on_conflict_do_nothing(
            index_elements=["source", "position"]
        ),
        rows,
    )
    derive_stays(session, {line.call_unique_id for _, line in lines} - {NONE}, now=now)


def settle_stays(session: Session, *, now: datetime) -> None:
    """Look again at the stays that are not over: their call may have ended without a word of the queue."""
    open_ones = session.scalars(
        select(QueueStay.call_unique_id).where(
            or_(
                QueueStay.ended_at.is_(None)
                & QueueStay.outcome.in_((StayOutcome.WAITING, StayOutcome.ANSWERED)),
                QueueStay.transferred_how.is_not(None) & QueueStay.transferred_to.is_(None),
            )
        )
    ).all()
    derive_stays(session, open_ones, now=now)


def rebuild_stays(session: Session, *, now: datetime) -> None:
    """Make all stays again from what was recorded."""
    recorded = select(QueueEvent.call_unique_id).where(QueueEvent.call_unique_id != NONE).distinct()
    session.execute(delete(QueueStay).where(QueueStay.call_unique_id.not_in(recorded)))
    derive_stays(session, session.scalars(recorded).all(), now=now)


def derive_stays(session: Session, calls: Iterable[str], *, now: datetime) -> None:
    """Bring the stays of ``calls`` up to date with what was recorded."""
    for call in sorted(calls):
        rows = session.scalars(
            select(QueueEvent).where(QueueEvent.call_unique_id == call).order_by(QueueEvent.at, QueueEvent.id)
        ).all()
        lines = [
            QueueLine(row.at, row.call_unique_id, row.queue, row.agent, row.event, tuple(row.data))
            for row in rows
        ]
        if not lines:
            continue
        stay = stay_of(lines, _over(session, lines, now))
        if stay is None:
            continue
        if stay.transferred_how and not stay.transferred_to:
            stay = replace(stay, transferred_to=_joined_with(session, stay))
        kept = session.scalar(select(QueueStay).where(QueueStay.call_unique_id == call))
        if kept is None:
            session.add(QueueStay(**asdict(stay)))
            continue
        for name, value in asdict(stay).items():
            setattr(kept, name, value)
    session.flush()


def _answered(stay: Stay, answered: QueueLine, ends: Sequence[QueueLine], over: datetime | None) -> Stay:
    end = next(iter(ends), None)
    how = ENDED[end.event] if end else None
    return replace(
        stay,
        outcome=StayOutcome.ANSWERED,
        answered_at=answered.at,
        extension=answered.agent[:_EXTENSION],
        # The record of a call's end is exact, the line of the queue is not: it must not end before it began.
        ended_at=end.at if end else max(over, answered.at) if over else None,
        transferred_to=_target(end) if end and how else None,
        transferred_how=how,
    )


def _target(end: QueueLine) -> str | None:
    """To whom a call was handed: an extension, or None where the queue knows nothing but a bridge."""
    kind, *rest = (*end.data, "")
    if end.event == "BLINDTRANSFER":
        return kind[:_TARGET] or None
    if kind == "LINK" and len(rest) > 1:
        # The channel at the other end: PJSIP/104-0000001a.
        return _extension_of(rest[1]) or None
    return None


def _joined_with(session: Session, stay: Stay) -> str | None:
    """The phone an attended transfer led to: the queue names a bridge, the call's records who was in it."""
    channels = session.scalars(
        select(CallLeg.other_channel)
        .where(CallLeg.unique_id == stay.call_unique_id)
        .order_by(CallLeg.started_at, CallLeg.id)
    )
    phones = map(_extension_of, channels)
    return next((phone for phone in phones if phone and phone != stay.extension), None)


def _extension_of(channel: str) -> str:
    """``104`` of ``PJSIP/104-0000001a``, and of the phone in a page there, ``PJSIP/web104-0000001a``."""
    return channel.partition("/")[2].rpartition("-")[0].removeprefix("web")[:_TARGET]


def _over(session: Session, lines: Sequence[QueueLine], now: datetime) -> datetime | None:
    """When the call ended: by its own record, by a start of Asterisk since, or by the time that passed."""
    last = lines[-1]
    # The record of a channel is written when the channel is gone.
    hung_up = session.scalar(
        select(func.max(CallLeg.ended_at)).where(CallLeg.unique_id == last.call_unique_id)
    )
    if hung_up is not None:
        return hung_up
    restarted = session.scalar(
        select(func.min(QueueEvent.at)).where(QueueEvent.event == RESTARTED, QueueEvent.at > last.at)
    )
    if restarted is not None:
        return restarted
    # Who talks with an operator does so for as long as it takes.
    talking = any(line.event == ANSWERED for line in lines)
    return last.at if not talking and now - last.at > FOR_GOOD else None
