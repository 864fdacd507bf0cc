"""What a dialog asks of the world behind it, as protocols, so that dialogs stay pure.

The desk answers within milliseconds and never raises: where the database cannot be asked, the answer is the
one that keeps the caller going (nobody is recognised, no draft is found, a request is spooled to disk).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ivr.agenda import Agenda
from ivr.steps import Recording

if TYPE_CHECKING:
    # Each service's own port stands beside its dialog, and dialogs import this module.
    from ivr.call_back import CallBacks
    from ivr.courses import CourseDesk
    from ivr.find_request import FiledRequests
    from ivr.information import InformationDesk
    from ivr.notice import Notices
    from ivr.recording_notice import RecordingRules
    from ivr.report import ReportDesk
    from ivr.rooms import RoomDesk
    from ivr.sms_service import TextConsents
    from ivr.waiting import Routing


class Subject(StrEnum):
    """Whom a certificate is about."""

    SELF = "self"
    OTHER = "other"


class Delivery(StrEnum):
    """How the citizen gets it."""

    COUNTER = "counter"
    HOME = "home"


class IdentifiedBy(StrEnum):
    """How the citizen was identified."""

    BIRTH_DATE = "birth_date"
    TAX_CODE = "tax_code"
    SPOKEN = "spoken"


@dataclass(frozen=True, slots=True)
class CertificateKind:
    """A certificate that can be asked for. ``fee`` is due per copy in euro unless the use is exempt."""

    code: str
    civil_status: bool
    fee: Decimal

    @property
    def free(self) -> bool:
        return self.fee == 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling: a citizen of the register, or what an unknown caller said of himself."""

    by: IdentifiedBy
    citizen_id: int | None = None
    spoken: Recording | None = None


@dataclass(frozen=True, slots=True)
class CertificateDraft:
    """A certificate request in the making; ``None`` is not answered yet. Who asks is never kept in it."""

    key: str
    kind: str | None = None
    exempt: bool | None = None
    subject: Subject | None = None
    subject_spoken: Path | None = None
    copies: int | None = None
    delivery: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """The request is in the shared database."""

    reference: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Spooled:
    """The database was out of reach: the request is safe on disk and will be filed later."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A span of one day in which the desk is open, wall clock Europe/Rome."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class DayHours:
    """When the desk is open on one day, with all that is special about it."""

    day: date
    spans: tuple[Opening, ...]
    #: Whether it is open on this weekday as a rule: then a day without spans is news.
    usual: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """When a person can be reached, seen from now."""

    open_now: bool
    #: Seven days, today first; empty if nothing is known.
    week: tuple[DayHours, ...]
    #: The next opening after now; ``None`` if none is known.
    next_day: date | None
    next_time: time | None

    @property
    def today(self) -> DayHours | None:
        return self.week[0] if self.week else None


class Desk(Protocol):
    """The town's desk as one call sees it. What a service of its own asks stands with its dialog."""

    @property
    def filed(self) -> FiledRequests:
        """The requests that were filed."""

    @property
    def information(self) -> InformationDesk:
        """What the short answers need."""

    @property
    def consents(self) -> TextConsents:
        """What the calling number may be texted."""

    @property
    def notices(self) -> Notices:
        """What every caller must know now."""

    @property
    def reports(self) -> ReportDesk:
        """Where reports and complaints go."""

    @property
    def courses(self) -> CourseDesk:
        """The town's courses."""

    @property
    def rooms(self) -> RoomDesk:
        """The rooms that the town lends."""

    @property
    def appointments(self) -> Agenda:
        """The agendas of the offices."""

    @property
    def recording(self) -> RecordingRules:
        """Whether talks with operators are recorded."""

    @property
    def call_backs(self) -> CallBacks:
        """Being called back instead of waiting."""

    @property
    def routing(self) -> Routing:
        """The queue for a person."""

    def language(self) -> str:
        """The language this caller chose in an earlier call, else ``"it"``."""

    def remember_language(self, language: str) -> None:
        """Keep it for this caller's next call."""

    def hours(self) -> Hours:
        """When a person can be reached."""

    def kinds(self) -> Sequence[CertificateKind]:
        """The certificates on offer, in the order they are spoken."""

    def new_certificate(self) -> CertificateDraft:
        """An empty draft with a key of its own."""

    def unfinished_certificate(self) -> CertificateDraft | None:
        """The draft that a broken-off call of this number left."""

    def keep(self, draft: CertificateDraft) -> None:
        """Save the draft as it is now."""

    def drop(self, draft: CertificateDraft) -> None:
        """The caller does not want to go on with it."""

    def number_is_known(self) -> bool:
        """Whether a registered citizen has the calling number."""

    def may_identify(self) -> bool:
        """Whether today's limit of failed identifications for this number leaves a try."""

    def identify_by_birth_date(self, born: date) -> Identity | None:
        """The one citizen of the calling number born on that day; ``None`` counts as a failed try."""

    def identify_by_tax_code(self, keys: str) -> Identity | None:
        """The one citizen whose tax code is typed with these 16 keys; ``None`` counts as a failed try."""

    def can_text(self) -> bool:
        """Whether the calling number is shown and a mobile one."""

    def can_phone(self) -> bool:
        """Whether the calling number is a landline, and the town tells those by telephone."""

    def has_consent(self) -> bool:
        """Whether messages about requests may go to the calling number."""

    def give_consent(self) -> None:
        """The caller agreed by keypad to messages about requests; stored with the request."""

    def file_certificate(self, draft: CertificateDraft, identity: Identity, *, sms: bool) -> Filed | Spooled:
        """File the finished draft. The same draft is filed once, however often this is called."""

    def file_message(self, recording: Recording) -> None:
        """Keep a message for the operators."""
