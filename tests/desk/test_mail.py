"""Reports forwarded by mail to a real mail server: at once, again where it failed, nothing personal."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import func, select

from desk import db
from desk.complaints import ReportOrder, UnknownCategory, file_report
from desk.mail.outbox import GIVE_UP, send_mail
from desk.mail.senders import FileMailer, Mail, Security, SmtpMailer
from desk.models import Email, MessageState, Request, RequestKind
from desk.outbox import LOST_AFTER, Undelivered

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
def mail_server(inbox: Inbox, port: int = 0, **options: Any) -> Iterator[int]:
    """A mail server on this machine; its port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, loop=asyncio.new_event_loop(), **options)
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
            raise Undelivered("down")

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


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The mail server's certificate, signed by an authority that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def known_user(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword
) -> AuthResult:
    known = (given.login, given.password) == (b"centralino", b"secret")
    return AuthResult(success=known, handled=False)


def guarded(security: Security, certificate: ssl.SSLContext) -> dict[str, Any]:
    """A server that asks for a log-in, over TLS only: after the greeting or from the start."""
    if security == "tls":
        # Inside TLS aiosmtpd cannot tell that the connection is secure.
        return {"ssl_context": certificate, "auth_require_tls": False, "authenticator": known_user}
    return {
        "tls_context": certificate,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": known_user,
    }


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_with_tls_and_log_in(
    town: db.Sessions, now: datetime, certificate: ssl.SSLContext, security: Security
) -> None:
    file(town, now)
    inbox = Inbox()
    with mail_server(inbox, **guarded(security, certificate)) as port:

        def send(password: str, at: datetime) -> int:
            mailer = SmtpMailer(
                "127.0.0.1",
                port,
                security=security,
                sender="centralino@comune.example",
                user="centralino",
                password=password,
            )
            return send_mail(town, mailer, page, now=at)

        assert send("wrong", now) == 0
        assert (only(town).state, only(town).failure) == (
            MessageState.CREATED,
            "the mail server refused: 535",
        )
        assert send("secret", now + timedelta(minutes=1)) == 1
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_whose_certificate_is_not_trusted_gets_neither_password_nor_mail(
    town: db.Sessions,
    now: datetime,
    certificate: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    security: Security,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    file(town, now)
    inbox = Inbox()
    asked: list[str] = []

    def note(_server: Any, _session: Any, _envelope: Any, mechanism: str, _given: object) -> AuthResult:
        asked.append(mechanism)
        return AuthResult(success=True)

    options = {**guarded(security, certificate), "authenticator": note}
    with mail_server(inbox, **options) as port:
        mailer = SmtpMailer(
            "127.0.0.1", port, security=security, sender="a@b.example", user="u", password="p"
        )
        assert send_mail(town, mailer, page, now=now) == 0
    assert (only(town).state, only(town).failure) == (MessageState.CREATED, "SSLCertVerificationError")
    assert (inbox.mails, asked) == ([], [])
