"""Consents: in force from one moment to another, and kept as proof for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from desk import db
from desk.consents import Purpose, give_consent, has_consent, withdraw_consent
from desk.models import Consent

NUMBER = "+393339998887"


def agree(
    sessions: db.Sessions, now: datetime, purpose: Purpose = Purpose.RECEIPTS, version: str = "1"
) -> None:
    with db.transaction(sessions) as session:
        give_consent(
            session,
            e164=NUMBER,
            citizen_id=None,
            purpose=purpose,
            text_version=version,
            how="phone keypad",
            by="call 1",
            now=now,
        )


def proof(sessions: db.Sessions) -> list[tuple[str, datetime, datetime | None, str | None]]:
    with db.reading(sessions) as session:
        found = session.scalars(select(Consent).order_by(Consent.id))
        return [(row.text_version, row.given_at, row.withdrawn_at, row.withdrawn_how) for row in found]


def test_a_consent_is_for_one_purpose_and_one_number(sessions: db.Sessions, now: datetime) -> None:
    agree(sessions, now)
    with db.reading(sessions) as session:
        assert has_consent(session, NUMBER, Purpose.RECEIPTS)
        assert not has_consent(session, NUMBER, Purpose.NOTICES)
        assert not has_consent(session, "+393339998886", Purpose.RECEIPTS)


def test_the_first_proof_of_a_consent_in_force_is_kept(sessions: db.Sessions, now: datetime) -> None:
    agree(sessions, now)
    agree(sessions, now + timedelta(days=1), version="2")
    assert proof(sessions) == [("1", now, None, None)]


def test_withdrawn_and_given_again(sessions: db.Sessions, now: datetime) -> None:
    stop, again = now + timedelta(days=1), now + timedelta(days=2)
    agree(sessions, now)
    agree(sessions, now, Purpose.NOTICES)
    for moment in (stop, again):
        with db.transaction(sessions) as session:
            withdraw_consent(session, e164=NUMBER, purpose=Purpose.RECEIPTS, how="STOP", now=moment)
    with db.reading(sessions) as session:
        assert not has_consent(session, NUMBER, Purpose.RECEIPTS)
        assert has_consent(session, NUMBER, Purpose.NOTICES)
    agree(sessions, again, version="2")
    assert proof(sessions) == [("1", now, stop, "STOP"), ("1", now, None, None), ("2", again, None, None)]
