"""The desk as one call sees it: :class:`ivr.ports.Desk` on the shared request database.

Every method keeps the caller going when the database is out of reach: nobody is recognised then, drafts are
not kept, and a finished request goes to the spool on disk, from where the worker files it exactly once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from agi_scripts.appointments_desk import AppointmentsDesk
from agi_scripts.call_back_desk import CallBackDesk
from agi_scripts.call_context import CallContext
from agi_scripts.consent_desk import ConsentDesk
from agi_scripts.courses_desk import CoursesDesk
from agi_scripts.filed_desk import FiledDesk
from agi_scripts.house import House
from agi_scripts.information_desk import InformationDesk
from agi_scripts.journal import CallJournal
from agi_scripts.live_queue import LiveQueue, NoQueue
from agi_scripts.notice_desk import NoticeDesk
from agi_scripts.pace import CallerPace
from agi_scripts.recording_desk import RecordingDesk
from agi_scripts.report_desk import ReportDesk
from agi_scripts.rooms_desk import RoomsDesk
from agi_scripts.routing_desk import RoutingDesk
from call_routing.hours import OpeningHours
from desk.certificates import CertificateOrder, fees, file_certificate
from desk.citizens import citizens_with_number
from desk.consents import Purpose, has_consent
from desk.drafts import drop_draft, keep_draft, unfinished_draft
from desk.identification import (
    identify_by_birth_date,
    identify_by_tax_code_keys,
    note_failed_identification,
    tries_left,
)
from desk.models import Citizen
from desk.preferences import language_of, remember_language
from desk.replay import CERTIFICATE, MESSAGE
from desk.requests import MessageOrder, file_message
from desk.settings import ROME
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
from ivr.steps import Recording

#: The versions of the consent texts spoken at the nodes ``certificate.sms`` and ``certificate.voice``.
CONSENT_TEXT, VOICE_TEXT = "phone-1", "phone-voice-1"


class CallDesk:
    """The desk for one call of ``caller``: E.164, or ``None`` if the number is withheld or no number.

    ``queue`` is the queue as the call sees it, ``since`` when the caller began to wait for a person, where
    that has begun, ``language`` the one that was chosen before; without it, the number's own.
    """

    def __init__(
        self,
        house: House,
        journal: CallJournal,
        caller: str | None,
        *,
        queue: LiveQueue | None = None,
        since: datetime | None = None,
        language: str | None = None,
    ) -> None:
        self._chosen = language
        queue = queue or NoQueue()
        self.call = self._call = CallContext(house, journal, caller)
        #: The certificate that the caller asks for and has not confirmed.
        self.draft: CertificateDraft | None = None
        #: Agreed to receipts in this call: stored together with the request.
        self._agreed = False
        #: Whether the caller's language was looked up.
        self._recalled = False
        self.appointments = AppointmentsDesk(self._call, consent=self._consent)
        self.call_backs = CallBackDesk(self._call, since, queue)
        self.filed = FiledDesk(self._call)
        self.information = InformationDesk(self._call)
        self.consents = ConsentDesk(self._call)
        self.notices = NoticeDesk(self._call)
        self.reports = ReportDesk(self._call)
        self.courses = CoursesDesk(self._call, consent=self._consent)
        self.rooms = RoomsDesk(self._call, consent=self._consent)
        self.recording = RecordingDesk(self._call)
        self.routing = RoutingDesk(self._call, queue, since)
        self.pace = CallerPace(self._call)

    def language(self) -> str:
        caller = self._call.caller
        if self._chosen is not None:
            self._call.language = self._chosen
        elif caller is not None and not self._recalled:
            self._call.language = self._call.read(lambda s: language_of(s, caller), None) or "it"
            self._recalled = True
        return self._call.language

    def remember_language(self, language: str) -> None:
        self._call.language = language
        caller = self._call.caller
        if caller is not None:
            self._call.write(lambda s: remember_language(s, caller, language, self._call.now()))

    def hours(self) -> Hours:
        town = self._call.house.town()
        if town is None:
            # Rather a telephone that rings in vain than a citizen turned away in office hours.
            return Hours(open_now=True, week=(), next_day=None, next_time=None)
        return hours_seen_from(OpeningHours.of(town), self._call.now())

    def kinds(self) -> Sequence[CertificateKind]:
        town = self._call.house.town()
        if town is None:
            return ()
        return tuple(
            CertificateKind(kind.code, kind.civil_status, fees(kind, 1, exempt=False))
            for kind in town.certificate_kinds
        )

    def new_certificate(self) -> CertificateDraft:
        return CertificateDraft(str(uuid.uuid4()))

    def unfinished_certificate(self) -> CertificateDraft | None:
        caller = self._call.caller
        if caller is None:
            return None
        hours = self._call.house.settings.draft_hours
        found = self._call.read(
            lambda s: unfinished_draft(s, caller, kind=CERTIFICATE, now=self._call.now(), hours=hours), None
        )
        return _draft(found.key, found.answers) if found else None

    def keep(self, draft: CertificateDraft) -> None:
        self.draft = draft
        # One transaction for the draft and the log: this is done at every step.
        self._call.journal.write(lambda s: self._keep(s, draft))

    def _keep(self, session: Session, draft: CertificateDraft) -> None:
        caller = self._call.caller
        if caller is None:
            return
        answers = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(draft).items()
            if name != "key" and value is not None
        }
        keep_draft(
            session, key=draft.key, caller=caller, kind=CERTIFICATE, answers=answers, now=self._call.now()
        )

    def drop(self, draft: CertificateDraft) -> None:
        self.draft = None
        self._call.write(lambda s: drop_draft(s, draft.key))

    def number_is_known(self) -> bool:
        caller = self._call.caller
        return caller is not None and self._call.read(
            lambda s: bool(citizens_with_number(s, caller)), default=False
        )

    def may_identify(self) -> bool:
        limit = self._call.house.settings.identification_tries_per_day
        return self._call.read(
            lambda s: tries_left(s, self._call.caller, limit=limit, now=self._call.now()) > 0, default=False
        )

    def identify_by_birth_date(self, born: date) -> Identity | None:
        return self._identify(
            IdentifiedBy.BIRTH_DATE,
            lambda s: identify_by_birth_date(s, caller=self._call.caller, born=born),
        )

    def identify_by_tax_code(self, keys: str) -> Identity | None:
        return self._identify(
            IdentifiedBy.TAX_CODE,
            lambda s: identify_by_tax_code_keys(s, keys=keys),
        )

    def _identify(self, by: IdentifiedBy, find: Callable[[Session], Citizen | None]) -> Identity | None:
        citizen = self._call.read(find, None)
        if citizen is not None:
            self._call.identified = True
            self._call.citizen_id = citizen.id
            return Identity(by, citizen.id)
        self._call.write(lambda s: note_failed_identification(s, self._call.caller, self._call.now()))
        return None

    def can_text(self) -> bool:
        return self._call.mobile is not None

    def can_phone(self) -> bool:
        return self._call.landline is not None

    def has_consent(self) -> bool:
        caller = self._call.caller
        return self._agreed or (
            caller is not None
            and self._call.read(lambda s: has_consent(s, caller, Purpose.RECEIPTS), default=False)
        )

    def give_consent(self) -> None:
        self._agreed = True

    def _consent(self) -> str | None:
        """The version of the text by which the caller agreed to receipts in this call."""
        if not self._agreed:
            return None
        return VOICE_TEXT if self.can_phone() else CONSENT_TEXT

    def file_certificate(self, draft: CertificateDraft, identity: Identity, *, sms: bool) -> Filed | Spooled:
        self.draft = None
        kinds = {kind.code: kind for kind in self.kinds()}
        assert draft.kind is not None
        free = draft.kind not in kinds or kinds[draft.kind].free
        order = CertificateOrder.model_validate(
            {
                **self._call.ordered_by(identity, sms=sms, consent_text=self._consent()),
                "kind": draft.kind,
                "subject": draft.subject,
                "subject_recording": draft.subject_spoken,
                "copies": draft.copies,
                "delivery": draft.delivery,
                "stamp": "free" if free else "exempt" if draft.exempt else "paid",
                "idempotency_key": draft.key,
            }
        )
        request = self._call.file(
            CERTIFICATE,
            order.idempotency_key,
            order,
            lambda s: file_certificate(s, order, now=self._call.now()),
        )
        return Filed(request.reference, request.due_on) if request else Spooled()

    def file_message(self, recording: Recording) -> None:
        order = MessageOrder(
            recording=recording.path,
            seconds=recording.seconds,
            caller=self._call.caller,
            language=self._call.language,
            idempotency_key=f"message-{self._call.unique_id}",
            call_unique_id=self._call.unique_id,
        )
        self._call.file(
            MESSAGE, order.idempotency_key, order, lambda s: file_message(s, order, now=self._call.now())
        )


def _draft(key: str, answers: dict[str, object]) -> CertificateDraft:
    """The draft as it was kept; what this version does not understand counts as not answered."""
    kind, exempt, copies = answers.get("kind"), answers.get("exempt"), answers.get("copies")
    subject, delivery, spoken = (answers.get(name) for name in ("subject", "delivery", "subject_spoken"))
    return CertificateDraft(
        key,
        kind=kind if isinstance(kind, str) else None,
        exempt=exempt if isinstance(exempt, bool) else None,
        subject=Subject(str(subject)) if subject in set(Subject) else None,
        subject_spoken=Path(spoken) if isinstance(spoken, str) else None,
        copies=copies if isinstance(copies, int) else None,
        delivery=Delivery(str(delivery)) if delivery in set(Delivery) else None,
    )


def hours_seen_from(hours: OpeningHours, now: datetime) -> Hours:
    """What a caller of that moment is told of the hours."""
    today, following = now.astimezone(ROME).date(), hours.next_opening(now)
    days = (today + timedelta(days=ahead) for ahead in range(7))
    return Hours(
        open_now=hours.is_open(now),
        week=tuple(
            DayHours(
                day,
                tuple(Opening(opens, closes) for opens, closes in hours.told(day)),
                usual=bool(hours.week.get(day.weekday())),
            )
            for day in days
        ),
        next_day=following.date() if following else None,
        next_time=following.time() if following else None,
    )
