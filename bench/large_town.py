"""A database with years of work in it: requests with all that belongs to them, calls, appointments, changes.

Seeded, so that each run has the same rows. What is numerous and plain is made by the database itself; what
the models know how to write (details, folded names) is made here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text
from stdnum import damm

from desk import db
from desk.citizens import keypad_pattern
from desk.demo import load_demo
from desk.job_runs import announce, note_end
from desk.jobs import jobs_of
from desk.keyring import Keyring
from desk.models import (
    AppointmentService,
    Base,
    Booking,
    BookingState,
    CallBack,
    CallBackDetails,
    CallBackResult,
    CallBackState,
    CertificateDetails,
    CertificateKind,
    Channel,
    Citizen,
    Consent,
    CounterDetails,
    Course,
    CourseDetails,
    Delivery,
    IdentifiedBy,
    LostCallDetails,
    Message,
    MessageDetails,
    MessageState,
    PartOfDay,
    PhoneNumber,
    Purpose,
    ReportCategory,
    ReportDetails,
    Request,
    RequestDetails,
    RequestKind,
    RequestNote,
    RequestPeriod,
    RequestState,
    Room,
    RoomDetails,
    RoomUse,
    SlotPlace,
    Stamp,
    Subject,
    folded,
)
from desk.settings import ROME, Settings

#: Days of work that lie behind.
DAYS = 730
#: The register's own rows begin after those of the demo town.
FIRST_CITIZEN = 1001
#: So many of a hundred calls come to the queue, and so many of those are given up.
QUEUED, GIVEN_UP = 60, 15
#: One of so many calls comes from one and the same number, such as a company's.
COMPANY_SHARE = 100
COMPANY = "+390212345678"
PORTION = 5000

_LAST_NAMES = (
    "Rossi", "Russo", "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino", "Greco",
    "Bruno", "Gallo", "Conti", "Mancini", "Costa", "Giordano", "Rizzo", "Lombardi", "Moretti", "Barbieri",
    "Fontana", "Santoro", "D'Angelo", "Rinaldi", "Caruso", "Galli", "De Luca", "Leone", "Longo", "Gentile",
    "Vitale", "Serra", "Coppola", "De Santis", "Parisi", "Villa", "Ferri", "Fabbri", "Sala", "Gatti",
    "Nicolò", "Sanna", "Farina", "Monti", "Amato", "Mazza", "Testa", "Grassi",
)  # fmt: skip
_FIRST_NAMES = (
    "Leonardo", "Francesco", "Alessandro", "Lorenzo", "Mattia", "Andrea", "Gabriele", "Matteo", "Riccardo",
    "Davide", "Giuseppe", "Antonio", "Federico", "Pietro", "Filippo", "Sofia", "Aurora", "Giulia", "Alice",
    "Emma", "Giorgia", "Greta", "Vittoria", "Anna", "Martina", "Chiara", "Nicole", "Matilde", "Sara",
    "Noemi",
)  # fmt: skip
_STATES = tuple(RequestState)

#: How often each kind is asked for.
_WEIGHTS = {
    RequestKind.CERTIFICATE: 34,
    RequestKind.LOST_CALL: 15,
    RequestKind.REPORT: 9,
    RequestKind.MESSAGE: 8,
    RequestKind.CALL_BACK: 6,
    RequestKind.COURSE: 4,
    RequestKind.ROOM: 2,
    **dict.fromkeys(
        (
            RequestKind.CALL_CENTER,
            RequestKind.DOCUMENTS,
            RequestKind.INFORMATION,
            RequestKind.IDENTITY_DOCUMENTS,
            RequestKind.RESIDENCE_CHANGE,
            RequestKind.DECLARATIONS,
            RequestKind.AUTHENTICATION,
            RequestKind.FORMS,
            RequestKind.APPOINTMENTS,
            RequestKind.PAYMENTS,
        ),
        2,
    ),
}
#: Where a call's dialog has gone: node and event, one after the other.
_COURSE = (("welcome", "entered"), ("main", "answered"), ("requests", "answered"), ("person", "transferred"))


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    requests: int
    calls: int

    @property
    def citizens(self) -> int:
        """One for five requests."""
        return self.requests // 5


def load_town(sessions: db.Sessions, settings: Settings, keyring: Keyring, now: datetime) -> None:
    """The town's own data, as after the first start, and the jobs that a worker has run."""
    with db.transaction(sessions) as session:
        load_demo(session, keyring, now)
        for name in jobs_of(settings, sessions):
            announce(session, name, 60, now=now)
            note_end(session, name, started=now, seconds=0.2, failure=None, ended=now)


