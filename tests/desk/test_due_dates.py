"""What is due: counted on Rome's calendar, and one mail a day about it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from desk import db
from desk.due_dates import Due, count_due, send_digests, write_digest
from desk.jobs import tell_what_is_due
from desk.mail.senders import FileMailer, Mail
from desk.models import Channel, Digest, MessageDetails, MessageState, Request, RequestState
from desk.outbox import Undelivered
from desk.settings import Settings


@pytest.fixture
def filed(sessions: db.Sessions, now: datetime) -> db.Sessions:
    """Two overdue, one due today, one tomorrow, and what is closed."""
    due = {
        "10000001": (date(2026, 11, 20), RequestState.RECEIVED),
        "10000002": (date(2026, 11, 22), RequestState.WAITING_CITIZEN),
        "10000003": (date(2026, 11, 23), RequestState.IN_PROGRESS),
        "10000004": (date(2026, 11, 24), RequestState.RECEIVED),
        "10000005": (date(2026, 11, 20), RequestState.DONE),
        "10000006": (date(2026, 11, 23), RequestState.REJECTED),
    }
    with db.transaction(sessions) as session:
        session.add_all(
            Request(
                reference=reference,
                channel=Channel.PHONE,
                kind="message",
                details=MessageDetails(recording=Path("x.wav")),
                contact_e164="+393331112201",
                state=state,
                due_on=due_on,
                filed_at=now,
                idempotency_key=reference,
                language="it",
            )
            for reference, (due_on, state) in due.items()
        )
    return sessions


def test_due_by_the_calendar_of_rome(filed: db.Sessions, now: datetime) -> None:
    with db.reading(filed) as session:
        assert count_due(session, now=now) == Due(overdue=2, today=1)
        # 00:30 in Rome is the day after, 23:30 in London the day before.
        assert count_due(session, now=datetime.fromisoformat("2026-11-24T00:30+01:00")) == Due(3, 1)
        assert count_due(session, now=datetime.fromisoformat("2026-11-23T23:59+01:00")) == Due(2, 1)


def test_one_mail_a_day_that_names_requests_and_nobody(
    filed: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    def write(at: datetime) -> bool:
        with db.transaction(filed) as session:
            return write_digest(session, to="desk@example.org", page_of=lambda r: f"https://x/{r}", now=at)

    assert write(now)
    assert not write(now + timedelta(hours=5))
    mailer = FileMailer(tmp_path / "mail.txt")
    assert send_digests(filed, mailer, now=now) == 1
    assert send_digests(filed, mailer, now=now) == 0
    text = (tmp_path / "mail.txt").read_text(encoding="utf-8")
    assert "2 scadute, 1 oggi" in text
    assert text.index("20/11/2026  10000001  https://x/10000001") < text.index("10000002")
    assert "10000003" in text
    assert not [reference for reference in ("10000004", "10000005", "10000006") if reference in text]
    assert "333111" not in text
    assert write(now + timedelta(days=1))


def test_nothing_due_is_no_mail(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        assert not write_digest(session, to="desk@example.org", page_of=str, now=now)


def test_a_mail_server_that_refuses_is_asked_again_but_not_the_day_after(
    filed: db.Sessions, now: datetime
) -> None:
    class Refusing:
        def send(self, mail: Mail) -> None:
            raise Undelivered("refused")

    with db.transaction(filed) as session:
        write_digest(session, to="desk@example.org", page_of=str, now=now)

    def state() -> MessageState:
        with db.reading(filed) as session:
            return session.scalars(select(Digest.state)).one()

    send_digests(filed, Refusing(), now=now)
    assert state() is MessageState.CREATED
    send_digests(filed, Refusing(), now=now + timedelta(hours=13))
    assert state() is MessageState.FAILED


@pytest.mark.parametrize(
    ("address", "days", "written"), [("", 0, 0), ("desk@example.org", 0, 1), ("desk@example.org", 5, 0)]
)
def test_the_job_writes_to_a_desk_with_an_address_on_working_days(
    filed: db.Sessions, tmp_path: Path, now: datetime, address: str, days: int, written: int
) -> None:
    settings = Settings(home=tmp_path, desk_email=address)
    tell_what_is_due(filed, settings, now=now + timedelta(days=days))
    with db.reading(filed) as session:
        assert len(session.scalars(select(Digest)).all()) == written
