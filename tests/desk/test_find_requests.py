"""The list of requests: filters, orders and pages, and the search by reference, number and name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from desk import db
from desk.citizens import register_citizen
from desk.db import Sessions, reading, transaction
from desk.find_requests import (
    ByName,
    ByNumber,
    ByReference,
    Sort,
    Standing,
    Wanted,
    Whose,
    find,
    search_of,
)
from desk.models import (
    Channel,
    Citizen,
    MessageDetails,
    Request,
    RequestKind,
    RequestPeriod,
    RequestState,
    folded,
)
from desk.references import new_reference

TODAY = date(2026, 11, 23)


def put(sessions: Sessions, now: datetime, **more: object) -> str:
    reference = new_reference()
    values = {
        "reference": reference,
        "idempotency_key": reference,
        "channel": Channel.PHONE,
        "kind": RequestKind.MESSAGE,
        "details": MessageDetails(text="x"),
        "state": RequestState.RECEIVED,
        "due_on": TODAY,
        "filed_at": now,
        "language": "it",
        **more,
    }
    with transaction(sessions) as session:
        request = Request(**values)
        request.periods = [RequestPeriod(state=request.state, started_at=now, by="phone")]
        session.add(request)
    return reference


def found(sessions: Sessions, now: datetime, wanted: Wanted, *, limit: int = 50) -> list[str]:
    """Every page of the list, each taken by the last row of the one before."""
    pages: list[str] = []
    after = None
    while True:
        with reading(sessions) as session:
            page: Sequence[Request] = find(session, wanted, by="anna", limit=limit, after=after, now=now)
        pages += [request.reference for request in page]
        if len(page) < limit:
            return pages
        after = page[-1].id


def test_the_list_is_in_order_and_its_pages_join(sessions: Sessions, now: datetime) -> None:
    days = [3, 1, 2, 1, 3, 0, 1]
    filed = [
        put(sessions, now + timedelta(hours=at % 3), due_on=TODAY + timedelta(days=day))
        for at, day in enumerate(days)
    ]
    by_due = [filed[at] for at in (5, 1, 3, 6, 2, 0, 4)]
    newest = [filed[at] for at in (5, 2, 4, 1, 6, 3, 0)]
    for limit in (1, 2, 3, 7, 50):
        assert found(sessions, now, Wanted(), limit=limit) == by_due
        assert found(sessions, now, Wanted(sort=Sort.NEWEST), limit=limit) == newest


def test_each_filter_keeps_what_it_says(sessions: Sessions, now: datetime) -> None:
    late = put(sessions, now - timedelta(days=2), due_on=TODAY - timedelta(days=1), assignee="anna")
    today = put(sessions, now, channel=Channel.COUNTER)
    other = put(sessions, now, state=RequestState.IN_PROGRESS, assignee="bruno", kind=RequestKind.REPORT)
    old = {"state": RequestState.DONE, "due_on": TODAY - timedelta(days=9), "assignee": "anna"}
    done = put(sessions, now - timedelta(days=9), **old)
    # 23:30 of the day before in Rome.
    before = put(
        sessions, datetime.fromisoformat("2026-11-22T22:30:00+00:00"), due_on=TODAY + timedelta(days=1)
    )
    everything = {late, today, other, done, before}
    for wanted, expected in (
        (Wanted(), everything - {done}),
        (Wanted(standing=Standing.ALL), everything),
        (Wanted(standing=Standing.OVERDUE), {late}),
        (Wanted(standing=Standing.DUE_TODAY), {today, other}),
        (Wanted(standing=RequestState.DONE), {done}),
        (Wanted(whose=Whose.MINE), {late}),
        (Wanted(whose=Whose.MINE, standing=Standing.ALL), {late, done}),
        (Wanted(whose=Whose.NOBODYS), {today, before}),
        (Wanted(kind=RequestKind.REPORT), {other}),
        (Wanted(channel=Channel.COUNTER), {today}),
        (Wanted(since=TODAY), {today, other}),
        (Wanted(until=TODAY - timedelta(days=1)), {late, before}),
        (Wanted(since=TODAY - timedelta(days=1), until=TODAY - timedelta(days=1)), {before}),
    ):
        for sort in Sort:
            wanted_so = Wanted(**{name: getattr(wanted, name) for name in Wanted.__slots__} | {"sort": sort})
            assert set(found(sessions, now, wanted_so, limit=2)) == expected, wanted_so


def test_what_is_typed_says_what_is_looked_for() -> None:
    reference = new_reference()
    assert search_of(f" {reference[:4]} {reference[4:]} ") == ByReference(reference)
    assert search_of("333 1112201") == ByNumber("+393331112201")
    assert search_of("Dell’Acqua  Nicolò") == ByName(("dell", "acqua", "nicolo"))
    for too_little in ("", " ", "r", "12", "rossi 3", "%", "__"):
        assert search_of(too_little) is None


@pytest.mark.parametrize(
    "typed", ["rossi", "ROS", "rossi maria", "Maria Rossi", "rossi mar", "maria ros", "rossi  màrìa"]
)
def test_a_person_is_found_by_the_name(sessions: Sessions, now: datetime, typed: str) -> None:
    with transaction(sessions) as session:
        maria, other = (
            register_citizen(
                session,
                tax_code=code,
                first_name=first,
                last_name=last,
                birth_date=date(1980, 3, 15),
                address="-",
                phone_numbers=["+393331112201"] if last == "Rossi" else (),
                now=now,
            )
            for code, first, last in (
                ("CLMGLI80C55F205N", "Maria", "Rossi"),
                ("CLMMRC77S02F205Q", "Ros", "Mariani"),
            )
        )
        people = maria.id, other.id
    hers = put(sessions, now, citizen_id=people[0])
    others = put(sessions, now, citizen_id=people[1])
    unregistered = put(sessions, now, applicant="Rossi Maria Grazia")
    texted = put(sessions, now, contact_e164="+393331112201")
    search = search_of(typed)
    # Ros Mariani is one, too, for who types "maria ros".
    also = {others} if typed == "maria ros" else set()
    assert set(found(sessions, now, Wanted(search=search))) == {hers, unregistered, *also}
    assert set(found(sessions, now, Wanted(search=search_of("3331112201")))) == {hers, texted}
    assert found(sessions, now, Wanted(search=ByReference(hers))) == [hers]


def test_a_name_that_changes_is_found_as_it_is_now(town: db.Sessions, now: datetime) -> None:
    with transaction(town) as session:
        giulia = session.scalars(select(Citizen).where(Citizen.tax_code == "CLMGLI80C55F205N")).one()
        assert giulia.name_key == folded(giulia.last_name, giulia.first_name) == "colombo giulia"
        giulia.last_name = "D'Adda"
        number = giulia.id
    hers = put(town, now, citizen_id=number)
    assert found(town, now, Wanted(search=search_of("d adda"))) == [hers]
    assert found(town, now, Wanted(search=search_of("colombo"))) == []


def test_the_open_ones_are_read_from_an_index(sessions: Sessions, now: datetime) -> None:
    """A hundred thousand closed ones cost nothing then."""
    from sqlalchemy import event

    plans: list[str] = []

    with reading(sessions) as session:
        if session.get_bind().dialect.name == "postgresql":
            # A table without rows is read whole, whatever the indexes.
            session.execute(text("SET enable_seqscan = off"))
            explain = "EXPLAIN "
        else:
            explain = "EXPLAIN QUERY PLAN "

        def ask(connection: object, cursor: object, statement: str, parameters: object, *_: object) -> None:
            if statement.startswith("SELECT requests.id") and not plans:
                plans.append("")
                rows = connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[attr-defined]
                plans[0] = " ".join(str(value) for row in rows for value in row)

        event.listen(session.connection(), "before_cursor_execute", ask)
        find(session, Wanted(), by="anna", limit=51, now=now)
    # SQLite looks up each of the three states in an index of states, and sorts what it finds.
    assert "ix_requests_open" in plans[0] or "SEARCH requests USING INDEX ix_requests_state" in plans[0]
    assert "SCAN" not in plans[0]