def fill(engine: Engine, size: Size, operators: Sequence[str], now: datetime) -> None:
    """Add all the work of :data:`DAYS` days before ``now``, done by ``operators``, to the town's data."""
    chance = random.Random(2026)  # noqa: S311  nothing secret
    with engine.begin() as connection:
        _calls(connection, size, now)
        _citizens(connection, size, chance, now)
    _requests(engine, size, operators, chance, now)
    with engine.begin() as connection:
        _lost_calls(connection, size)
        _appointments(connection, size, chance, now)
        _changes(connection, size, operators, now)
    if engine.dialect.name == "sqlite":
        # Nobody counts the rows of a town's file either, as PostgreSQL does by itself.
        return
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in Base.metadata.sorted_tables:
            key = table.autoincrement_column
            if key is not None:
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key.name}'), "  # noqa: S608
                    f"(SELECT coalesce(max({key.name}), 1) FROM {table.name}))"
                )
        connection.exec_driver_sql("ANALYZE")


def number_of(citizen: int) -> str:
    """The telephone number of the citizen with that id."""
    return f"+39333{citizen:07}"


def call_of(number: int) -> str:
    """Asterisk's name for a call."""
    return f"{number}.0"


# --- what the database makes


def _said(connection: Connection) -> Mapping[str, str]:
    """What the two databases say in other words: numbers from 1 on, a moment, JSON."""
    if connection.dialect.name == "sqlite":
        return {
            "numbers": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :most)",
            "at": "strftime('%Y-%m-%d %H:%M:%S.000000', :begin, '+' || ({}) || ' seconds')",
            "json": "{}",
        }
    return {
        "numbers": "WITH s(n) AS (SELECT generate_series(1, cast(:most AS bigint)))",
        "at": "cast(:begin AS timestamptz) + ({}) * interval '1 second'",
        "json": "cast({} AS jsonb)",
    }


def _chance(salt: int, most: int) -> str:
    """SQL: a number below ``most`` that depends on the row's number ``n`` alone, as if by chance."""
    return f"((n + {salt}) * 2654435761 % 4294967296 / 4096 % {most})"


def _make(
    connection: Connection, into: str, columns: Mapping[str, str], most: int, begin: datetime, **more: Any
) -> None:
    """Rows of the numbers ``n`` from 1 to ``most``; ``where`` is a condition on them."""
    said = _said(connection)
    where = more.pop("where", "")
    statement = f"{said['numbers']} SELECT {', '.join(columns.values())} FROM s {where}"  # noqa: S608  our own words
    first = begin.strftime("%Y-%m-%d %H:%M:%S") if connection.dialect.name == "sqlite" else begin
    values = {"most": most, "begin": first, **more}
    connection.execute(
        text(f"INSERT INTO {into} ({', '.join(columns)}) {statement}"),
        {name: value for name, value in values.items() if f":{name}" in statement},
    )


