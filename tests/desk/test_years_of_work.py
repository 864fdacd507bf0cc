"""What is asked all day goes by an index that stays good after years: the plans that SQLite makes.

SQLite keeps no figures of its tables, so its plans are the same with ten rows and with a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from desk import db
from desk.caller_card import caller_card
from desk.find_requests import Sort, Standing, Wanted, find, search_of
from desk.lost_calls import note_lost_calls
from desk.models import (
    Call,
    Channel,
    MessageDetails,
    QueueStay,
    Request,
    RequestKind,
    RequestState,
    StayOutcome,
)
from desk.same_operator import last_operator
from desk.to_call_back import waiting_for_call

CALLER = "+393331112201"


@pytest.fixture
def session(sqlite_url: str, now: datetime) -> Iterator[Session]:
    """A town in which one number called twice, and a request came in without a call."""
    engine = db.connect(sqlite_url)
    sessions = db.sessions(engine)
    with db.transaction(sessions) as session:
        for name in ("1.0", "2.0"):
            session.add(Call(unique_id=name, caller_e164=CALLER, called="1", started_at=now))
            session.add(
                QueueStay(
                    call_unique_id=name,
                    caller_e164=CALLER,
                    entered_at=now,
                    outcome=StayOutcome.ANSWERED,
                    answered_at=now,
                    extension="201",
                )
            )
        session.add(
            Request(
                reference="12345678",
                idempotency_key="k",
                channel=Channel.WEB,
                kind=RequestKind.MESSAGE,
                details=MessageDetails(text="x"),
                state=RequestState.RECEIVED,
                due_on=now.date(),
                filed_at=now,
                language="it",
            )
        )
    with db.transaction(sessions) as session:
        yield session
    engine.dispose()


def plans(session: Session, ask: Callable[[], object]) -> str:
    """How SQLite finds what is asked: a line for each step."""
    steps: list[str] = []
    connection = session.connection()

    def explain(_: object, _cursor: object, statement: str, parameters: object, *_more: object) -> None:
        if statement.startswith("SELECT"):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            steps.extend(row[-1] for row in rows)

    event.listen(connection, "before_cursor_execute", explain)
    ask()
    event.remove(connection, "before_cursor_execute", explain)
    return "\n".join(steps)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(Standing.ALL), "SCAN requests USING INDEX ix_requests_due_on_id"),
        (Wanted(Standing.ALL, since=date(2026, 11, 1)), "ix_requests_due_on_id (due_on>?)"),
        (Wanted(RequestState.DONE, since=date(2026, 11, 1)), "_state_due_on_id (state=? AND due_on>?)"),
        (Wanted(Standing.ALL, RequestKind.ROOM), "ix_requests_kind_due_on_id (kind=?)"),
        (Wanted(Standing.ALL, RequestKind.ROOM, sort=Sort.NEWEST), "ix_requests_kind_filed_at_id (kind=?)"),
    ],
)
def test_a_long_list_is_read_in_its_order(
    session: Session, now: datetime, wanted: Wanted, index: str
) -> None:
    plan = plans(session, lambda: find(session, wanted, by="anna", limit=51, now=now))
    assert index in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("typed", ["rossi", "333 111 2201"])
def test_what_is_searched_for_is_found_before_it_is_filtered(
    session: Session, now: datetime, typed: str
) -> None:
    wanted = Wanted(RequestState.DONE, RequestKind.ROOM, sort=Sort.NEWEST, search=search_of(typed))
    plan = plans(session, lambda: find(session, wanted, by="anna", limit=51, now=now))
    assert plan.startswith("SEARCH requests USING INTEGER PRIMARY KEY")


def test_few_are_to_be_called_back_of_many_that_were_ever_lost(session: Session) -> None:
    plan = plans(session, lambda: waiting_for_call(session))
    assert "SEARCH requests USING INDEX ix_requests_state_" in plan


def test_a_talk_and_a_caller_in_the_queue_look_at_one_number_only(session: Session, now: datetime) -> None:
    plan = plans(session, lambda: caller_card(session, "2.0", by="anna", now=now))
    assert "SEARCH queue_stays USING INDEX sqlite_autoindex_queue_stays_1 (call_unique_id=?)" in plan
    assert "outcome=?" not in plan
    assert "SCAN" not in plan

    def ask() -> object:
        return last_operator(session, CALLER, days=7, wrap_up_seconds=10, now=now + timedelta(minutes=1))

    assert "(caller_e164=? AND entered_at>?)" in plans(session, ask)


def test_lost_calls_are_looked_for_among_the_latest(session: Session, now: datetime) -> None:
    plan = plans(session, lambda: note_lost_calls(session, now=now))
    assert "SEARCH calls USING INDEX ix_calls_started_at (started_at>?)" in plan
    assert "SCAN calls" not in plan
