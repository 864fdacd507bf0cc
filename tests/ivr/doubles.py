"""A scripted caller and a desk whose answers a test decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar, cast

from ivr.conversation import Conversation, Ending, Happening, HungUp
from ivr.ports import (
    CertificateDraft,
    CertificateKind,
    DayHours,
    Delivery,
    Filed,
    Hours,
    IdentifiedBy,
    Identity,
    Opening,
    Spooled,
    Subject,
)
from ivr.steps import Dialog, Prompt, Recording
from tests.ivr.decided_appointments import DecidedAgenda
from tests.ivr.decided_call_backs import DecidedCallBacks
from tests.ivr.decided_consents import DecidedConsents
from tests.ivr.decided_courses import DecidedCourses
from tests.ivr.decided_information import DecidedInformation
from tests.ivr.decided_notices import DecidedNotices
from tests.ivr.decided_reports import DecidedReports
from tests.ivr.decided_requests import DecidedRequests
from tests.ivr.decided_rooms import DecidedRooms
from tests.ivr.decided_routing import DecidedRouting
from tests.ivr.decided_talks import DecidedRecording
from tests.ivr.deciding import Pick, first

T = TypeVar("T")

#: In a script: let a prompt or a wait pass, or put the receiver down.
SILENCE, HANG_UP = "-", "!"
#: Listen to one play to its end.
LISTEN = ""


@dataclass
class Script:
    """A line on which a scripted caller presses keys.

    ``keys`` are taken one by one, during a prompt if written with ``+`` before them, else after it:
    ``"1"`` waits for the end of the prompt, ``"+1"`` barges in, ``"-"`` is a silence, ``"!"`` hangs up. After
    a first key ``"23#"`` is typed in one go.
    """

    keys: list[str]
    heard: list[str] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    recordings: list[Recording | None] = field(default_factory=list)
    dialled: bool = False
    #: How long the caller was given for each key that was waited for.
    waits: list[float] = field(default_factory=list)

    def play(self, prompts: Sequence[Prompt], language: str, seconds: float = 0.0) -> str:
        self.heard += [prompt.key for prompt in prompts]
        self.prompts += prompts
        self.languages.append(language)
        if self.keys and self.keys[0].startswith("+"):
            return self.keys.pop(0)[1:]
        if self.keys[:1] == [LISTEN]:
            self.keys.pop(0)
        if self.keys[:1] == [HANG_UP]:
            raise HungUp
        return self.collect(seconds) if seconds else ""

    def collect(self, seconds: float, most: int = 1) -> str:
        self.waits.append(seconds)
        if not self.keys:
            raise AssertionError(f"the script has no key left after {self.heard[-3:]}")
        key = self.keys.pop(0).removeprefix("+")
        if key == HANG_UP:
            raise HungUp
        assert len(key) <= most, "more keys than were asked for"
        return "" if key == SILENCE else key

    def record(self, name: str, longest: int, least: float) -> Recording | None:
        if self.recordings:
            return self.recordings.pop(0)
        return Recording(Path(f"/recordings/{name}.wav"), 3.0)

    def dial(self) -> None:
        self.dialled = True


@dataclass
class Notes:
    """A journal to read back."""

    entries: list[tuple[str, Happening, str]] = field(default_factory=list)

    def note(self, node: str, happening: Happening, detail: str = "") -> None:
        self.entries.append((node, happening, detail))

    def of(self, *happenings: Happening) -> list[tuple[str, Happening, str]]:
        return [entry for entry in self.entries if entry[1] in happenings]


def converse(
    dialog: Dialog[None], keys: Iterable[str], *, language: str = "it"
) -> tuple[Ending, Script, Notes]:
    """Hold ``dialog`` with a caller who presses ``keys``."""
    line, notes = Script(list(keys)), Notes()
    ending = Conversation(line, notes, language=language).run(dialog)
    return ending, line, notes


MORNING, AFTERNOON = Opening(time(9), time(12, 45)), Opening(time(16), time(19, 45))


def a_week(first: date) -> tuple[DayHours, ...]:
    """Seven days: two spans on Mondays, one until Thursday, and a Friday that is closed for once."""
    spans: tuple[tuple[Opening, ...], ...]
    spans = ((MORNING, AFTERNOON), (MORNING,), (MORNING,), (MORNING,), (), (), ())
    days = (first + timedelta(days=ahead) for ahead in range(7))
    return tuple(DayHours(day, spans[day.weekday()], usual=day.weekday() < 5) for day in days)


#: On a Monday morning, in its break at noon, and on the Sunday before.
MONDAY = date(2026, 11, 23)
OPEN = Hours(open_now=True, week=a_week(MONDAY), next_day=MONDAY, next_time=time(16))
AT_NOON = Hours(open_now=False, week=a_week(MONDAY), next_day=MONDAY, next_time=time(16))
CLOSED = Hours(open_now=False, week=a_week(MONDAY - timedelta(days=1)), next_day=MONDAY, next_time=time(9))

KINDS = (
    *(CertificateKind(code, civil_status=True, fee=Decimal(0)) for code in ("birth", "marriage", "death")),
    *(
        CertificateKind(code, civil_status=False, fee=Decimal("16.52"))
        for code in ("residence", "family_status", "citizenship")
    ),
)

CITIZEN = Identity(IdentifiedBy.BIRTH_DATE, citizen_id=1)


class DecidedDesk:
    """A desk each of whose answers is picked from all that are possible, the friendliest first."""

    def __init__(self, pick: Pick[object] = first) -> None:
        self._pick = pick
        self.appointments = DecidedAgenda(pick)
        self.call_backs = DecidedCallBacks(pick)
        self.filed = DecidedRequests(pick)
        self.information = DecidedInformation(pick)
        self.consents = DecidedConsents(pick)
        self.notices = DecidedNotices(pick)
        self.reports = DecidedReports(pick)
        self.courses = DecidedCourses(pick)
        self.rooms = DecidedRooms(pick)
        self.recording = DecidedRecording(pick)
        self.routing = DecidedRouting(pick)
        self.certificates: list[tuple[CertificateDraft, Identity, bool]] = []
        self.kept: list[CertificateDraft] = []
        self.dropped: list[CertificateDraft] = []
        self.messages: list[Recording] = []
        self.agreements = 0
        self.remembered: list[str] = []

    def _one(self, question: str, *answers: T) -> T:
        return self._pick(question, answers)  # type: ignore[return-value]

    def language(self) -> str:
        return self._one("language", "it", "en")

    def remember_language(self, language: str) -> None:
        self.remembered.append(language)

    def hours(self) -> Hours:
        return self._one("hours", OPEN, CLOSED, AT_NOON)

    def kinds(self) -> Sequence[CertificateKind]:
        return self._one("kinds", KINDS, ())

    def new_certificate(self) -> CertificateDraft:
        return CertificateDraft("key")

    def unfinished_certificate(self) -> CertificateDraft | None:
        return self._one(
            "unfinished",
            None,
            CertificateDraft("key", "birth", exempt=True),
            CertificateDraft("key", "residence", False, Subject.SELF, copies=2, delivery=Delivery.HOME),
        )

    def keep(self, draft: CertificateDraft) -> None:
        self.kept.append(draft)

    def drop(self, draft: CertificateDraft) -> None:
        self.dropped.append(draft)

    def number_is_known(self) -> bool:
        return self._one("known", True, False)

    def may_identify(self) -> bool:
        return self._one("may identify", True, False)

    def identify_by_birth_date(self, born: date) -> Identity | None:
        return self._one("by birth date", CITIZEN, None)

    def identify_by_tax_code(self, keys: str) -> Identity | None:
        return self._one("by tax code", Identity(IdentifiedBy.TAX_CODE, 1), None)

    def can_text(self) -> bool:
        return self._one("can text", True, False)

    def can_phone(self) -> bool:
        return self._one("can phone", False, True)

    def has_consent(self) -> bool:
        return self._one("consent", True, False)

    def give_consent(self) -> None:
        self.agreements += 1

    def file_certificate(self, draft: CertificateDraft, identity: Identity, *, sms: bool) -> Filed | Spooled:
        self.certificates.append((draft, identity, sms))
        return self._one(
            "file", *cast(tuple[Filed | Spooled, ...], (Filed("12345674", date(2026, 11, 27)), Spooled()))
        )

    def file_message(self, recording: Recording) -> None:
        self.messages.append(recording)
