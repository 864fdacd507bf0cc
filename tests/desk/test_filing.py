"""Filing requests: each once, with its receipt, or not at all; then through its states."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from desk import db, references
from desk.certificates import CertificateOrder, UnknownKind, active_kinds, fees, file_certificate
from desk.consents import Purpose, give_consent, withdraw_consent
from desk.drafts import keep_draft, unfinished_draft
from desk.models import Base, CertificateDetails, Draft, Message, Request, RequestPeriod, RequestState
from desk.references import new_reference
from desk.requests import (
    IllegalChange,
    MessageOrder,
    change_state,
    file_message,
    request_by_reference,
)

NUMBER = "+393339998887"


def order(key: str = "k1", **changes: object) -> CertificateOrder:
    values: dict[str, object] = {
        "kind": "birth",
        "subject": "self",
        "copies": 2,
        "delivery": "home",
        "stamp": "free",
        "identified_by": "birth_date",
        "contact_e164": NUMBER,
        "idempotency_key": key,
        "sms": True,
    }
    return CertificateOrder.model_validate({**values, **changes})


def agree(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        give_consent(
            session,
            e164=NUMBER,
            citizen_id=None,
            purpose=Purpose.RECEIPTS,
            text_version="1",
            how="phone keypad",
            by="call 1",
            now=now,
        )


def count(sessions: db.Sessions, model: type[Base]) -> int:
    with db.reading(sessions) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def file(sessions: db.Sessions, wanted: CertificateOrder, now: datetime) -> str:
    with db.transaction(sessions) as session:
        return file_certificate(session, wanted, now=now).reference


def test_a_request_is_filed_with_its_first_period_and_its_receipt(town: db.Sessions, now: datetime) -> None:
    agree(town, now)
    reference = file(town, order(), now)
    with db.reading(town) as session:
        request = request_by_reference(session, reference)
        assert request is not None
        assert isinstance(request.details, CertificateDetails)
        assert (request.details.certificate, request.details.copies) == ("birth", 2)
        assert [(p.state, p.started_at, p.ended_at) for p in request.periods] == [
            (RequestState.RECEIVED, now, None)
        ]
        message = session.scalars(select(Message)).one()
        assert (message.request_id, message.to_e164) == (request.id, NUMBER)
        assert reference in message.body


def test_many_confirmations_at_once_give_one_request_and_one_receipt(
    town: db.Sessions, now: datetime
) -> None:
    agree(town, now)
    together = threading.Barrier(8)

    def confirm(_: int) -> str:
        together.wait()
        return file(town, order(), now)

    with ThreadPoolExecutor(8) as pool:
        references = set(pool.map(confirm, range(8)))
    assert len(references) == 1
    assert [count(town, model) for model in (Request, RequestPeriod, Message)] == [1, 1, 1]


def test_different_drafts_at_once_are_different_requests(town: db.Sessions, now: datetime) -> None:
    with ThreadPoolExecutor(8) as pool:
        references = set(pool.map(lambda n: file(town, order(f"k{n}"), now), range(24)))
    assert len(references) == 24


def test_without_a_commit_there_is_neither_request_nor_receipt(town: db.Sessions, now: datetime) -> None:
    agree(town, now)

    def fail() -> None:
        with db.transaction(town) as session:
            file_certificate(session, order(), now=now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert count(town, Request) == count(town, Message) == 0


def test_no_receipt_without_consent(town: db.Sessions, now: datetime) -> None:
    file(town, order("never"), now)
    agree(town, now)
    with db.transaction(town) as session:
        withdraw_consent(session, e164=NUMBER, purpose=Purpose.RECEIPTS, how="STOP", now=now)
    file(town, order("withdrawn"), now)
    assert count(town, Message) == 0


def test_no_receipt_where_none_is_wanted(town: db.Sessions, now: datetime) -> None:
    agree(town, now)
    file(town, order(sms=False), now)
    file(town, order("withheld", contact_e164=None), now)
    assert count(town, Message) == 0


def test_a_reference_that_is_taken_is_not_given_again(
    town: db.Sessions, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = file(town, order(), now)
    coming = iter([taken, taken, free := new_reference()])
    monkeypatch.setattr(references, "new_reference", lambda: next(coming))
    assert file(town, order("k2"), now) == free
    assert count(town, RequestPeriod) == 2


def test_a_citizen_who_has_left_the_register_is_told_from_a_taken_reference(
    town: db.Sessions, now: datetime
) -> None:
    with pytest.raises(IntegrityError):
        file(town, order(citizen_id=4040404), now)
    assert count(town, Request) == 0


def test_filing_finishes_the_draft(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        keep_draft(session, key="k1", caller=NUMBER, kind="certificate", answers={"copies": 2}, now=now)
    file(town, order(), now)
    later = now + timedelta(minutes=1)
    with db.transaction(town) as session:
        # The keeping of a slow thread of the same call comes too late to open it again.
        keep_draft(session, key="k1", caller=NUMBER, kind="certificate", answers={"copies": 3}, now=later)
        assert unfinished_draft(session, NUMBER, kind="certificate", now=later, hours=48) is None
        assert session.scalars(select(Draft)).one().answers == {"copies": 2}


def test_an_unknown_kind_is_refused(town: db.Sessions, now: datetime) -> None:
    with pytest.raises(UnknownKind):
        file(town, order(kind="horoscope"), now)


@pytest.mark.parametrize("copies", [0, 4])
def test_one_to_three_copies(copies: int) -> None:
    with pytest.raises(ValueError, match="copies"):
        order(copies=copies)


def test_what_is_free_comes_first_and_fees_are_exact(town: db.Sessions) -> None:
    with db.reading(town) as session:
        kinds = {kind.code: kind for kind in active_kinds(session)}
    assert list(kinds)[:3] == ["birth", "marriage", "death"]
    assert fees(kinds["birth"], 3, exempt=False) == 0
    assert fees(kinds["residence"], 3, exempt=False) == Decimal("49.56")
    assert fees(kinds["residence"], 3, exempt=True) == 0


def test_the_due_date_counts_working_days(town: db.Sessions, now: datetime) -> None:
    friday_night = now.replace(day=4, month=12, hour=22)
    with db.transaction(town) as session:
        request = file_message(
            session, MessageOrder(recording=Path("/x.wav"), idempotency_key="m"), now=friday_night
        )
        # Monday 7 December; the holiday of the 8th comes after it.
        assert request.due_on == date(2026, 12, 7)


def test_states_are_periods_without_gaps(town: db.Sessions, now: datetime) -> None:
    reference = file(town, order(), now)
    steps = [RequestState.IN_PROGRESS, RequestState.WAITING_CITIZEN, RequestState.DONE]
    for hours, state in enumerate(steps, 1):
        with db.transaction(town) as session:
            request = request_by_reference(session, reference)
            assert request is not None
            change_state(session, request, state, by="anna", now=now + timedelta(hours=hours))
    with db.reading(town) as session:
        request = request_by_reference(session, reference)
        assert request is not None
        assert [period.state for period in request.periods] == [RequestState.RECEIVED, *steps]
        ends = [period.ended_at for period in request.periods]
        assert ends[:-1] == [period.started_at for period in request.periods[1:]]
        assert ends[-1] is None


def test_an_illegal_change_changes_nothing(town: db.Sessions, now: datetime) -> None:
    reference = file(town, order(), now)
    with db.transaction(town) as session:
        request = request_by_reference(session, reference)
        assert request is not None
        with pytest.raises(IllegalChange):
            change_state(session, request, RequestState.WAITING_CITIZEN, by="anna", now=now)
    assert count(town, RequestPeriod) == 1


def test_of_two_operators_at_once_one_takes_it(town: db.Sessions, now: datetime) -> None:
    reference = file(town, order(), now)
    together = threading.Barrier(4)

    def take(number: int) -> bool:
        together.wait()
        try:
            with db.transaction(town) as session:
                request = request_by_reference(session, reference)
                assert request is not None
                change_state(session, request, RequestState.IN_PROGRESS, by=f"op{number}", now=now)
        except IllegalChange:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(4))) == 1
    assert count(town, RequestPeriod) == 2
