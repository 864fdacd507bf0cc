"""How long what is kept: numbers become pseudonyms, contents are emptied, recordings and drafts removed.

Rows stay, so that every count stays. What belongs to an open request, or to an appointment to come, is left
as it is. The audit, the citizens and the requests themselves are kept; ``docs/privacy.md`` has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.attachments import remove_old_attachments
from desk.db import Sessions, reading, transaction
from desk.models import (
    Booking,
    Call,
    CallBack,
    CallBackDetails,
    CallEvent,
    CallLeg,
    Consent,
    CounterDetails,
    Draft,
    Enrolment,
    HandOver,
    IdentificationAttempt,
    InboundText,
    Message,
    MessageState,
    PlaceStay,
    QueueEvent,
    QueueStay,
    Request,
    RequestDetails,
    RequestNote,
    RequestPeriod,
    RoomBooking,
)
from desk.pseudonyms import Pseudonyms, is_pseudonym
from desk.recordings import is_needed, is_to_come, needed_recordings, remove_old_recordings
from desk.settings import Settings

#: Rows changed in one transaction, so that callers' own writes never wait for long.
PORTION = 500
#: A number in the free text of the call log has at least so many digits: references have eight.
DIGITS_IN_DETAILS = 9

#: How a value is hidden; a value that is hidden already stays as it is.
Hide = Callable[[Pseudonyms, Any], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One column whose old values are hidden."""

    name: str
    #: The setting of :class:`~desk.settings.KeepDays` that says after how many days.
    kept: str
    key: InstrumentedAttribute[Any]
    column: InstrumentedAttribute[Any]
    #: Which rows are old: given the moment before which rows are.
    old: Callable[[datetime], ColumnElement[bool]]
    hide: Hide


def number(pseudonyms: Pseudonyms, value: str) -> str:
    """A column that holds a number and nothing else."""
    return value if is_pseudonym(value) else pseudonyms.of(value)


def _tax_code(pseudonyms: Pseudonyms, value: str) -> str:
    return value if is_pseudonym(value) else pseudonyms.of(value)


def _person_in_course(pseudonyms: Pseudonyms, value: str) -> str:
    """``number +39...`` and ``code RSS...``; the number of a citizen in the register names nobody outside."""
    kind, _, who = value.partition(" ")
    return value if kind == "citizen" or is_pseudonym(who) else f"{kind} {pseudonyms.of(who)}"


def _numbers_in_text(pseudonyms: Pseudonyms, value: str) -> str:
    return pseudonyms.within(value)


def _numbers_in_details(pseudonyms: Pseudonyms, value: str) -> str:
    return pseudonyms.within(value, digits=DIGITS_IN_DETAILS)[:200]


def _numbers_in_list(pseudonyms: Pseudonyms, value: list[str]) -> list[str]:
    return [pseudonyms.within(item) for item in value]


def _nothing(_pseudonyms: Pseudonyms, _value: str) -> str:
    return ""


def _no_values(_pseudonyms: Pseudonyms, _value: dict[str, str]) -> dict[str, str]:
    return {}


def _no_value(_pseudonyms: Pseudonyms, _value: object) -> None:
    return None


def _empty(_pseudonyms: Pseudonyms, _value: list[Any]) -> list[Any]:
    return []


def _words_in_details(pseudonyms: Pseudonyms, details: RequestDetails) -> RequestDetails:
    """What a citizen wrote or typed; what the request was and what it cost stays."""
    changed: dict[str, object] = {
        name: None for name in ("text", "place", "message", "subject_name") if getattr(details, name, None)
    }
    if isinstance(details, CounterDetails):
        changed["text"] = ""
    if isinstance(details, CallBackDetails):
        changed["number"] = number(pseudonyms, details.number)
    return details.model_copy(update=changed)


def _is_over(request_id: InstrumentedAttribute[Any], before: datetime) -> ColumnElement[bool]:
    """Whether no request that is still needed is meant."""
    return or_(request_id.is_(None), request_id.not_in(select(Request.id).where(is_needed(before))))


def _needed_calls(before: datetime) -> CompoundSelect[Any]:
    """The calls that requests and appointments still rest on."""
    requests = select(Request.call_id).where(is_needed(before), Request.call_id.is_not(None))
    bookings = select(Booking.call_id).where(is_to_come(before), Booking.call_id.is_not(None))
    return requests.union(bookings)


def _needed_unique_ids(before: datetime) -> Select[Any]:
    return select(Call.unique_id).where(Call.id.in_(_needed_calls(before)))


def _sent(before: datetime) -> ColumnElement[bool]:
    """Messages that nobody is going to send any more, of requests that are not open."""
    return (
        (Message.created_at < before)
        & Message.state.not_in((MessageState.CREATED, MessageState.SENDING, MessageState.CALLING))
        & _is_over(Message.request_id, before)
    )


