"""Export and erasure of a citizen: everything about this person, nothing of another, and the audit knows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import db
from desk.citizen_export import export_citizen
from desk.citizens import register_citizen
from desk.consents import has_consent
from desk.drafts import keep_draft
from desk.erasure import StillNeeded, erase_citizen
from desk.identification import note_failed_identification
from desk.models import (
    Audit,
    AuditAction,
    Base,
    CallerPreference,
    Citizen,
    Consent,
    HandOver,
    Message,
    MessageDetails,
    MessageState,
    Purpose,
    Request,
    RequestState,
)
from desk.person import CALL_COLUMNS, NUMBER_COLUMNS, citizen_by_tax_code
from desk.pseudonyms import Pseudonyms
from desk.settings import Settings
from tests.desk.test_retention import a_call, everything, store

GIULIA, MARCO = "CLMGLI80C55F205N", "CLMMRC77S02F205Q"
OWN, FAMILY = "+393331112201", "+39029090101"
PSEUDONYMS = Pseudonyms("secret")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.recordings.mkdir()
    return settings


@pytest.fixture
def lived_in(town: db.Sessions, settings: Settings, now: datetime) -> db.Sessions:
    """Giulia called from her own number and from the family's; so did others."""
    at = now - timedelta(days=3)
    store(town, a_call("12345678", at, number=OWN, state=RequestState.DONE, settings=settings))
    store(town, a_call("22345678", at, number=FAMILY, state=RequestState.DONE, settings=settings))
    store(town, a_call("32345678", at, number=FAMILY, state=RequestState.DONE, settings=settings))
    store(town, a_call("42345678", at, number=OWN, settings=settings))
    with db.transaction(town) as session:
        found = {request.reference: request for request in session.scalars(select(Request))}
        found["12345678"].citizen_id = found["22345678"].citizen_id = _citizen(session, GIULIA).id
        found["32345678"].citizen_id = _citizen(session, MARCO).id
        session.add_all(
            CallerPreference(e164=number, language="it", slow=True, updated_at=at) for number in (OWN, FAMILY)
        )
        keep_draft(session, key="d", caller=OWN, kind="certificate", answers={"copies": 1}, now=now)
        note_failed_identification(session, OWN, now)
    return town


def _citizen(session: Session, tax_code: str) -> Citizen:
    found = citizen_by_tax_code(session, tax_code)
    assert found
    return found


def _export(sessions: db.Sessions, settings: Settings, now: datetime) -> tuple[Any, str]:
    with db.transaction(sessions) as session:
        data = export_citizen(
            session, _citizen(session, GIULIA), settings, PSEUDONYMS, by="anna", how="command", now=now
        )
    return json.loads(data), data.decode()


def test_the_export_has_all_of_this_person_and_nothing_of_another(
    lived_in: db.Sessions, settings: Settings, now: datetime
) -> None:
    export, text = _export(lived_in, settings, now)
    tables = export["tables"]
    assert tables["citizens"][0]["last_name"] == "Colombo"
    assert [row["e164"] for row in tables["phone_numbers"]] == [OWN]
    assert {row["reference"] for row in tables["requests"]} == {"12345678", "22345678"}
    assert {row["unique_id"] for row in tables["calls"]} == {"12345678", "22345678", "42345678"}
    assert len(tables["call_events"]) == len(tables["queue_stays"]) == len(tables["queue_events"]) == 3
    assert {row["id"] for row in tables["messages"]} == {"12345678", "22345678"}
    assert len(tables["request_periods"]) == 2
    assert {"consents", "caller_preferences", "drafts", "identification_attempts"} <= set(tables)
    assert [recording["file"] for recording in export["recordings"]] == ["12345678.wav", "22345678.wav"]
    assert all(recording["bytes"] == 5 for recording in export["recordings"])
    assert "32345678" not in text
    assert MARCO not in text
    assert "operators" not in tables
    with db.reading(lived_in) as session:
        (row,) = session.scalars(select(Audit)).all()
        assert (row.by, row.action, row.citizen_id) == (
            "anna",
            AuditAction.EXPORTED,
            _citizen(session, GIULIA).id,
        )


def test_a_number_that_a_family_shares_is_not_followed(
    lived_in: db.Sessions, settings: Settings, now: datetime
) -> None:
    with db.transaction(lived_in) as session:
        marco = _citizen(session, MARCO)
        export = json.loads(export_citizen(session, marco, settings, PSEUDONYMS, by="a", how="c", now=now))
    assert export["numbers_shared_with_others"] == [FAMILY]
    assert {row["unique_id"] for row in export["tables"]["calls"]} == {"32345678"}
    assert "caller_preferences" not in export["tables"]


def test_erasing_leaves_no_trace_but_what_the_law_keeps(
    lived_in: db.Sessions, settings: Settings, now: datetime
) -> None:
    before = everything(lived_in)
    assert OWN in before
    with db.transaction(lived_in) as session:
        citizen = _citizen(session, GIULIA)
        name = f"{citizen.id}"
        erased = erase_citizen(session, citizen, settings, PSEUDONYMS, by="anna", how="command", now=now)

    text = everything(lived_in)
    assert GIULIA not in text
    assert "Giulia" not in text
    assert "1980" not in text
    with db.reading(lived_in) as session:
        # The proof of her consent is the number, and it is in force no longer.
        (consent,) = session.scalars(select(Consent).where(Consent.e164 == OWN)).all()
        assert consent.withdrawn_how == "erasure"
        assert not has_consent(session, OWN, Purpose.RECEIPTS)
        assert text.count(OWN) == 1
        done = session.scalars(select(Request).where(Request.reference == "12345678")).one()
        assert isinstance(done.details, MessageDetails)
        assert f"{done.citizen_id}" == name
        assert done.contact_e164 == PSEUDONYMS.of(OWN)
        (row,) = session.scalars(select(Audit)).all()
        assert (row.action, f"{row.citizen_id}") == (AuditAction.ERASED, name)
        # Marco's is untouched.
        assert (
            session.scalars(select(Request.contact_e164).where(Request.reference == "32345678")).one()
            == FAMILY
        )
    assert {path.name for path in settings.recordings.iterdir()} == {"32345678.wav", "42345678.wav"}
    assert erased.recordings == 2
    assert {"citizens", "phone_numbers", "drafts", "caller_preferences", "calls", "messages"} <= set(
        erased.rows
    )
    assert erased.kept["requests"] == (2, "archive")
    assert erased.kept["consents"] == (1, "consent_proof")


