"""Writing a demo year into the database, and taking it out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar

from sqlalchemy import CursorResult, Delete, Update, delete, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.call_records import read_leg
from desk.db import Sessions, one_at_a_time, reading, transaction
from desk.demo.rows import DemoYear, Pattern, Row, TownFacts, mark
from desk.demo.shape import Span, figures
from desk.models import (
    AppointmentService,
    Audit,
    Base,
    Booking,
    BookingChange,
    Call,
    CallBack,
    CallEvent,
    CallLeg,
    CertificateKind,
    Citizen,
    Consent,
    CounterService,
    CounterVisit,
    Course,
    CoursePlace,
    Email,
    Enrolment,
    FlowCategory,
    InboundText,
    LostCall,
    Message,
    Office,
    OpeningHours,
    Operator,
    Phone,
    PhoneNumber,
    QueueEvent,
    QueueStay,
    ReportCategory,
    Request,
    RequestPeriod,
    Role,
    Room,
    RoomBooking,
    RoutingRules,
    SlotPlace,
    SurveyAnswer,
    Tier,
)
from desk.queue_history import NONE, QueueLine, read_queue_line, stay_of

T = TypeVar("T")

_AGAIN = "there is a demo year already; take it out first: centralino demo --remove"


class NotTheDemoTown(ValueError):
    """The database lacks what a demo year is made of; the message says what."""


class ThereAlready(ValueError):
    """A demo year is loaded already."""


def town_facts(session: Session, line: str) -> TownFacts:
    """What a demo year must know of the town, whose number is ``line``. Raises :class:`NotTheDemoTown`."""
    phones = session.scalars(select(Phone).order_by(Phone.extension)).all()
    by_tier = {tier: [phone.extension for phone in phones if phone.tier is tier] for tier in Tier}
    rules = session.get(RoutingRules, 1)
    services = session.scalars(select(AppointmentService)).all()
    facts = TownFacts(
        line=line,
        hours=[Span(row.weekday, row.opens, row.closes) for row in session.scalars(select(OpeningHours))],
        back_office=by_tier[Tier.BACK_OFFICE],
        counters=by_tier[Tier.COUNTER],
        offices=by_tier[Tier.OFFICE],
        operators=session.scalars(
            select(Operator.login)
            .where(Operator.active, Operator.role.in_((Role.OPERATOR, Role.SUPERVISOR)))
            .order_by(Operator.login)
        ).all(),
        certificates={
            row.code: (row.civil_status, row.stamp_duty + row.secretary_fee, row.working_days)
            for row in session.scalars(select(CertificateKind))
        },
        report_categories={
            row.code: (row.office_code, row.working_days) for row in session.scalars(select(ReportCategory))
        },
        courses=session.scalars(select(Course.code).order_by(Course.position)).all(),
        rooms=session.scalars(select(Room.code).order_by(Room.position)).all(),
        services={
            service.code: [
                Pattern(row.weekday, row.begins, row.ends, service.slot_minutes, service.capacity)
                for row in service.patterns
            ]
            for service in services
        },
        places={
            row.code: row.place
            for row in session.execute(select(AppointmentService.code, Office.place).join(Office))
        },
        counter_services=frozenset(session.scalars(select(CounterService.code))),
        flow_categories=frozenset(session.scalars(select(FlowCategory.code))),
        short_abandon_seconds=rules.short_abandon_seconds if rules else 0,
        references=frozenset(
            (*session.scalars(select(Request.reference)), *session.scalars(select(Booking.reference)))
        ),
        tax_codes=frozenset(session.scalars(select(Citizen.tax_code))),
        slots=frozenset(
            (row.service_code, row.starts_at, row.place)
            for row in session.execute(select(SlotPlace.service_code, SlotPlace.starts_at, SlotPlace.place))
        ),
    )
    missing = _missing(facts)
    if missing:
        raise NotTheDemoTown(f"not the demo town: it has no {', '.join(missing)}")
    return facts


def load_year(sessions: Sessions, made: DemoYear) -> dict[str, int]:
    """Write the year; returns how many rows each table got. Raises :class:`ThereAlready`.

    In several transactions, so that no caller waits long for the database. What is cut off in the middle is
    taken out with :func:`remove_years`.
    """
    with transaction(sessions) as session:
        one_at_a_time(session, "demo year")
        if session.scalar(select(Call.id).where(Call.unique_id.startswith(mark(made.year))).limit(1)):
            raise ThereAlready(_AGAIN)
        counts = {"calls": _write(session, Call, made.calls)}
        counts["citizens"] = _write(session, Citizen, made.citizens)
    with reading(sessions) as session:
        calls = _numbers(session, Call.unique_id, Call.id, made.year)
        codes = [row["tax_code"] for row in made.citizens]
        citizens: dict[str, int] = {}
        for part in _parts(codes, 500):
            found = select(Citizen.tax_code, Citizen.id).where(Citizen.tax_code.in_(part))
            citizens |= {row.tax_code: row.id for row in session.execute(found)}
    for part in _parts(made.call_events, 20_000):
        with transaction(sessions) as session:
            _count(counts, "call_events", _write(session, CallEvent, _named(part, call=calls)))
    with transaction(sessions) as session:
        counts["phone_numbers"] = _write(session, PhoneNumber, _named(made.phone_numbers, citizen=citizens))
        counts["consents"] = _write(session, Consent, _named(made.consents, citizen=citizens))
        requests = _named(made.requests, call=calls, citizen=citizens)
        counts["requests"] = _write(session, Request, requests)
        bookings = _named(made.bookings, citizen=citizens)
        counts["bookings"] = _write(session, Booking, bookings)
        numbers = _numbers(session, Request.idempotency_key, Request.id, made.year)
        booked = _numbers(session, Booking.idempotency_key, Booking.id, made.year)
        for model, rows in (
            (RequestPeriod, _named(made.periods, request=numbers)),
            # Before the stays of these calls: the worker makes an item of a lost call that is not here.
            (LostCall, _named(made.lost_calls, request=numbers)),
            (CallBack, _named(made.call_backs, request=numbers)),
            (Message, _named(made.messages, request=numbers)),
            (BookingChange, _named(made.booking_changes, booking=booked)),
            (SlotPlace, _named(made.slot_places, booking=booked)),
            (SurveyAnswer, made.survey_answers),
        ):
            counts[model.__tablename__] = _write(session, model, rows)
    with transaction(sessions) as session:
        counts["counter_visits"] = _write(session, CounterVisit, made.visits)
    # Legs first: without them the worker would take stays for calls that are not over.
    legs = _legs(made)
    for part in _parts(legs, 20_000):
        with transaction(sessions) as session:
            _count(counts, "call_legs", _write(session, CallLeg, part))
    with transaction(sessions) as session:
        counts["queue_stays"] = _write(session, QueueStay, _stays(made, legs))
    for part in _parts(_queue_events(made), 20_000):
        with transaction(sessions) as session:
            _count(counts, "queue_events", _write(session, QueueEvent, part))
    return counts


def remove_years(sessions: Sessions) -> dict[str, int]:
    """Take out all demo years and what was done with their people; returns how many rows each table lost.

    Rows of the audit and texts from citizens stay, and name nothing any more that is gone.
    """
    begins = mark()
    calls = select(Call.id).where(Call.unique_id.startswith(begins))
    citizens = select(Citizen.id).where(Citizen.address.contains(f"({begins}"))
    requests = select(Request.id).where(
        or_(
            Request.idempotency_key.startswith(begins),
            Request.citizen_id.in_(citizens),
            Request.call_id.in_(calls),
        )
    )
    bookings = select(Booking.id).where(
        or_(
            Booking.idempotency_key.startswith(begins),
            Booking.citizen_id.in_(citizens),
            Booking.call_id.in_(calls),
        )
    )
    enrolments = select(Enrolment.id).where(Enrolment.request_id.in_(requests))
    steps: list[Delete | Update] = [
        delete(QueueEvent).where(QueueEvent.source.startswith(begins)),
        delete(QueueStay).where(QueueStay.call_unique_id.startswith(begins)),
        delete(CallLeg).where(CallLeg.source.startswith(begins)),
        delete(SurveyAnswer).where(SurveyAnswer.call_unique_id.startswith(begins)),
        delete(CounterVisit).where(CounterVisit.idempotency_key.startswith(begins)),
        update(Audit).where(Audit.citizen_id.in_(citizens)).values(citizen_id=None),
        update(Audit).where(Audit.request_id.in_(requests)).values(request_id=None),
        update(InboundText).where(InboundText.request_id.in_(requests)).values(request_id=None),
        delete(LostCall).where(LostCall.call_unique_id.startswith(begins)),
        delete(Email).where(Email.request_id.in_(requests)),
        delete(RoomBooking).where(RoomBooking.request_id.in_(requests)),
        delete(CoursePlace).where(CoursePlace.enrolment_id.in_(enrolments)),
        delete(Enrolment).where(Enrolment.request_id.in_(requests)),
        delete(SlotPlace).where(SlotPlace.booking_id.in_(bookings)),
        delete(Message).where(
            or_(Message.idempotency_key.startswith(begins), Message.request_id.in_(requests))
        ),
        delete(Booking).where(Booking.id.in_(bookings)),
        delete(Request).where(Request.id.in_(requests)),
        delete(Consent).where(or_(Consent.text_version.startswith(begins), Consent.citizen_id.in_(citizens))),
        delete(Citizen).where(Citizen.id.in_(citizens)),
        # Last: what was filed in a call is found by it. Their events go with them.
        delete(Call).where(Call.id.in_(calls)),
    ]
    counts: dict[str, int] = {}
    for step in steps:
        with transaction(sessions) as session:
            result = session.execute(step.execution_options(synchronize_session=False))
            assert isinstance(result, CursorResult)
            if isinstance(step, Delete):
                _count(counts, str(step.table), result.rowcount)
    return counts


def _missing(town: TownFacts) -> list[str]:
    """What of the demo's figures the town does not know."""
    wanted = figures()
    flow = wanted["flow"]
    return [
        what
        for what, there in (
            ("opening hours", town.hours),
            ("phone of a back office", town.back_office),
            ("phone of a counter", town.counters),
            ("operators", town.operators),
            ("certificates", town.certificates),
            ("categories of reports", town.report_categories),
            ("courses", town.courses),
            ("rooms", town.rooms),
            ("agendas of the demo", set(wanted["bookings"]) <= set(town.services)),
            ("services at the counter", {n for e in flow for n in e["services"]} <= town.counter_services),
            ("categories of visits", {entry["category"] for entry in flow} <= town.flow_categories),
        )
        if not there
    ]