def _old_leg(column: InstrumentedAttribute[str]) -> Callable[[datetime], ColumnElement[bool]]:
    return lambda before: (
        (CallLeg.started_at < before)
        & column.regexp_match("[0-9]{6}")
        & CallLeg.linked_id.not_in(_needed_unique_ids(before))
    )


#: A new table with numbers in it needs a line here; a test looks for forgotten ones.
RULES: tuple[Rule, ...] = (
    Rule(
        "calls",
        "calls",
        Call.id,
        Call.caller_e164,
        lambda before: (Call.started_at < before) & Call.id.not_in(_needed_calls(before)),
        number,
    ),
    Rule(
        "call events",
        "calls",
        CallEvent.id,
        CallEvent.detail,
        lambda before: (
            (CallEvent.at < before)
            & CallEvent.detail.regexp_match(f"[0-9]{{{DIGITS_IN_DETAILS}}}")
            & CallEvent.call_id.not_in(_needed_calls(before))
        ),
        _numbers_in_details,
    ),
    Rule(
        "queue stays",
        "queue",
        QueueStay.id,
        QueueStay.caller_e164,
        lambda before: (
            (QueueStay.entered_at < before) & QueueStay.call_unique_id.not_in(_needed_unique_ids(before))
        ),
        number,
    ),
    Rule(
        "queue events",
        "queue",
        QueueEvent.id,
        QueueEvent.data,
        lambda before: (
            (QueueEvent.at < before)
            & cast(QueueEvent.data, String).regexp_match("[0-9]{6}")
            & QueueEvent.call_unique_id.not_in(_needed_unique_ids(before))
        ),
        _numbers_in_list,
    ),
    *(
        Rule(f"call legs: {column.key}", "queue", CallLeg.id, column, _old_leg(column), _numbers_in_text)
        for column in (CallLeg.caller, CallLeg.dialled, CallLeg.channel, CallLeg.other_channel)
    ),
    Rule(
        "failed identifications",
        "identifications",
        IdentificationAttempt.id,
        IdentificationAttempt.caller,
        lambda before: IdentificationAttempt.at < before,
        number,
    ),
    Rule("messages: number", "messages", Message.id, Message.to_e164, _sent, number),
    Rule("messages: text", "messages", Message.id, Message.body, _sent, _nothing),
    Rule("messages: values", "messages", Message.id, Message.filled_with, _sent, _no_values),
    *(
        Rule(
            f"texts from citizens: {column.key}",
            "messages",
            InboundText.id,
            column,
            lambda before: (InboundText.at < before) & _is_over(InboundText.request_id, before),
            hide,
        )
        for column, hide in (
            (InboundText.sender, number),
            (InboundText.body, _nothing),
            (InboundText.answer, _nothing),
        )
    ),
    *(
        Rule(
            f"hand-overs: {column.key}",
            "calls",
            HandOver.call_unique_id,
            column,
            lambda before: (
                (HandOver.at < before) & HandOver.call_unique_id.not_in(_needed_unique_ids(before))
            ),
            hide,
        )
        for column, hide in (
            (HandOver.answers, _empty),
            (HandOver.recordings, _empty),
            # Who was identified: next to the pseudonym of the number it would say whose that is.
            (HandOver.citizen_id, _no_value),
        )
    ),
    *(
        Rule(
            f"call-backs: {column.key}",
            "contacts",
            CallBack.id,
            column,
            lambda before: (CallBack.asked_at < before) & _is_over(CallBack.request_id, before),
            number,
        )
        for column in (CallBack.e164, CallBack.asked_by)
    ),
    Rule(
        "words of requests",
        "contacts",
        Request.id,
        Request.details,
        lambda before: (Request.filed_at < before) & ~is_needed(before),
        _words_in_details,
    ),
    Rule(
        "notes on requests",
        "contacts",
        RequestNote.id,
        RequestNote.text,
        lambda before: (RequestNote.at < before) & _is_over(RequestNote.request_id, before),
        _nothing,
    ),
    Rule(
        "what was said with a change",
        "contacts",
        RequestPeriod.id,
        RequestPeriod.note,
        lambda before: (RequestPeriod.started_at < before) & _is_over(RequestPeriod.request_id, before),
        _no_value,
    ),
    *(
        Rule(
            f"who asked: {column.key}",
            "contacts",
            Request.id,
            column,
            lambda before: (Request.filed_at < before) & ~is_needed(before),
            _no_value,
        )
        for column in (Request.applicant, Request.applicant_key)
    ),
    Rule(
        "tax codes of requests",
        "contacts",
        Request.id,
        Request.applicant_tax_code,
        lambda before: (Request.filed_at < before) & ~is_needed(before),
        _tax_code,
    ),
    Rule(
        "who is enrolled",
        "contacts",
        Enrolment.id,
        Enrolment.person,
        lambda before: (Enrolment.asked_at < before) & _is_over(Enrolment.request_id, before),
        _person_in_course,
    ),
    Rule(
        "contacts of requests",
        "contacts",
        Request.id,
        Request.contact_e164,
        lambda before: (Request.filed_at < before) & ~is_needed(before),
        number,
    ),
    Rule(
        "contacts of appointments",
        "contacts",
        Booking.id,
        Booking.contact_e164,
        lambda before: ~is_to_come(before),
        number,
    ),
    Rule(
        "reasons about rooms",
        "contacts",
        RoomBooking.id,
        RoomBooking.reason,
        lambda before: (RoomBooking.decided_at < before) & _is_over(RoomBooking.request_id, before),
        _nothing,
    ),
    Rule(
        "names of appointments",
        "contacts",
        Booking.id,
        Booking.applicant,
        lambda before: ~is_to_come(before),
        _nothing,
    ),
    Rule(
        "tax codes of appointments",
        "contacts",
        Booking.id,
        Booking.applicant_tax_code,
        lambda before: ~is_to_come(before),
        _tax_code,
    ),
    Rule(
        "withdrawn consents",
        "consents",
        Consent.id,
        Consent.e164,
        lambda before: Consent.withdrawn_at < before,
        number,
    ),
)