def test_who_is_erased_is_linked_to_no_call_that_was_handed_over(
    lived_in: db.Sessions, settings: Settings, now: datetime
) -> None:
    """Also not to one from the family's number, in which she was identified."""
    spoken, others = (settings.recordings / f"{name}-name.wav" for name in ("hers", "his"))
    for file in (spoken, others):
        file.write_bytes(b"sound")
    with db.transaction(lived_in) as session:
        giulia, marco = _citizen(session, GIULIA), _citizen(session, MARCO)
        for name, who, file in (("hers", giulia, spoken), ("his", marco, others)):
            session.add(
                HandOver(
                    call_unique_id=name,
                    at=now,
                    summary="CERT NASCITA",
                    identified=True,
                    citizen_id=who.id,
                    answers=[{"node": "certificate.copies", "answer": "2"}],
                    recordings=[str(file)],
                )
            )
        session.flush()
        erased = erase_citizen(session, giulia, settings, PSEUDONYMS, by="anna", how="c", now=now)
    assert erased.rows["hand_overs"] == 3
    with db.reading(lived_in) as session:
        hers, his = session.get_one(HandOver, "hers"), session.get_one(HandOver, "his")
        assert (hers.citizen_id, hers.answers, hers.recordings) == (None, [], [])
        assert (his.citizen_id, his.recordings) == (_citizen(session, MARCO).id, [str(others)])
        assert hers.identified
    assert not spoken.exists()
    assert others.exists()


def test_nobody_is_erased_while_something_is_going_on(
    lived_in: db.Sessions, settings: Settings, now: datetime
) -> None:
    """Also a message that was left without a name from her number is answered first."""
    store(lived_in, a_call("52345678", now, number=OWN, state=RequestState.RECEIVED, settings=settings))
    before = everything(lived_in)
    with pytest.raises(StillNeeded) as refused, db.transaction(lived_in) as session:
        erase_citizen(session, _citizen(session, GIULIA), settings, PSEUDONYMS, by="anna", how="c", now=now)
    assert refused.value.references == ("52345678",)
    assert everything(lived_in) == before
    assert len(list(settings.recordings.iterdir())) == 5


def test_a_message_that_waits_is_not_sent(lived_in: db.Sessions, settings: Settings, now: datetime) -> None:
    with db.transaction(lived_in) as session:
        session.get_one(Message, "12345678").state = MessageState.CREATED
    with db.transaction(lived_in) as session:
        erase_citizen(session, _citizen(session, GIULIA), settings, PSEUDONYMS, by="anna", how="c", now=now)
    with db.reading(lived_in) as session:
        message = session.get_one(Message, "12345678")
        assert (message.state, message.failure, message.body) == (MessageState.FAILED, "erased", "")


def test_who_was_erased_can_be_registered_again(
    lived_in: db.Sessions, settings: Settings, now: datetime
) -> None:
    with db.transaction(lived_in) as session:
        citizen = _citizen(session, GIULIA)
        erase_citizen(session, citizen, settings, PSEUDONYMS, by="anna", how="c", now=now)
        again = register_citizen(
            session,
            tax_code=GIULIA,
            first_name="Giulia",
            last_name="Colombo",
            birth_date=datetime(1980, 3, 15, tzinfo=now.tzinfo).date(),
            address="Via Brasca 4",
            phone_numbers=[OWN],
            now=now,
        )
        assert again.id != citizen.id


def test_every_table_about_people_is_reached() -> None:
    """A new table that no key, number or name of a call leads to would be missing from the export."""
    reached = {"citizens"}
    tables = Base.metadata.sorted_tables
    for table in tables:
        columns = {column.name for column in table.columns}
        if "citizen_id" in columns or columns & NUMBER_COLUMNS or columns & CALL_COLUMNS:
            reached.add(table.name)
        if {constraint.referred_table.name for constraint in table.foreign_key_constraints} & reached:
            reached.add(table.name)
    town = {
        "absences", "api_keys", "appointment_services", "call_sums", "certificate_kinds", "closures",
        "competent_offices", "counter_services", "counter_visits", "courses", "desk_now", "digests",
        "duty_periods", "edge_sums", "event_deliveries", "event_subscriptions", "failed_logins", "fees",
        "figures_of_days", "figures_reached", "flow_categories", "ingest_positions", "inhabitants",
        "job_states", "kept_answers", "message_texts", "node_sums", "notices", "offices",
        "opening_hours", "operator_sessions", "operators", "overrides", "phone_holds", "phones",
        "place_stays",
        "prompt_texts", "recovery_codes", "repeat_sums", "report_categories", "report_mails",
        "room_purposes", "rooms", "routing_rules", "scheduled_reports", "slot_patterns", "sms_routes",
        "special_hours", "talk_sums", "town_changes", "wait_sums", "wall_screens", "wrong_pins",
    }  # fmt: skip
    assert {table.name for table in tables} - reached == town
