"""What can be set, read once at start: the environment first (``CENTRALINO_*``), then these defaults.

Secrets are not here but in :mod:`desk.keyring` (a file with mode 600 under the home folder), except the
database URL and Twilio's credentials, which a town passes through the environment.
"""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: The checkout: where the configuration templates and prompt texts lie.
PROJECT = Path(__file__).resolve().parent.parent

#: Opening hours, due dates and everything spoken follow this clock.
ROME = ZoneInfo("Europe/Rome")

Port = Annotated[int, Field(ge=1, le=65535)]


Days = Annotated[int, Field(ge=1)]


class KeepDays(BaseModel):
    """After how many days what is hidden or removed; set as ``CENTRALINO_KEEP_DAYS__CALLS`` and so on.

    Nothing of an open request or an appointment to come is touched, however old it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Callers' numbers in the call log, and numbers in its details.
    calls: Days = 180
    #: Callers' numbers in what the queue and the exchange recorded.
    queue: Days = 180
    identifications: Days = 30
    #: Numbers and texts of messages that were sent.
    messages: Days = 365
    #: Contact numbers of requests that are closed and appointments that are over for so long.
    contacts: Days = 365
    #: Consents are proof: a number goes this long after its consent was withdrawn (L. 689/1981 art. 28).
    consents: Days = 5 * 366
    #: Documents that belong to requests closed for so long.
    attachments: Days = 365
    #: Recordings of requests that are closed for so long.
    recordings: Days = 90
    #: Who worked at which place, and who took a pause when and why: stays that have ended for so long.
    places: Days = 180


class Settings(BaseSettings):
    """The settings of one running system. Two systems on one machine differ in ``home`` and the ports."""

    model_config = SettingsConfigDict(
        env_prefix="CENTRALINO_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    #: All state lives below this folder: database, prompts, Asterisk's files, secrets, logs.
    home: Path = Path("var")
    #: SQLAlchemy URL; empty means SQLite in ``home``. May carry a password, so it is never printed.
    database_url: SecretStr = SecretStr("")

    #: Where Asterisk listens for SIP (UDP). The demo keeps to the loopback address.
    sip_address: str = "127.0.0.1"
    sip_port: Port = 5060
    rtp_first_port: Port = 10000
    rtp_last_port: Port = 10999
    #: Addresses (CIDR) whose calls are taken for the trunk's, comma-separated.
    trunk_addresses: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1/32",)
    #: The number citizens dial, in E.164.
    town_number: str = "+390200000100"
    #: Where citizens who cannot telephone write to; empty sends them to the town's web site.
    town_email: str = ""
    #: A private Asterisk root made by ``asterisk-conf/obtain``; empty means ``home/asterisk-root``.
    asterisk_root: Path | None = None

    agi_address: str = "127.0.0.1"
    agi_port: Port = 4573
    #: Only these peers may speak to the AGI server, comma-separated.
    agi_allowed: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "::1")
    ami_port: Port = 5038

    web_address: str = "127.0.0.1"
    web_port: Port = 8080

    #: Where phones in the operators' pages reach Asterisk: encrypted at ``sip_address``, and open on the
    #: loopback address only.
    wss_port: Port = 8089
    ws_port: Port = 8088
    #: The address that pages are told, as ``wss://centralino.comune.example/ws``; empty: the open one where
    #: the pages themselves are on the loopback address, else the encrypted one at the host of the page.
    phone_url: str = Field(default="", pattern=r"^(wss?://[\w.\[\]-]+(:\d+)?(/[\w./-]*)?)?$")
    #: A certificate (PEM, with its chain) and its key for it; empty: one that is signed by itself.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    #: Whether there is a page on which anybody at the desk can try the system with a citizen's phone.
    try_it: bool = False
    #: Whether supervisors may listen to talks and whisper to operators, who are told so each time. The town
    #: answers for it to its staff and to callers: off unless that is settled.
    listening: bool = False

    #: Voice engine for prompts without a human recording.
    voice: Literal["pico", "gtts"] = "pico"
    #: Where SMS go; the first one has all messages while it is well, the next one takes over when it fails.
    #: ``file`` writes what would be sent to ``home/sms-printed.txt``.
    sms_sender: Annotated[tuple[Literal["file", "twilio", "mail"], ...], NoDecode, Field(min_length=1)] = (
        "file",
    )
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    #: A messaging service (``MG...``), or else the number or the letters that messages come from.
    twilio_messaging_service: str = ""
    twilio_sender: str = ""
    #: Twilio's address; another one for a region.
    twilio_api: str = "https://api.twilio.com"
    #: A gateway from mail to SMS (sender ``mail``), as ``{number}@sms.example``; by the mail server below.
    sms_mail_to: str = ""
    sms_mail_subject: str = "SMS"
    #: Between these times (Europe/Rome) only answers to citizens go out.
    sms_quiet_from: time = time(21)
    sms_quiet_until: time = time(8)
    #: SMS a day in all, and to one number; what is above waits for the next day.
    sms_a_day: int = Field(default=2000, ge=0)
    sms_a_number: int = Field(default=10, ge=0)
    #: Trial: only these numbers get SMS, comma-separated. Empty: all do.
    sms_trial_numbers: Annotated[tuple[str, ...], NoDecode] = ()

    #: Landlines are told by telephone on working days between these times (Europe/Rome); so many at a time,
    #: to leave lines for who calls; again after so many seconds if in vain, so often in all.
    voice_notices_from: time = time(9)
    voice_notices_until: time = time(20)
    voice_notices_at_once: int = Field(default=2, ge=1)
    voice_notice_retry_seconds: int = 7200
    voice_notice_tries: int = Field(default=3, ge=1)

    #: The mail server that reports are forwarded through; empty writes them to ``home/mail-printed.txt``.
    smtp_host: str = ""
    smtp_port: Port = 25
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    mail_from: str = "centralino@localhost"
    #: How offices reach the web pages, as ``https://centralino.comune.example``; empty where they listen.
    web_url: str = ""
    #: How providers reach the webhooks from outside, as ``https://centralino.comune.example``; empty: they do
    #: not, so there are no receipts.
    public_url: str = ""
    #: Where a call on Twilio's trunk is dialled on to, as ``sip:+390200000100@sip.comune.example``; empty: it
    #: goes to the back office's own number at once.
    twilio_sip_uri: str = ""
    #: The back office's number outside our own system, in E.164: where calls go that cannot reach it.
    back_office_number: str = ""

    #: Failed identifications allowed per calling number and day.
    identification_tries_per_day: int = 6
    #: A broken-off call is offered again for this long.
    draft_hours: int = 48
    keep_days: KeepDays = KeepDays()

    #: Where calls to citizens go out, as ``sip:198.51.100.7:5060``; empty: call-backs stay in the list only.
    trunk_uri: str = Field(default="", pattern=r"^(sips?:[\w.:@\[\]-]+)?$")
    #: The name by which the trunk's provider knows us, where it wants a password: that is
    #: ``CENTRALINO_TRUNK_PASSWORD``, or else ``trunk`` in ``keyring.toml``. Empty: it knows our address.
    trunk_user: str = Field(default="", pattern=r"^[\w.+-]*$")
    trunk_password: SecretStr = SecretStr("")
    #: Whether we tell the provider where we are; off where it wants a password for outgoing calls only.
    trunk_register: bool = True
    #: Call-backs allowed per day to one number, and asked for by one caller.
    call_backs_per_number_and_day: int = 3
    call_backs_per_caller_and_day: int = 3
    #: A number that was called in vain is called again after this long, so many times in all.
    call_back_retry_seconds: int = 600
    call_back_tries: int = 3
    #: A phone that rang in vain is told of its pause after this long, and asked again after this long.
    pause_told_seconds: int = 10
    pause_asked_again_seconds: int = 300
    #: Where the worker is gone, such a pause ends by itself after this long: the phone rings again.
    pause_without_worker_seconds: int = Field(default=120, ge=15)

    #: Where the desk reads its mail: what is due is sent there every working morning; empty sends none.
    desk_email: str = ""

    #: Where backups go; empty means ``home/backups``. Another disk is better.
    backups: Path | None = None
    #: The file (mode 600) that opens the backups; empty means ``home/backup.key``, made at the first one.
    backup_key: Path | None = None
    #: The newest so many are kept.
    backups_kept: Annotated[int, Field(ge=1)] = 14

    #: Who has to give a code of the own telephone after the password.
    two_step_required: Literal["nobody", "admins", "everybody"] = "nobody"
    #: The town's own log-in (OpenID Connect), as ``https://login.comune.example``; empty: passwords only.
    oidc_issuer: str = Field(default="", pattern=r"^(https?://\S+)?$")
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    #: What of its answer is the log-in of an operator here, looked at the first time only.
    oidc_claim: str = "preferred_username"
    #: What its button says; empty: a word of ours.
    oidc_label: str = ""

    #: How the town is called on the pages, as ``Comune di Esempio``.
    town_name: str = ""
    #: The accessibility statement that the town declared (form.agid.gov.it); empty: it has not yet.
    accessibility_statement: str = Field(default="", pattern=r"^(https://\S+)?$")

    #: Who may read ``/metrics``: these addresses, asking directly, or whoever has the token.
    metrics_allowed: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "::1")
    metrics_token: SecretStr = SecretStr("")

    @field_validator(
        "trunk_addresses",
        "agi_allowed",
        "sms_sender",
        "sms_trial_numbers",
        "metrics_allowed",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def url(self) -> str:
        """The SQLAlchemy URL in force. May carry a password: never log it."""
        return (
            self.database_url.get_secret_value() or f"sqlite:///{self.home.resolve() / 'centralino.sqlite'}"
        )

    @property
    def trunk_domain(self) -> str:
        """The provider's host, out of :attr:`trunk_uri`."""
        found = re.match(r"sips?:(?:[^@]*@)?(\[[^\]]+\]|[^:]+)", self.trunk_uri)
        return found[1] if found else ""

    @model_validator(mode="after")
    def _trunk_is_whole(self) -> Self:
        if self.trunk_user and not self.trunk_uri:
            raise ValueError("CENTRALINO_TRUNK_USER needs CENTRALINO_TRUNK_URI: whom to register with")
        return self

    def request_page(self, reference: str) -> str:
        """The address of a request's page for the operators."""
        return f"{self._web}/console/requests/{reference}"

    def stop_report_page(self, number: int, token: str) -> str:
        """The address of the page that ends a report by mail, for who gets it."""
        return f"{self._web}/console/statistics/mails/stop/{number}/{token}"

    @property
    def _web(self) -> str:
        return self.web_url.rstrip("/") or f"http://{self.web_address}:{self.web_port}"

    @property
    def recordings(self) -> Path:
        """Where what callers say is recorded: Asterisk writes it, the desk reads and removes it."""
        return self.home.resolve() / "recordings"

    @property
    def messages(self) -> Path:
        """Where the dialplan records messages by itself while the AGI server is down."""
        return self.home.resolve() / "spool" / "messages"

    @property
    def recorded_calls(self) -> Path:
        """Where Asterisk leaves recorded talks until the worker has encrypted them."""
        return self.home.resolve() / "spool" / "calls"

    @property
    def call_recordings(self) -> Path:
        """Where encrypted talks are kept."""
        return self.home.resolve() / "call-recordings"

    @property
    def attachments(self) -> Path:
        """Where the encrypted documents of requests are kept."""
        return self.home.resolve() / "attachments"

    @property
    def asterisk_log(self) -> Path:
        """Where Asterisk writes what it records of calls."""
        return self.home.resolve() / "asterisk" / "log"

    @property
    def call_backs(self) -> Path:
        """Where the dialplan notes what became of a call-back."""
        return self.home.resolve() / "spool" / "call-backs"

    @property
    def voice_notices(self) -> Path:
        """Where the dialplan notes what became of the call of a voice notice."""
        return self.home.resolve() / "spool" / "voice-notices"

    @property
    def backup_folder(self) -> Path:
        """Where backups lie."""
        return (self.backups or self.home / "backups").resolve()

    @property
    def backup_key_file(self) -> Path:
        """What opens the backups."""
        return (self.backup_key or self.home / "backup.key").resolve()

    @property
    def sounds(self) -> Path:
        """Where the rendered prompts lie."""
        return self.home.resolve() / "sounds"

    @property
    def asterisk_program_root(self) -> Path:
        """Where a private Asterisk lies, if this system has one."""
        return (self.asterisk_root or self.home / "asterisk-root").resolve()
