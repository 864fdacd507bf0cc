"""Where mail goes: a mail server over SMTP, or a file while a town has none set."""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path
from typing import Literal, Protocol

from desk.outbox import InDoubt, Undelivered

#: Seconds a mail server may take for one answer.
PATIENCE = 20.0

Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a mail; ``kind`` is its media type."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is sent; ``id`` stays the same when it is sent again."""

    id: str
    to: str
    subject: str
    body: str
    #: The same for programs that show pages; empty where there is only the text.
    html: str = ""
    attached: tuple[Attached, ...] = ()
    #: The address that ends mails which come again and again, by a POST (RFC 8058); empty for all others.
    unsubscribe: str = ""


class Mailer(Protocol):
    """A way out. ``send`` raises :class:`~desk.outbox.Undelivered` or :class:`~desk.outbox.InDoubt`."""

    def send(self, mail: Mail) -> None: ...


class SmtpMailer:
    """Hands mail to a server, one connection per mail.

    Args:
        host: of the server; its certificate is checked where there is one.
        port: 25, 587 (starttls) or 465 (tls) as a rule.
        security: plain text, encrypted after the greeting, or from the start.
        sender: the address in From; its domain is in the Message-ID too.
        user: empty for a server that asks for none.
        password: of that user.
    """

    def __init__(
        self, host: str, port: int, *, security: Security, sender: str, user: str = "", password: str = ""
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._sender, self._user, self._password = sender, user, password

    def send(self, mail: Mail) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = f"<{mail.id}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if mail.unsubscribe:
            message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(mail.body)
        if mail.html:
            message.add_alternative(mail.html, subtype="html")
        for file in mail.attached:
            main, _, sub = file.kind.partition("/")
            message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
        server = None
        try:
            server = self._connected()
            if self._user:
                server.login(self._user, self._password)
            server.ehlo_or_helo_if_needed()
            _taken(server.mail(self._sender))
            code, _ = server.rcpt(mail.to)
            if code >= 400:
                # 5xx: this address will never take it. 4xx: later, as with grey-listing.
                raise Undelivered(f"the address was refused: {code}", final=code >= 500)
            _taken(_hand_over(server, message))
        except smtplib.SMTPResponseException as e:
            raise Undelivered(f"the mail server refused: {e.smtp_code}") from e
        except (smtplib.SMTPException, OSError) as e:
            raise Undelivered(type(e).__name__) from e
        finally:
            if server is not None:
                _leave(server)

    def _connected(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=PATIENCE, context=ssl.create_default_context()
            )
        server = smtplib.SMTP(self._host, self._port, timeout=PATIENCE)
        if self._security == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def _taken(answer: tuple[int, bytes]) -> None:
    if answer[0] >= 400:
        raise smtplib.SMTPResponseException(*answer)


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> tuple[int, bytes]:
    """Send the mail itself. From its last byte on nobody knows whether it was taken until the server says."""
    try:
        return server.data(message.as_bytes(policy=SMTP))
    except smtplib.SMTPResponseException:
        raise
    except (smtplib.SMTPException, OSError) as e:
        raise InDoubt(type(e).__name__) from e


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; whatever is answered, the mail was taken or not before."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


class FileMailer:
    """Writes what would be sent to a file for the owner's eyes only (mode 600)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, mail: Mail) -> None:
        try:
            with open(
                os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
            ) as file:
                names = "".join(f"[{each.name}]\n" for each in mail.attached)
                file.write(f"To {mail.to} ({mail.id}): {mail.subject}\n{mail.body}\n{names}")
        except OSError as e:
            raise Undelivered(f"file: {e.strerror}") from e