def _calls(connection: Connection, size: Size, now: datetime) -> None:
    """Calls evenly over the days, a few events of each, the queue and what was handed over."""
    begin, span = now - timedelta(days=DAYS), DAYS * 86400
    at, json = _said(connection)["at"], _said(connection)["json"]
    started = f"n * {span} / {size.calls}"
    caller = (
        f"CASE WHEN n % {COMPANY_SHARE} = 0 THEN '{COMPANY}' WHEN n % 29 = 0 THEN NULL "
        f"ELSE '+39333' || substr(cast({10**7 + FIRST_CITIZEN} + {_chance(1, size.citizens)} AS text), 2) "
        "END"
    )
    name = "cast(n AS text) || '.0'"
    _make(
        connection,
        "calls",
        {
            "id": "n",
            "unique_id": name,
            "caller_e164": caller,
            "called": "'+390200000100'",
            "started_at": at.format(started),
            "ended_at": at.format(f"{started} + 20 + {_chance(2, 300)}"),
            "language": "CASE WHEN n % 9 = 0 THEN 'en' ELSE 'it' END",
            "outcome": "CASE n % 4 WHEN 0 THEN 'done' WHEN 1 THEN 'hung_up' ELSE 'operator' END",
            "last_node": "'person'",
        },
        size.calls,
        begin,
    )
    for seq, (node, event) in enumerate(_COURSE, 1):
        _make(
            connection,
            "call_events",
            {
                "id": f"(n - 1) * {len(_COURSE)} + {seq}",
                "call_id": "n",
                "seq": str(seq),
                "node": f"'{node}'",
                "event": f"'{event}'",
                "detail": "'1'" if event == "answered" else "''",
                "at": at.format(f"{started} + {seq * 4}"),
            },
            size.calls,
            begin,
        )
    queued = f"WHERE {_chance(3, 100)} < {QUEUED}"
    given_up = f"{_chance(4, 100)} < {GIVEN_UP}"
    entered, over = f"{started} + 20", f"{started} + 20 + {_chance(5, 90)}"
    _make(
        connection,
        "queue_stays",
        {
            "id": "n",
            "call_unique_id": name,
            "caller_e164": caller,
            "entered_at": at.format(entered),
            "position": "1",
            "outcome": f"CASE WHEN {given_up} THEN 'abandoned' ELSE 'answered' END",
            "answered_at": f"CASE WHEN {given_up} THEN NULL ELSE {at.format(over)} END",
            "extension": f"CASE WHEN {given_up} THEN NULL ELSE cast(101 + n % 4 AS text) END",
            "ended_at": at.format(f"{over} + {_chance(6, 300)}"),
        },
        size.calls,
        begin,
        where=queued,
    )
    _make(
        connection,
        "hand_overs",
        {
            "call_unique_id": name,
            "at": at.format(entered),
            "summary": "'CERT NASCITA'",
            "identified": "n % 3 = 0",
            "answers": json.format(":answers"),
            "recordings": json.format("'[]'"),
        },
        size.calls,
        begin,
        where=queued,
        answers='[{"node": "main", "answer": "1"}, {"node": "requests", "answer": "2"}]',
    )


def _lost_calls(connection: Connection, size: Size) -> None:
    """Each call that was given up counts to one of the items, in turn."""
    connection.execute(
        text(
            "WITH items AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM requests "
            "WHERE kind = 'lost_call'), total AS (SELECT count(*) AS items FROM items), "
            "lost AS (SELECT call_unique_id, ended_at, row_number() OVER (ORDER BY id) AS place "
            "FROM queue_stays WHERE outcome = 'abandoned') "
            "INSERT INTO lost_calls (call_unique_id, request_id, lost_at) "
            "SELECT lost.call_unique_id, items.id, lost.ended_at FROM lost, total "
            "JOIN items ON items.place = lost.place % total.items"
            if connection.dialect.name == "sqlite"
            else "INSERT INTO lost_calls (call_unique_id, request_id, lost_at) "
            "SELECT lost.call_unique_id, items.id, lost.ended_at FROM "
            "(SELECT call_unique_id, ended_at, row_number() OVER (ORDER BY id) AS place "
            "FROM queue_stays WHERE outcome = 'abandoned') lost "
            "JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS total "
            "FROM requests WHERE kind = 'lost_call') items ON items.place = lost.place % items.total"
        )
    )