def apply_retention(
    sessions: Sessions, settings: Settings, pseudonyms: Pseudonyms, *, now: datetime
) -> Mapping[str, int]:
    """Apply every rule to all that has become too old; what was changed. Doing it again changes nothing."""
    changed = {}
    for rule in RULES:
        before = now - timedelta(days=getattr(settings.keep_days, rule.kept))
        changed[rule.name] = sum(_in_portions(sessions, rule, before, pseudonyms))
    before = now - timedelta(days=settings.keep_days.recordings)
    with reading(sessions) as session:
        needed = list(needed_recordings(session, since=before))
    changed["places"] = remove_old_stays(sessions, before=now - timedelta(days=settings.keep_days.places))
    changed["attachments"] = remove_old_attachments(sessions, settings, now=now)
    changed["recordings"] = remove_old_recordings(settings, needed, before=before)
    return changed


def remove_old_stays(sessions: Sessions, *, before: datetime) -> int:
    """Remove who was at which place, with the pauses, of stays that ended before; returns how many stays.

    No figure needs them: how long phones were paused is in what the queue recorded, which names nobody.
    """
    removed = 0
    while True:
        with transaction(sessions) as session:
            old = session.scalars(
                select(PlaceStay.id)
                .where(PlaceStay.ended_at < before)
                .order_by(PlaceStay.id)
                .limit(PORTION)
                .with_for_update(skip_locked=True)
            ).all()
            session.execute(delete(PlaceStay).where(PlaceStay.id.in_(old)))
        removed += len(old)
        if len(old) < PORTION:
            return removed


def remove_old_drafts(session: Session, *, hours: int, now: datetime) -> int:
    """Remove the drafts that are too old to be offered; returns how many."""
    old = session.scalars(
        select(Draft.key)
        .where(Draft.updated_at < now - timedelta(hours=hours))
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(delete(Draft).where(Draft.key.in_(old)))
    return len(old)


def _in_portions(sessions: Sessions, rule: Rule, before: datetime, pseudonyms: Pseudonyms) -> Iterator[int]:
    """The numbers of rows changed, portion by portion in the order of the keys."""
    last: Any = None
    while True:
        with transaction(sessions) as session:
            rows = session.execute(_portion(rule, before, last)).all()
            hidden = [(key, rule.hide(pseudonyms, value)) for key, value in rows]
            changes = [
                {"the_key": key, "hidden": new}
                for (key, new), (_, value) in zip(hidden, rows, strict=True)
                if new != value
            ]
            if changes:
                table = rule.column.class_.__table__
                session.connection().execute(
                    update(table)
                    .where(table.c[rule.key.key] == bindparam("the_key"))
                    .values({rule.column.key: bindparam("hidden", type_=rule.column.type)}),
                    changes,
                )
        yield len(changes)
        if len(rows) < PORTION:
            return
        last = rows[-1][0]


def _portion(rule: Rule, before: datetime, last: Any) -> Select[Any]:
    rows = select(rule.key, rule.column).where(rule.column.is_not(None), rule.old(before))
    if rule.hide is number:
        rows = rows.where(rule.column.like("+%"))
    if rule.hide is _nothing:
        rows = rows.where(rule.column != "")
    if rule.hide in (_tax_code, _person_in_course):
        # Tax codes have capital letters, pseudonyms have none.
        rows = rows.where(rule.column.like("number +%") | (func.lower(rule.column) != rule.column))
    if last is not None:
        rows = rows.where(rule.key > last)
    return rows.order_by(rule.key).limit(PORTION).with_for_update(skip_locked=True)
