"""The senders that are set."""

from __future__ import annotations

from desk.mail.senders import SmtpMailer
from desk.settings import Settings
from desk.sms.by_mail import MailSender
from desk.sms.senders import FileSender, Sender


class NotSet(ValueError):
    """A sender lacks a setting; the text names it."""


def senders_of(settings: Settings) -> list[Sender]:
    """The routes in the order in which they are preferred. Raises :class:`NotSet`."""
    return [_sender(name, settings) for name in settings.sms_sender]


def _sender(name: str, settings: Settings) -> Sender:
    if name == "twilio":
        # Its library takes a second to be imported.
        from desk.sms.by_twilio import TwilioSender

        _need(settings, "twilio_account_sid", "twilio_auth_token")
        if not settings.twilio_messaging_service:
            _need(settings, "twilio_sender")
        return TwilioSender(
            settings.twilio_account_sid,
            settings.twilio_auth_token.get_secret_value(),
            service=settings.twilio_messaging_service,
            sender=settings.twilio_sender,
            public_url=settings.public_url,
            api=settings.twilio_api,
        )
    if name == "mail":
        _need(settings, "sms_mail_to", "smtp_host")
        mailer = SmtpMailer(
            settings.smtp_host,
            settings.smtp_port,
            security=settings.smtp_security,
            sender=settings.mail_from,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
        )
        return MailSender(mailer, settings.sms_mail_to, settings.sms_mail_subject)
    return FileSender(settings.home.resolve() / "sms-printed.txt")


def _need(settings: Settings, *names: str) -> None:
    for name in names:
        # A secret counts as empty too.
        if not getattr(settings, name):
            raise NotSet(f"CENTRALINO_{name.upper()} is not set")