def _changes(connection: Connection, size: Size, operators: Sequence[str], now: datetime) -> None:
    """Who looked at what, and who changed what of the town."""
    begin, span = now - timedelta(days=DAYS), DAYS * 86400
    at, json = _said(connection)["at"], _said(connection)["json"]
    for table, most, columns in (
        (
            "audit",
            size.requests * 3,
            {
                "action": "'viewed'",
                "citizen_id": f"{FIRST_CITIZEN} + {_chance(7, size.citizens)}",
                "request_id": f"1 + {_chance(8, size.requests)}",
                "detail": "''",
            },
        ),
        (
            "town_changes",
            size.requests // 5,
            {
                "what": "'opening_hours'",
                "which": "cast(n % 10 AS text)",
                "before": json.format("""'{"opens": "08:30:00"}'"""),
                "after": json.format("""'{"opens": "09:00:00"}'"""),
            },
        ),
    ):
        _make(
            connection,
            table,
            {"at": at.format(f"n * {span} / {most}"), "by": f"'{operators[0]}'", **columns},
            most,
            begin,
        )


# --- what the models make


def _citizens(connection: Connection, size: Size, chance: random.Random, now: datetime) -> None:
    beyond = FIRST_CITIZEN + size.citizens
    for first in range(FIRST_CITIZEN, beyond, PORTION):
        citizens, numbers, consents = [], [], []
        for number in range(first, min(first + PORTION, beyond)):
            name, surname = chance.choice(_FIRST_NAMES), chance.choice(_LAST_NAMES)
            born = date(1930, 1, 1) + timedelta(days=chance.randrange(32000))
            tax_code = f"{surname[:3]:X<3}{name[:3]}{born:%y}A{number:07}".upper()[:16]
            citizens.append(
                {
                    "id": number,
                    "tax_code": tax_code,
                    "tax_code_keys": keypad_pattern(tax_code),
                    "first_name": name,
                    "last_name": surname,
                    "birth_date": born,
                    "address": f"Via Roma {number % 200}",
                    "registered_at": now - timedelta(days=DAYS),
                    "name_key": folded(surname, name),
                }
            )
            numbers.append({"citizen_id": number, "e164": number_of(number)})
            if number % 7 == 0 and number > FIRST_CITIZEN:
                # A number that a family shares.
                numbers.append({"citizen_id": number, "e164": number_of(number - 1)})
            if number % 2:
                consents.append(
                    {
                        "citizen_id": number,
                        "e164": number_of(number),
                        "purpose": Purpose.RECEIPTS,
                        "text_version": "counter-1",
                        "given_at": now - timedelta(days=100),
                        "given_how": "counter",
                        "given_by": "bench",
                    }
                )
        for table, rows in ((Citizen, citizens), (PhoneNumber, numbers), (Consent, consents)):
            connection.execute(insert(table), rows)


@dataclass(frozen=True, slots=True)
class _Town:
    """What requests are about."""

    certificates: Sequence[str]
    categories: Sequence[tuple[str, str]]
    courses: Sequence[str]
    rooms: Sequence[str]


def _requests(
    engine: Engine, size: Size, operators: Sequence[str], chance: random.Random, now: datetime
) -> None:
    with engine.begin() as connection:
        town = _Town(
            connection.scalars(select(CertificateKind.code)).all(),
            [
                (row[0], row[1])
                for row in connection.execute(select(ReportCategory.code, ReportCategory.office_code))
            ],
            connection.scalars(select(Course.code)).all(),
            connection.scalars(select(Room.code)).all(),
        )
    references = _references(chance)
    for first in range(1, size.requests + 1, PORTION):
        rows: dict[type[Base], list[dict[str, Any]]] = {
            table: [] for table in (Request, RequestPeriod, RequestNote, Message, CallBack)
        }
        for number in range(first, min(first + PORTION, size.requests + 1)):
            _request(rows, number, next(references), size, town, operators, chance, now)
        with engine.begin() as connection:
            for table, made in rows.items():
                if made:
                    connection.execute(insert(table), made)


