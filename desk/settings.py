"""What can be set, read once at start: the environment first (``CENTRALINO_*``), then these defaults.

Secrets are not here but in :mod:`desk.keyring` (a file with mode 600 under the home folder), except the
database URL and Twilio's credentials, which a town passes through the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
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
    #: Recordings of requests that are closed for so long.
    recordings: Days = 90


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
    #: A private Asterisk root made by ``asterisk-conf/obtain``; empty means ``home/asterisk-root``.
    asterisk_root: Path | None = None

    agi_address: str = "127.0.0.1"
    agi_port: Port = 4573
    #: Only these peers may speak to the AGI server, comma-separated.
    agi_allowed: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "::1")
    ami_port: Port = 5038

    web_address: str = "127.0.0.1"
    web_port: Port = 8080

    #: Voice engine for prompts without a human recording.
    voice: Literal["pico", "gtts"] = "pico"
    #: Where SMS go. ``file`` writes what would be sent to ``home/sms-printed.txt``.
    sms_sender: Literal["file"] = "file"

    #: The mail server that reports are forwarded through; empty writes them to ``home/mail-printed.txt``.
    smtp_host: str = ""
    smtp_port: Port = 25
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    mail_from: str = "centralino@localhost"
    #: How offices reach the web pages, as ``https://centralino.comune.example``; empty where they listen.
    web_url: str = ""

    #: Failed identifications allowed per calling number and day.
    identification_tries_per_day: int = 6
    #: A broken-off call is offered again for this long.
    draft_hours: int = 48
    keep_days: KeepDays = KeepDays()

    #: Where the desk reads its mail: what is due is sent there every working morning; empty sends none.
    desk_email: str = ""

    #: Where backups go; empty means ``home/backups``. Another disk is better.
    backups: Path | None = None
    #: The file (mode 600) that opens the backups; empty means ``home/backup.key``, made at the first one.
    backup_key: Path | None = None
    #: The newest so many are kept.
    backups_kept: Annotated[int, Field(ge=1)] = 14

    #: Who may read ``/metrics``: these addresses, asking directly, or whoever has the token.
    metrics_allowed: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "::1")
    metrics_token: SecretStr = SecretStr("")

    @field_validator("trunk_addresses", "agi_allowed", "metrics_allowed", mode="before")
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

    def request_page(self, reference: str) -> str:
        """The address of a request's page for the operators."""
        base = self.web_url.rstrip("/") or f"http://{self.web_address}:{self.web_port}"
        return f"{base}/console/requests/{reference}"

    @property
    def recordings(self) -> Path:
        """Where what callers say is recorded: Asterisk writes it, the desk reads and removes it."""
        return self.home.resolve() / "recordings"

    @property
    def messages(self) -> Path:
        """Where the dialplan records messages by itself while the AGI server is down."""
        return self.home.resolve() / "spool" / "messages"

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
