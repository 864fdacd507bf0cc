"""The desk of a call: on a working database, and without one, where every method keeps the caller going."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from desk import db
from desk.call_log import call_story
from desk.certificates import CertificateOrder
from desk.citizens import register_citizen
from desk.models import (
    CallerPreference,
    CertificateDetails,
    CertificateKind,
    Citizen,
    Consent,
    Draft,
    IdentificationAttempt,
    Message,
    MessageDetails,
    OpeningHours,
    Request,
    Stamp,
)
from desk.replay import replay_spool
from desk.settings import Settings
from desk.spool import Spool
from ivr.conversation import Ending, Happening, Outcome
from ivr.ports import CertificateDraft, Delivery, Desk, Filed, IdentifiedBy, Identity, Spooled, Subject
from ivr.steps import Recording
from prompts.catalogue import load_catalogue

#: Monday, 10:00 in Rome.
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CALLER = "+393331112201"
TAX_CODE_KEYS = "2564548025532056"
BORN = date(1980, 3, 15)
SPOKEN = Recording(Path("/recordings/who.wav"), 4.0)
DRAFT = CertificateDraft(
    "0b6f6d2e-8a53-4b0e-9f0c-5f1f4d1b7a11",
    kind="residence",
    exempt=False,
    subject=Subject.OTHER,
    subject_spoken=Path("/recordings/other.wav"),
    copies=2,
    delivery=Delivery.HOME,
)

#: What a caller gets from each method while the database is away.
AWAY: dict[str, tuple[Callable[[Desk], object], object]] = {
    "language": (lambda desk: desk.language(), "it"),
    "remember_language": (lambda desk: desk.remember_language("en"), None),
    "hours": (lambda desk: desk.hours().open_now, True),
    "kinds": (lambda desk: tuple(desk.kinds()), ()),
    "new_certificate": (lambda desk: desk.new_certificate().kind, None),
    "unfinished_certificate": (lambda desk: desk.unfinished_certificate(), None),
    "keep": (lambda desk: desk.keep(DRAFT), None),
    "drop": (lambda desk: desk.drop(DRAFT), None),
    "number_is_known": (lambda desk: desk.number_is_known(), False),
    "may_identify": (lambda desk: desk.may_identify(), False),
    "identify_by_birth_date": (lambda desk: desk.identify_by_birth_date(BORN), None),
    "identify_by_tax_code": (lambda desk: desk.identify_by_tax_code(TAX_CODE_KEYS), None),
    "can_text": (lambda desk: desk.can_text(), True),
    "can_phone": (lambda desk: desk.can_phone(), False),
    "has_consent": (lambda desk: desk.has_consent(), False),
    "give_consent": (lambda desk: desk.give_consent(), None),
    "file_certificate": (
        lambda desk: desk.file_certificate(DRAFT, Identity(IdentifiedBy.SPOKEN, spoken=SPOKEN), sms=True),
        Spooled(),
    ),
    "file_message": (lambda desk: desk.file_message(SPOKEN), None),
}


def deleted(url: str, file: Path) -> str:
    file.unlink()
    return url


def not_migrated(url: str, file: Path) -> str:
    file.write_bytes(b"")
    return url


def damaged(url: str, file: Path) -> str:
    file.write_bytes(b"not a database, " * 512)
    return url


def unreachable_server(_url: str, file: Path) -> str:
    return f"postgresql://centralino@/centralino?host={file.parent}"


@contextmanager
def house(home: Path, url: str) -> Iterator[House]:
    engine = db.connect(url, busy_seconds=0.1)
    settings = Settings(home=home)
    yield House(
        settings, db.sessions(engine), Spool(home / "spool"), load_catalogue(settings.sounds), lambda: NOW
    )
    engine.dispose()


def call(house: House, caller: str | None = CALLER, unique_id: str = "7.1") -> tuple[CallDesk, CallJournal]:
    journal = CallJournal(house, unique_id, caller, "+390200000100")
    return CallDesk(house, journal, caller), journal


@pytest.fixture
def working(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """A house with two certificates, one citizen and Monday's hours."""
    with house(tmp_path, sqlite_url) as made:
        with db.transaction(made.sessions) as session:
            free = {"stamp_duty": Decimal(0), "secretary_fee": Decimal(0), "working_days": 2}
            paid = {"stamp_duty": Decimal(16), "secretary_fee": Decimal("0.52"), "working_days": 3}
            session.add(CertificateKind(code="birth", position=1, civil_status=True, **free))
            session.add(CertificateKind(code="residence", position=2, civil_status=False, **paid))
            nine, one = datetime(2026, 1, 1, 9).time(), datetime(2026, 1, 1, 13).time()  # noqa: DTZ001
            session.add(OpeningHours(weekday=0, opens=nine, closes=one))
            register_citizen(
                session,
                tax_code="CLMGLI80C55F205N",
                first_name="Giulia",
                last_name="Colombo",
                birth_date=BORN,
                address="Via Brasca 4",
                phone_numbers=[CALLER],
                now=NOW,
            )
        yield made


