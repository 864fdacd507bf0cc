"""A gateway that makes text messages of mails: the address holds the number, the body the words."""

from __future__ import annotations

from collections.abc import Sequence

from desk.mail.senders import Mail, SmtpMailer
from desk.outbox import Undelivered
from desk.sms.senders import Text


class MailSender:
    """Sends by mail.

    Args:
        mailer: the way to the gateway.
        address: of the gateway, with ``{number}`` (international, without +), as ``{number}@sms.example``.
        subject: what the gateway wants there, such as a key.
    """

    name = "mail"
    gives_receipts = False
    can_find = False

    def __init__(self, mailer: SmtpMailer, address: str, subject: str) -> None:
        self._mailer, self._address, self._subject = mailer, address, subject

    def send(self, text: Text) -> str:
        to = self._address.format(number=text.to.removeprefix("+"))
        self._mailer.send(Mail(text.id, to, self._subject, text.body))
        return f"mail-{text.id}"

    def find(self, text: Text) -> Sequence[str]:
        raise Undelivered("a mail gateway cannot be asked")