def _write(session: Session, model: type[Base], rows: Sequence[Row]) -> int:
    if rows:
        session.execute(insert(model.__table__), rows)  # type: ignore[arg-type]
    return len(rows)


def _count(counts: dict[str, int], table: str, rows: int) -> None:
    counts[table] = counts.get(table, 0) + rows


def _parts(rows: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for begin in range(0, len(rows), most):
        yield rows[begin : begin + most]


def _numbers(
    session: Session, key: InstrumentedAttribute[str], number: InstrumentedAttribute[int], year: int
) -> dict[str, int]:
    """The database's numbers of the year's rows by their keys."""
    rows = session.execute(select(key, number).where(key.startswith(mark(year))))
    return {row[0]: row[1] for row in rows}


def _named(rows: Sequence[Row], **names: Mapping[str, int]) -> list[Row]:
    """``rows`` with the numbers of what they name: ``call`` becomes ``call_id``."""
    found = []
    for row in rows:
        numbered = {name: value for name, value in row.items() if name not in names}
        for name, numbers in names.items():
            key = row[name]
            numbered[f"{name}_id"] = None if key is None else numbers[key]
        found.append(numbered)
    return found


def _placed(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Lines with the bytes at which they would stand in a file."""
    position = 0
    for line in lines:
        yield position, line
        position += len(line.encode()) + 1


def _legs(made: DemoYear) -> list[Row]:
    source = f"{mark(made.year)}legs.csv"
    return [
        {"source": source, "position": position, **asdict(read_leg(line))}
        for position, line in _placed(made.leg_lines)
    ]


def _queue_events(made: DemoYear) -> list[Row]:
    source = f"{mark(made.year)}queue_log"
    return [
        {"source": source, "position": position, **asdict(line), "data": list(line.data)}
        for position, line in _read(made)
    ]


def _read(made: DemoYear) -> list[tuple[int, QueueLine]]:
    return [(position, read_queue_line(line)) for position, line in _placed(made.queue_lines)]


def _stays(made: DemoYear, legs: Sequence[Row]) -> list[Row]:
    """What the worker's own reading makes of the lines, without asking the database for each call."""
    over: dict[str, datetime] = {}
    for leg in legs:
        over[leg["unique_id"]] = max(leg["ended_at"], over.get(leg["unique_id"], leg["ended_at"]))
    by_call: dict[str, list[QueueLine]] = {}
    for _, line in _read(made):
        by_call.setdefault(line.call_unique_id, []).append(line)
    by_call.pop(NONE, None)
    stays = (stay_of(lines, over.get(call)) for call, lines in sorted(by_call.items()))
    return [asdict(stay) for stay in stays if stay is not None]