def rows(house: House, model: type[Any]) -> list[Any]:
    with db.reading(house.sessions) as session:
        return list(session.scalars(select(model)))


def test_every_method_of_the_desk_is_tried_without_a_database() -> None:
    methods = {name for name, _ in inspect.getmembers(Desk, inspect.isfunction) if not name.startswith("_")}
    assert set(AWAY) == methods


@pytest.mark.parametrize("name", AWAY)
@pytest.mark.parametrize("away", [deleted, not_migrated, damaged, unreachable_server])
def test_without_a_database_the_caller_goes_on(
    sqlite_url: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    away: Callable[[str, Path], str],
    name: str,
) -> None:
    method, expected = AWAY[name]
    with house(tmp_path, away(sqlite_url, tmp_path / "centralino.sqlite")) as without:
        desk, _ = call(without)
        assert method(desk) == expected
    assert CALLER[3:] not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_database_that_is_locked_does_not_hold_the_caller(working: House) -> None:
    engine = working.sessions.kw["bind"]
    desk, _ = call(working)
    with engine.begin() as other:
        other.execute(text("UPDATE citizens SET address = 'x'"))
        assert desk.number_is_known(), "who reads waits for no writer"
        desk.keep(DRAFT)
        filed = desk.file_certificate(DRAFT, Identity(IdentifiedBy.BIRTH_DATE, 1), sms=False)
        assert filed == Spooled()
        other.rollback()
    assert replay_spool(working.sessions, working.spool) == 1
    assert len(rows(working, Request)) == 1


def test_what_was_confirmed_without_a_database_is_filed_once_when_it_is_back(
    working: House, tmp_path: Path
) -> None:
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    desk, _ = call(working)
    assert len(desk.kinds()) == 2
    working.sessions.kw["bind"].dispose()
    file.rename(away)
    identity = Identity(IdentifiedBy.SPOKEN, spoken=SPOKEN)
    assert desk.file_certificate(DRAFT, identity, sms=True) == Spooled()
    assert desk.file_certificate(DRAFT, identity, sms=True) == Spooled()
    desk.file_message(SPOKEN)
    (order,) = (item.payload for item in working.spool.waiting() if item.kind == "certificate")
    assert CertificateOrder.model_validate(order).stamp is Stamp.PAID, "fees are known from before"

    away.rename(file)
    # The caller confirms the same draft in another call before the worker gets to the spool.
    filed = call(working, unique_id="7.2")[0].file_certificate(DRAFT, identity, sms=True)
    assert isinstance(filed, Filed)
    replay_spool(working.sessions, working.spool)
    requests = {type(request.details): request for request in rows(working, Request)}
    assert set(requests) == {CertificateDetails, MessageDetails}
    assert len(rows(working, Request)) == 2
    certificate = requests[CertificateDetails]
    assert certificate.reference == filed.reference
    assert certificate.details.identity_recording == SPOKEN.path
    assert certificate.details.subject_recording == DRAFT.subject_spoken
    assert list(working.spool.waiting()) == []


def test_a_whole_certificate_by_birth_date(working: House) -> None:
    desk, journal = call(working)
    assert desk.language() == "it"
    desk.remember_language("en")
    assert desk.number_is_known()
    assert desk.may_identify()
    assert desk.identify_by_birth_date(date(1980, 3, 16)) is None
    identity = desk.identify_by_birth_date(BORN)
    assert identity == Identity(IdentifiedBy.BIRTH_DATE, rows(working, Citizen)[0].id)
    journal.note("certificate.kind", Happening.ANSWERED, "2")
    desk.keep(DRAFT)
    assert not desk.has_consent()
    desk.give_consent()
    assert desk.has_consent()
    filed = desk.file_certificate(DRAFT, identity, sms=True)
    assert isinstance(filed, Filed)
    assert desk.file_certificate(DRAFT, identity, sms=True) == filed
    journal.close(Ending(Outcome.DONE, "certificate.done", "en"))

    (request,) = rows(working, Request)
    assert (request.reference, request.due_on, request.language) == (filed.reference, filed.due_on, "en")
    assert (request.citizen_id, request.contact_e164) == (identity.citizen_id, CALLER)
    assert request.details.fee == "33.04"
    (message,) = rows(working, Message)
    assert (message.to_e164, message.language) == (CALLER, "en")
    assert filed.reference in message.body
    (consent,) = rows(working, Consent)
    assert (consent.given_how, consent.given_by) == ("phone", "7.1")
    assert len(rows(working, IdentificationAttempt)) == 1
    assert rows(working, Draft)[0].finished_at == NOW
    with db.reading(working.sessions) as session:
        story = call_story(session, "7.1")
    assert story is not None
    assert request.call_id == story.id
    assert (story.outcome, story.last_node) == ("done", "certificate.done")


