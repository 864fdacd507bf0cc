"""Asterisk's call detail records: the legs of each call, and the calls that nobody else wrote down."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.call_log import start_call
from desk.db import insert
from desk.models import Call, CallLeg, CallOutcome, QueueStay
from desk.phone_numbers import to_e164

#: The channels of citizens: those of the endpoint ``trunk`` (call_routing/names.py).
TRUNK = "PJSIP/trunk-"
#: The AGI server writes a call's end itself, a moment after the call: what is not there by then never comes.
ITS_OWN_END = timedelta(seconds=30)

_NAME, _DISPOSITION = 80, 20


@dataclass(frozen=True, slots=True)
class Leg:
    """One record; see :class:`desk.models.CallLeg`."""

    unique_id: str
    linked_id: str
    caller: str
    dialled: str
    channel: str
    other_channel: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    disposition: str


def read_leg(text: str) -> Leg:
    """A line of the file of ``asterisk-conf/cdr_custom.conf``. Raises ``ValueError`` if it makes no sense."""
    try:
        (fields,) = csv.reader([text], strict=True)
    except csv.Error as e:
        raise ValueError("not a record of a call") from e
    unique, linked, sequence, caller, dialled, channel, other, start, answer, end, disposition = fields
    if not unique or len(unique) > _NAME or not sequence.isdecimal() or len(disposition) > _DISPOSITION:
        raise ValueError("not a record of a call")
    started, answered, ended = (_moment(moment) for moment in (start, answer, end))
    if started is None or ended is None:
        raise ValueError("a record without a time")
    return Leg(
        unique,
        linked[:_NAME],
        caller[:_NAME],
        dialled[:_NAME],
        channel[:_NAME],
        other[:_NAME],
        started,
        answered,
        ended,
        disposition,
    )


def keep_legs(session: Session, source: str, lines: Sequence[tuple[int, Leg]], now: datetime) -> None:
    """Keep legs with their places in ``source``, and note the calls of citizens that are not noted yet."""
    if not lines:
        return
    session.execute(
        insert(session.get_bind().dialect.name, CallLeg.__table__).on_conflict_do_nothing(
            index_elements=["source", "position"]
        ),
        [{"source": source, "position": position, **asdict(leg)} for position, leg in lines],
    )
    for _, leg in lines:
        # While the AGI server is down a call reaches a person, and nobody writes it down.
        if leg.channel.startswith(TRUNK):
            start_call(
                session, unique_id=leg.unique_id, caller=to_e164(leg.caller), called=None, now=leg.started_at
            )


def close_calls(session: Session, *, now: datetime) -> int:
    """Give an end to the calls that are over and whose dialog could not say so; returns how many.

    The AGI server was killed, or never reached. A caller who came to the queue was given to the operators.
    """
    ended = (
        select(CallLeg.unique_id, func.max(CallLeg.ended_at).label("at"))
        .join(Call, Call.unique_id == CallLeg.unique_id)
        .where(Call.ended_at.is_(None))
        .group_by(CallLeg.unique_id)
        .subquery()
    )
    rows = session.execute(
        select(Call, ended.c.at, QueueStay.id)
        .join(ended, ended.c.unique_id == Call.unique_id)
        .outerjoin(QueueStay, QueueStay.call_unique_id == Call.unique_id)
        .where(ended.c.at < now - ITS_OWN_END)
    ).all()
    for call, at, stay in rows:
        call.ended_at = at
        call.outcome = CallOutcome.FAILED if stay is None else CallOutcome.OPERATOR
    return len(rows)


def _moment(text: str) -> datetime | None:
    """Seconds since 1970 with their fraction; 0 stands for never."""
    seconds, _, fraction = text.partition(".")
    if not (seconds.isdecimal() and len(seconds) <= 10 and (fraction or "0").isdecimal()):
        raise ValueError("not a moment")
    if not int(seconds):
        return None
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(f"{fraction:0<6}"[:6]))
