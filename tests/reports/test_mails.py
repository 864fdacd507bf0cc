"""Reports by mail, to a real mail server: what is due when, what is in it, and to whom it goes no more."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from desk.cli.running import REPORTS_DUE
from desk.db import Sessions, reading, transaction
from desk.mail.senders import Mail
from desk.models import Every, MessageState, Operator, ReportForm, ReportMail, Role
from desk.operators import create_operator
from desk.outbox import Undelivered
from desk.schedule import Daily, is_due
from desk.scheduled_reports import (
    NotAllowed,
    end_report,
    is_stop_token,
    last_mails,
    order_report,
    span_before,
    stop_token,
    write_mails,
)
from reports.mails import SENT, USUAL, send_mails
from reports.rollups import refresh
from tests.desk.test_mail import Inbox, mail_server, mailer
from tests.reports.tables import keep_a_morning
from tests.reports.test_exports import inside

#: A Monday, and the moment at which Tuesday's reports are due.
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
STOP = "https://desk.example/console/statistics/mails/stop/1/secret"


def stop_page(number: int) -> str:
    return STOP


@pytest.fixture
def capo(town: Sessions) -> Operator:
    with transaction(town) as session:
        keep_a_morning(session, DAY)
        operator = create_operator(
            session, login="capo.figure", name="Carla Neri", password="giusta", role=Role.MANAGER
        )
    refresh(town, now=NOW)
    return operator


def order(
    sessions: Sessions,
    operator: Operator,
    *,
    every: Every = Every.DAY,
    form: ReportForm = ReportForm.XLSX,
    language: str = "it",
    tables: tuple[str, ...] = USUAL,
    now: datetime = NOW,
) -> int:
    with transaction(sessions) as session:
        return order_report(
            session,
            operator_id=operator.id,
            to_address="carla.neri@comune.example",
            every=every,
            tables=tables,
            language=language,
            form=form,
            by="capo",
            now=now,
        ).id


def mails(sessions: Sessions) -> list[ReportMail]:
    with reading(sessions) as session:
        return list(session.scalars(select(ReportMail).order_by(ReportMail.first)))


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.mark.parametrize(
    ("every", "today", "span"),
    [
        (Every.DAY, date(2026, 11, 24), (date(2026, 11, 23), date(2026, 11, 23))),
        # A Monday, a Sunday: the week that ended last.
        (Every.WEEK, date(2026, 11, 30), (date(2026, 11, 23), date(2026, 11, 29))),
        (Every.WEEK, date(2026, 11, 29), (date(2026, 11, 16), date(2026, 11, 22))),
        (Every.MONTH, date(2026, 12, 1), (date(2026, 11, 1), date(2026, 11, 30))),
        (Every.MONTH, date(2027, 1, 31), (date(2026, 12, 1), date(2026, 12, 31))),
        (Every.MONTH, date(2028, 3, 15), (date(2028, 2, 1), date(2028, 2, 29))),
    ],
)
def test_what_ended_last(every: Every, today: date, span: tuple[date, date]) -> None:
    assert span_before(every, today) == span


def test_one_mail_of_each_period_however_often_or_late_somebody_asks(town: Sessions, capo: Operator) -> None:
    for every in Every:
        order(town, capo, every=every)
    # The first ones at once.
    assert [(mail.first, mail.last) for mail in mails(town)] == [
        (date(2026, 10, 1), date(2026, 10, 31)),
        (date(2026, 11, 16), date(2026, 11, 22)),
        (DAY, DAY),
    ]
    with transaction(town) as session:
        assert write_mails(session, now=NOW) == 0
        assert write_mails(session, now=NOW + timedelta(days=1)) == 1
        # A week without a worker: yesterday, the week and the month that have ended; not each day.
        assert write_mails(session, now=NOW + timedelta(days=8)) == 3
        assert write_mails(session, now=NOW + timedelta(days=8)) == 0


@pytest.mark.parametrize(
    ("day", "clock"),
    # The day before the clocks are put back, that day, and the day they are put forward.
    [(date(2026, 10, 24), "05:00"), (date(2026, 10, 25), "06:00"), (date(2027, 3, 28), "05:00")],
)
def test_seven_in_rome_whatever_the_season(day: date, clock: str) -> None:
    due = Daily(REPORTS_DUE)
    moment = due.moment(day)
    assert f"{moment.astimezone(UTC):%H:%M}" == clock
    yesterday = day - timedelta(days=1)
    assert not is_due(due, done_for=yesterday, tried_at=None, now=moment - timedelta(seconds=1))
    assert is_due(due, done_for=yesterday, tried_at=None, now=moment)


def test_a_report_with_its_workbook(town: Sessions, capo: Operator) -> None:
    order(town, capo)
    inbox = Inbox()
    with mail_server(inbox) as port:
        assert send_mails(town, mailer(port), stop_page, now=NOW) == 1
        assert send_mails(town, mailer(port), stop_page, now=NOW) == 0
    (mail,) = inbox.mails
    assert inbox.recipients == ["carla.neri@comune.example"]
    assert mail["Subject"] == "Sportello telefonico, 23/11/2026"
    # RFC 8058: mail programs show a button for these.
    assert mail["List-Unsubscribe"].strip() == f"<{STOP}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, page = part(mail, "plain"), part(mail, "html")
    lines = {line.split("  ")[0]: line.split()[-2:] for line in text.splitlines()}
    # Monday beside Sunday, on which nobody called: nothing to count is no 0 %.
    assert lines["Risposte"] == ["2", "0"]
    assert lines["Livello di servizio"] == ["%", "–"]
    assert "33,3 %" in text
    assert "0:16" in text
    for each in (text, page):
        assert STOP in each
        assert "+39333" not in each
    assert "<strong>2</strong>" in page
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "centralino-2026-11-23-2026-11-23.xlsx"
    with zipfile.ZipFile(io.BytesIO(attached.get_content())) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        written = book.read("xl/sharedStrings.xml").decode()
    # One for each table, and what the figures mean.
    assert len(sheets) == len(USUAL) + 1
    assert "09:00" in written
    (row,) = mails(town)
    assert (row.state, row.sent_at) == (MessageState.SENT, NOW)


def test_a_month_in_english_as_a_tagged_document(town: Sessions, capo: Operator) -> None:
    now = datetime(2026, 12, 1, 6, tzinfo=UTC)
    order(town, capo, every=Every.MONTH, form=ReportForm.PDF, language="en", tables=SENT, now=now)
    inbox = Inbox()
    with mail_server(inbox) as port:
        assert send_mails(town, mailer(port), stop_page, now=now) == 1
    (mail,) = inbox.mails
    assert mail["Subject"] == "Telephone desk, 01/11/2026 – 30/11/2026"
    assert "01/10/2026 – 31/10/2026" in part(mail, "html")
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content()[:5] == b"%PDF-"
    assert b"pdfuaid:part" in inside(attached.get_content())


def test_it_goes_only_to_who_may_have_it_when_it_is_sent(town: Sessions, capo: Operator) -> None:
    with transaction(town) as session:
        anna = create_operator(session, login="x.anna", name="Anna", password="giusta", role=Role.SUPERVISOR)
    with pytest.raises(NotAllowed):
        order(town, anna)
    number = order(town, capo)
    with transaction(town) as session:
        session.get_one(Operator, capo.id).role = Role.OPERATOR

    class Nobody:
        def send(self, mail: Mail) -> None:
            raise AssertionError("sent")

    assert send_mails(town, Nobody(), stop_page, now=NOW) == 0
    with reading(town) as session:
        mail = last_mails(session)[number]
    assert (mail.state, mail.failure) == (MessageState.FAILED, "not allowed")
    with transaction(town) as session:
        # Nor is any more written, until the permission is back.
        assert write_mails(session, now=NOW + timedelta(days=1)) == 0
        session.get_one(Operator, capo.id).role = Role.MANAGER
        assert write_mails(session, now=NOW + timedelta(days=1)) == 1
        # Ended between writing and sending: the address is forgotten, and nothing goes out.
        assert end_report(session, number, now=NOW).to_address == ""
    assert send_mails(town, Nobody(), stop_page, now=NOW + timedelta(days=1)) == 0
    assert mails(town)[-1].state is MessageState.STOPPED


def test_a_server_that_is_down_is_tried_again_and_in_the_end_said(town: Sessions, capo: Operator) -> None:
    order(town, capo)

    class Down:
        def send(self, mail: Mail) -> None:
            raise Undelivered("down")

    send_mails(town, Down(), stop_page, now=NOW)
    (row,) = mails(town)
    assert (row.state, row.failure, row.attempts) == (MessageState.CREATED, "down", 1)
    inbox = Inbox()
    with mail_server(inbox) as port:
        assert send_mails(town, mailer(port), stop_page, now=NOW + timedelta(seconds=59)) == 0
        inbox.refuse = "550 no such user"
        assert send_mails(town, mailer(port), stop_page, now=NOW + timedelta(minutes=1)) == 0
    (row,) = mails(town)
    assert (row.state, row.failure) == (MessageState.FAILED, "the address was refused: 550")


def test_the_link_of_one_report_ends_no_other() -> None:
    token = stop_token("w" * 43, 7)
    assert is_stop_token("w" * 43, 7, token)
    assert not is_stop_token("w" * 43, 8, token)
    assert not is_stop_token("v" * 43, 7, token)
