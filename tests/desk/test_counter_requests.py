"""The counter's services as requests: who has to be known, what is closed at once, what is told."""

from __future__ import annotations

import typing
from datetime import datetime

import pytest
from sqlalchemy import select

from desk import db
from desk.casework import Worker, complete
from desk.citizens import add_number, change_citizen, register_citizen, remove_number
from desk.consents import give_consent, has_consent
from desk.counter_requests import COUNTER_KINDS, SERVICES, CounterOrder, Nobody, file_at_counter
from desk.find_citizens import PersonQuery, find_citizens
from desk.models import (
    Channel,
    Citizen,
    Consent,
    Message,
    Purpose,
    Request,
    RequestKind,
    RequestState,
)
from desk.models.details import CounterKind
from desk.requests import WAITED_FOR

GIULIA, HERS = "CLMGLI80C55F205N", "+393331112201"


def order(kind: RequestKind, **more: object) -> CounterOrder:
    values = {"kind": kind, "text": "x", "channel": Channel.COUNTER, "idempotency_key": kind.value, **more}
    return CounterOrder.model_validate(values)


def test_the_town_counts_twelve_services() -> None:
    assert len(COUNTER_KINDS) == len(set(COUNTER_KINDS)) == 12
    assert set(SERVICES) == set(typing.get_args(CounterKind))
    assert set(COUNTER_KINDS) == {*SERVICES, RequestKind.CERTIFICATE, RequestKind.REPORT}
    assert set(COUNTER_KINDS) == WAITED_FOR


@pytest.mark.parametrize("kind", SERVICES)
def test_each_service_is_filed_once_with_its_due_date(
    town: db.Sessions, now: datetime, kind: RequestKind
) -> None:
    with db.transaction(town) as session:
        if SERVICES[kind].identified:
            with pytest.raises(Nobody):
                file_at_counter(session, order(kind), by="anna", now=now)
        first, again = (
            file_at_counter(session, order(kind, applicant="Ugo Riva"), by="anna", now=now) for _ in range(2)
        )
        assert first.id == again.id
        assert (first.kind, first.state, first.applicant_key) == (kind, RequestState.RECEIVED, "ugo riva")
        assert [period.by for period in first.periods] == ["anna"]
        assert first.due_on > now.date()


def test_what_is_done_while_the_citizen_is_there_is_not_told(town: db.Sessions, now: datetime) -> None:
    consents = {"contact_e164": HERS, "consent_text": "counter-1"}
    with db.transaction(town) as session:
        done = file_at_counter(session, order(RequestKind.FORMS, done=True, **consents), by="anna", now=now)
        later = file_at_counter(session, order(RequestKind.PAYMENTS, **consents), by="anna", now=now)
        assert [(each.state, each.assignee) for each in done.periods] == [
            (RequestState.RECEIVED, None),
            (RequestState.IN_PROGRESS, "anna"),
            (RequestState.DONE, "anna"),
        ]
        assert has_consent(session, HERS, Purpose.RECEIPTS)
        assert complete(session, later.reference, Worker("anna"), now=now).changed
        assert session.scalars(select(Message.request_id)).all() == [later.id]


def test_people_are_found_in_three_ways_and_never_by_a_name_alone(town: db.Sessions, now: datetime) -> None:
    with db.reading(town) as session:
        giulia = session.scalars(select(Citizen).where(Citizen.tax_code == GIULIA)).one()
        for query in (
            PersonQuery(tax_code=" clmgli80 c55f205n "),
            PersonQuery(name="Colombo", born=giulia.birth_date),
            PersonQuery(name="giulia COLOMBO", born=giulia.birth_date),
            PersonQuery(phone="333 111 2201"),
        ):
            assert query.says_enough
            assert [each.id for each in find_citizens(session, query)] == [giulia.id], query
        family = find_citizens(session, PersonQuery(phone="02 9090101"))
        assert [each.first_name for each in family] == ["Marco", "Sofia"]
        assert find_citizens(session, PersonQuery(name="%", born=giulia.birth_date)) == []
        for query in (
            PersonQuery(),
            PersonQuery(name="Colombo"),
            PersonQuery(born=giulia.birth_date),
            PersonQuery(phone="12"),
        ):
            assert not query.says_enough
            assert find_citizens(session, query) == []


def test_a_number_that_goes_takes_its_consents_along_but_not_the_familys(
    town: db.Sessions, now: datetime
) -> None:
    with db.transaction(town) as session:
        giulia = session.scalars(select(Citizen).where(Citizen.tax_code == GIULIA)).one()
        ugo = register_citizen(
            session,
            tax_code="RSSMRA80A01F205X",
            first_name="Ugo",
            last_name="Riva",
            birth_date=now.date().replace(year=1980, month=1, day=1),
            address="-",
            phone_numbers=["+393339990001"],
            now=now,
        )
        assert add_number(session, giulia, "+393339990001")
        assert not add_number(session, giulia, "+393339990001")
        for citizen, purpose in ((giulia, Purpose.NOTICES), (ugo, Purpose.RECEIPTS)):
            give_consent(
                session,
                e164="+393339990001",
                citizen_id=citizen.id,
                purpose=purpose,
                text_version="counter-1",
                how="counter",
                by="anna",
                now=now,
            )
        assert remove_number(session, giulia, "+393339990001", by="anna", now=now)
        assert not remove_number(session, giulia, "+393339990001", by="anna", now=now)
        assert not has_consent(session, "+393339990001", Purpose.NOTICES)
        assert has_consent(session, "+393339990001", Purpose.RECEIPTS)
        ended = session.scalars(select(Consent).where(Consent.withdrawn_how == "number_removed")).one()
        assert ended.withdrawn_by == "anna"
        change_citizen(session, giulia, first_name="Giulia", last_name="Riva", address="Via Roma 1")
        assert giulia.name_key == "riva giulia"
        assert session.scalars(select(Request)).all() == []
