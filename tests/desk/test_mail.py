"""Reports forwarded by mail to a real mail server: at once, again where it failed, nothing personal."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from desk import db
from desk.complaints import ReportOrder, UnknownCategory, file_report
from desk.mail.outbox import GIVE_UP, LOST_AFTER, send_mail
from desk.mail.senders import FileMailer, Mail, NotMailed, SmtpMailer
from desk.models import Email, MessageState, Request, RequestKind

CALLER = "+393331112203"
ORDER = ReportOrder(
    category="roads",
    place_recording=Path("recordings/place.wav"),
    message_recording=Path("recordings/message.wav"),
    seconds=12.5,
    call_back=True,
    contact_e164=CALLER,
    idempotency_key="report-1",
)


class Inbox:
    """What the mail server took; refuses as it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refuse = ""

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 taken"


@contextmanager
def mail_server(inbox: Inbox, port: int = 0) -> Iterator[int]:
    """A mail server on this machine; its port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, loop=asyncio.new_event_loop())
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def mailer(port: int) -> SmtpMailer:
    return SmtpMailer("127.0.0.1", port, security="none", sender="centralino@comune.example")


def page(reference: str) -> str:
    return f"https://desk.example/console/requests/{reference}"


def file(sessions: db.Sessions, now: datetime, order: ReportOrder = ORDER) -> str:
    with db.transaction(sessions) as session:
        return file_report(session, order, now=now).reference


def only(sessions: db.Sessions) -> Email:
    with db.reading(sessions) as session:
        return session.scalars(select(Email)).one()


def test_a_report_reaches_its_office_with_a_link_and_nothing_personal(
    town: db.Sessions, now: datetime
) -> None:
    reference = file(town, now)
    inbox = Inbox()
    with mail_server(inbox) as port:
        assert send_mail(town, mailer(port), page, now=now) == 1
        assert send_mail(town, mailer(port), page, now=now) == 0
    (mail,) = inbox.mails
    assert inbox.recipients == ["tecnico@comune.example"]
    assert mail["Message-ID"] == f"<{only(town).id}@comune.example>"
    assert "Strade, marciapiedi, illuminazione" in mail["Subject"]
    assert page(reference) in mail.get_content()
    assert not list(mail.iter_attachments())
    whole = mail.as_string() + mail.get_content()
    for personal in (CALLER, CALLER[3:], "recordings", ".wav"):
        assert personal not in whole
    assert (only(town).state, only(town).sent_at) == (MessageState.SENT, now)


def test_filed_twice_is_one_request_and_one_mail(town: db.Sessions, now: datetime) -> None:
    assert file(town, now) == file(town, now)
    with db.reading(town) as session:
        request = session.scalars(select(Request)).one()
        assert request.kind is RequestKind.REPORT
        assert session.scalar(select(func.count()).select_from(Email)) == 1


def test_without_a_commit_there_is_no_mail(town: db.Sessions, now: datetime) -> None:
    class Broken(Exception):
        pass

    def broken() -> None:
        with db.transaction(town) as session:
            file_report(session, ORDER, now=now)
            raise Broken

    with pytest.raises(Broken):
        broken()
    with db.reading(town) as session:
        assert session.scalars(select(Email)).all() == []


def test_a_category_that_is_gone_is_said(town: db.Sessions, now: datetime) -> None:
    with pytest.raises(UnknownCategory):
        file(town, now, ORDER.model_copy(update={"category": "ufo"}))


def test_a_server_that_is_down_gets_the_mail_once_it_is_back(town: db.Sessions, now: datetime) -> None:
    file(town, now)
    inbox = Inbox()
    with mail_server(inbox) as port:
        pass
    assert send_mail(town, mailer(port), page, now=now) == 0
    assert (only(town).state, only(town).failure) == (MessageState.CREATED, "ConnectionRefusedError")
    with mail_server(inbox, port):
        assert send_mail(town, mailer(port), page, now=now + timedelta(seconds=59)) == 0
        assert send_mail(town, mailer(port), page, now=now + timedelta(minutes=1)) == 1
    assert len(inbox.mails) == 1


def test_grey_listing_is_waited_for_and_a_wrong_address_is_not(town: db.Sessions, now: datetime) -> None:
    file(town, now)
    inbox = Inbox()
    with mail_server(inbox) as port:
        inbox.refuse = "450 come back later"
        send_mail(town, mailer(port), page, now=now)
        assert only(town).state is MessageState.CREATED
        inbox.refuse = "550 no such user"
        send_mail(town, mailer(port), page, now=now + timedelta(minutes=1))
    assert (only(town).state, only(town).failure) == (MessageState.FAILED, "the address was refused: 550")
    assert inbox.mails == []


def test_it_is_tried_for_days_but_not_for_ever(town: db.Sessions, now: datetime) -> None:
    file(town, now)

    class Down:
        tries = 0

        def send(self, mail: Mail) -> None:
            self.tries += 1
            raise NotMailed("down")

    down, at = Down(), now
    while at <= now + GIVE_UP + timedelta(hours=2):
        send_mail(town, down, page, now=at)
        at += timedelta(minutes=20)
    assert only(town).state is MessageState.FAILED
    assert 50 < down.tries < 100


def test_a_mail_whose_worker_died_is_sent_again_under_the_same_name(
    town: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    file(town, now)

    class Dies:
        def send(self, mail: Mail) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_mail(town, Dies(), page, now=now)
    printed = FileMailer(tmp_path / "mail.txt")
    assert send_mail(town, printed, page, now=now + LOST_AFTER) == 0
    assert send_mail(town, printed, page, now=now + LOST_AFTER + timedelta(seconds=1)) == 1
    assert only(town).id in (tmp_path / "mail.txt").read_text(encoding="utf-8")
    assert (tmp_path / "mail.txt").stat().st_mode & 0o777 == 0o600