def test_a_broken_off_draft_is_found_again_as_it_was(working: House) -> None:
    desk, _ = call(working)
    assert desk.unfinished_certificate() is None
    desk.keep(DRAFT)
    again, _ = call(working, unique_id="7.2")
    assert again.unfinished_certificate() == DRAFT
    assert call(working, "+393331112299")[0].unfinished_certificate() is None
    again.drop(DRAFT)
    assert again.unfinished_certificate() is None


def test_a_withheld_number_is_recognised_by_tax_code_and_nothing_is_kept_under_it(working: House) -> None:
    desk, _ = call(working, None)
    desk.remember_language("en")
    desk.keep(DRAFT)
    assert desk.language() == "en"
    assert rows(working, CallerPreference) == rows(working, Draft) == []
    assert desk.unfinished_certificate() is None
    assert not desk.number_is_known()
    assert not desk.can_text()
    assert not desk.has_consent()
    assert desk.identify_by_birth_date(BORN) is None
    identity = desk.identify_by_tax_code(TAX_CODE_KEYS)
    assert identity is not None
    assert isinstance(desk.file_certificate(DRAFT, identity, sms=True), Filed)
    assert rows(working, Request)[0].contact_e164 is None
    assert rows(working, Message) == []


def test_guessing_ends(working: House) -> None:
    desk, _ = call(working)
    for _ in range(working.settings.identification_tries_per_day):
        assert desk.may_identify()
        assert desk.identify_by_tax_code("1" * 16) is None
    assert not desk.may_identify()


def test_the_log_of_a_call_survives_a_database_that_comes_back(
    working: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    desk, journal = call(working)
    journal.note("main", Happening.ENTERED)
    working.sessions.kw["bind"].dispose()
    file.rename(away)
    with caplog.at_level(logging.DEBUG):
        desk.keep(DRAFT)
    assert "7.1" in caplog.text
    assert CALLER[3:] not in caplog.text
    away.rename(file)
    journal.note("main", Happening.ANSWERED, "1")
    journal.close(Ending(Outcome.HUNG_UP, "main", "it"))
    with db.reading(working.sessions) as session:
        story = call_story(session, "7.1")
    assert story is not None
    assert [event.event for event in story.events] == ["entered", "answered"]


def test_hours_and_kinds_come_from_the_town(working: House) -> None:
    desk, _ = call(working)
    hours = desk.hours()
    assert hours.open_now
    assert [(span.opens.hour, span.closes.hour) for span in hours.week[0].spans] == [(9, 13)]
    assert (hours.next_day, hours.next_time and hours.next_time.hour) == (date(2026, 11, 30), 9)
    assert [(kind.code, kind.free, kind.fee) for kind in desk.kinds()] == [
        ("birth", True, Decimal(0)),
        ("residence", False, Decimal("16.52")),
    ]


def test_consent_and_call_log_of_a_call_without_a_database_are_not_lost(
    working: House, tmp_path: Path
) -> None:
    file, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    desk, journal = call(working)
    working.sessions.kw["bind"].dispose()
    file.rename(away)
    desk.give_consent()
    assert desk.has_consent()
    journal.note("certificate.kind", Happening.ANSWERED, "2")
    assert desk.file_certificate(DRAFT, Identity(IdentifiedBy.SPOKEN, spoken=SPOKEN), sms=True) == Spooled()
    journal.close(Ending(Outcome.DONE, "goodbye", "it"))
    away.rename(file)

    assert replay_spool(working.sessions, working.spool) == 2
    (request,), (consent,), (message,) = (rows(working, model) for model in (Request, Consent, Message))
    assert consent.e164 == message.to_e164 == CALLER
    with db.reading(working.sessions) as session:
        story = call_story(session, "7.1")
    assert story is not None
    assert [event.node for event in story.events] == ["certificate.kind"]
    assert request.call_id == story.id