def _request(
    rows: Mapping[type[Base], list[dict[str, Any]]],
    number: int,
    reference: str,
    size: Size,
    town: _Town,
    operators: Sequence[str],
    chance: random.Random,
    now: datetime,
) -> None:
    filed = now - timedelta(days=DAYS) + timedelta(days=DAYS) * (number / (size.requests + 1))
    kind = chance.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))[0]
    age = (now - filed).days
    # What is old is closed, but for a few that lie about; of the last weeks a part is still open.
    is_open = chance.random() < (0.45 if age < 30 else 0.004)
    state = chance.choice(_STATES[:3]) if is_open else _STATES[3 if chance.random() < 0.93 else 4]
    somebody = FIRST_CITIZEN + chance.randrange(size.citizens)
    citizen = somebody if chance.random() < 0.7 else None
    nobody = citizen is None and chance.random() < 0.4
    contact = number_of(somebody)
    applicant = f"{chance.choice(_LAST_NAMES)} {chance.choice(_FIRST_NAMES)}" if nobody else None
    channel = chance.choices(tuple(Channel), (60, 15, 20, 5))[0]
    by_phone = channel is Channel.PHONE or kind in {RequestKind.LOST_CALL, RequestKind.CALL_BACK}
    has_it = None if state is RequestState.RECEIVED else chance.choice(operators)
    rows[Request].append(
        {
            "id": number,
            "reference": reference,
            "channel": Channel.PHONE if by_phone else channel,
            "kind": kind,
            "details": _details(kind, town, contact, filed, chance),
            "citizen_id": citizen,
            "contact_e164": contact,
            "applicant": applicant,
            "applicant_key": folded(applicant) if applicant else None,
            "state": state,
            "due_on": filed.astimezone(ROME).date() + timedelta(days=chance.choice((2, 7, 20, 30))),
            "filed_at": filed,
            "idempotency_key": f"bench-{number}",
            "call_id": max(1, number * size.calls // size.requests) if by_phone else None,
            "language": "it",
            "assignee": has_it,
        }
    )
    moments = sorted(filed + (now - filed) * chance.random() * min(1, 20 / (age + 1)) for _ in range(2))
    course: list[tuple[RequestState, datetime, str, str | None]] = [
        (RequestState.RECEIVED, filed, "phone", None)
    ]
    if state is not RequestState.RECEIVED:
        course.append((RequestState.IN_PROGRESS, moments[0], has_it or "", has_it))
    if state not in {RequestState.RECEIVED, RequestState.IN_PROGRESS}:
        course.append((state, moments[1], has_it or "", has_it))
    ends = [*(began for _, began, _, _ in course[1:]), None]
    for (standing, began, by, whose), ended in zip(course, ends, strict=True):
        rows[RequestPeriod].append(
            {
                "request_id": number,
                "state": standing,
                "started_at": began,
                "ended_at": ended,
                "by": by,
                "assignee": whose,
                "note": "Documento mancante" if standing is RequestState.REJECTED else None,
            }
        )
    for _ in range(chance.choice((0, 0, 1, 2))):
        rows[RequestNote].append(
            {"request_id": number, "at": filed, "by": chance.choice(operators), "text": "Ha richiamato."}
        )
    if kind in {RequestKind.CERTIFICATE, RequestKind.COURSE, RequestKind.ROOM} and contact:
        for place, template in enumerate(("certificate_receipt", "request_done")[: 2 if not is_open else 1]):
            rows[Message].append(
                {
                    "id": f"{number:08}-{place}",
                    "request_id": number,
                    "to_e164": contact,
                    "template": template,
                    "template_version": 1,
                    "language": "it",
                    "body": "Comune: abbiamo ricevuto la sua richiesta.",
                    "state": MessageState.DELIVERED,
                    "created_at": filed,
                    "not_before": filed,
                    "attempts": 1,
                    "sent_at": filed,
                }
            )
    if kind is RequestKind.CALL_BACK:
        rows[CallBack].append(
            {
                "request_id": number,
                "e164": contact,
                "asked_by": contact,
                "asked_at": filed,
                "waiting_since": filed,
                # One open call-back of a number at most: those that are open here were made in vain.
                "state": CallBackState.FAILED if is_open else CallBackState.DONE,
                "attempts": 1,
                "not_reached": 1 if is_open else 0,
                "next_try_at": filed,
                "last_result": CallBackResult.NO_ANSWER if is_open else CallBackResult.SERVED,
            }
        )


def _details(
    kind: RequestKind, town: _Town, contact: str, filed: datetime, chance: random.Random
) -> RequestDetails:
    match kind:
        case RequestKind.CERTIFICATE:
            return CertificateDetails(
                certificate=chance.choice(town.certificates),
                subject=Subject.SELF,
                copies=1 + chance.randrange(3),
                delivery=chance.choice(tuple(Delivery)),
                stamp=Stamp.FREE,
                fee="0.00",
                identified_by=IdentifiedBy.BIRTH_DATE,
            )
        case RequestKind.MESSAGE:
            return MessageDetails(text="Vorrei sapere quando apre lo sportello. " * 3)
        case RequestKind.REPORT:
            category, office = chance.choice(town.categories)
            return ReportDetails(
                category=category,
                office=office,
                place="Via Roma 1",
                message="Lampione spento",
                call_back=False,
            )
        case RequestKind.COURSE:
            return CourseDetails(
                course=chance.choice(town.courses),
                waiting=False,
                fee="85.00",
                identified_by=IdentifiedBy.TAX_CODE,
            )
        case RequestKind.ROOM:
            return RoomDetails(
                room=chance.choice(town.rooms),
                purpose=RoomUse.OTHER,
                day=filed.date() + timedelta(days=30),
                part=PartOfDay.MORNING,
                people=30,
                identified_by=IdentifiedBy.BIRTH_DATE,
            )
        case RequestKind.CALL_BACK:
            return CallBackDetails(number=contact, waiting_since=filed)
        case RequestKind.LOST_CALL:
            return LostCallDetails(
                calls=2, first_at=filed, last_at=filed, longest_wait=40, about=("CERT NASCITA",)
            )
        case _:
            return CounterDetails(kind=kind, text="Chiede come si rinnova la carta d'identità.")


def _references(chance: random.Random) -> Iterator[str]:
    """References of requests and appointments, none twice."""
    for body in chance.sample(range(10**6, 10**7), 400_000):
        yield f"{body}{damm.calc_check_digit(str(body))}"


def _appointments(connection: Connection, size: Size, chance: random.Random, now: datetime) -> None:
    """In most slots of a year back and two months ahead somebody comes."""
    references = _references(random.Random(7))  # noqa: S311  nothing secret
    today = now.astimezone(ROME).date()
    services = connection.execute(select(AppointmentService.code, AppointmentService.slot_minutes)).all()
    patterns = connection.execute(text("SELECT service_code, weekday, begins, ends FROM slot_patterns")).all()
    bookings: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    for code, minutes in services:
        for pattern in (each for each in patterns if each.service_code == code):
            begins, ends = (
                time.fromisoformat(value) if isinstance(value, str) else value
                for value in (pattern.begins, pattern.ends)
            )
            for ahead in range(-365, 60):
                day = today + timedelta(days=ahead)
                if day.weekday() != pattern.weekday:
                    continue
                starts = datetime.combine(day, begins, ROME)
                while starts + timedelta(minutes=minutes) <= datetime.combine(day, ends, ROME):
                    if chance.random() < 0.6:
                        citizen = FIRST_CITIZEN + chance.randrange(size.citizens)
                        number = len(bookings) + 1
                        bookings.append(
                            {
                                "id": number,
                                "reference": next(references),
                                "service_code": code,
                                "starts_at": starts,
                                "ends_at": starts + timedelta(minutes=minutes),
                                "state": BookingState.BOOKED,
                                "channel": Channel.COUNTER,
                                "citizen_id": citizen,
                                "contact_e164": number_of(citizen),
                                "language": "it",
                                "booked_at": starts - timedelta(days=9),
                                "revision": 0,
                                "idempotency_key": f"bench-{number}",
                            }
                        )
                        places.append(
                            {
                                "service_code": code,
                                "starts_at": starts,
                                "place": 0,
                                "holder": f"bench-{number}",
                                "booking_id": number,
                            }
                        )
                    starts += timedelta(minutes=minutes)
    connection.execute(insert(Booking), bookings)
    connection.execute(insert(SlotPlace), places)
