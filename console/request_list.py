"""What the pages show of requests: rows of the list, and one request in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.attachments import attachments_of
from desk.call_log import call_story
from desk.courses import position
from desk.due_dates import CLOSED, Due, count_due
from desk.find_requests import Wanted, find
from desk.models import (
    Call,
    CallBackDetails,
    CallRecording,
    CertificateDetails,
    Citizen,
    CompetentOffice,
    CounterDetails,
    Course,
    CourseDetails,
    Enrolment,
    Identified,
    IdentifiedBy,
    LostCallDetails,
    Message,
    MessageDetails,
    MessageState,
    Operator,
    ReportCategory,
    ReportDetails,
    Request,
    RequestAttachment,
    RequestDetails,
    RequestNote,
    RequestPeriod,
    RequestState,
    Room,
    RoomBooking,
    RoomDecision,
    RoomDetails,
)
from desk.requests import request_by_reference
from desk.settings import ROME

#: Requests on one page.
PAGE_SIZE = 50

#: The templates of the text messages that confirm a request; the last one written is the one that counts.
_RECEIPTS = frozenset(
    {"certificate_receipt", "course_place", "course_place_free", "course_waiting", "room_asked"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One request as the list shows it."""

    #: Grows with every request that is filed.
    number: int
    reference: str
    filed_at: datetime
    channel: str
    #: The code of a certificate, or of another kind of request.
    kind: str
    state: RequestState
    due_on: date
    overdue: bool
    due_today: bool
    #: Name of the citizen who asked, where identified; else the name that was given.
    citizen: str | None
    #: Log-in of who has it, and the name.
    assignee: str | None
    assignee_name: str | None
    #: What was asked for, where it is a certificate.
    certificate: CertificateDetails | None
    report: ReportDetails | None
    course: CourseDetails | None
    room: RoomDetails | None
    call_back: CallBackDetails | None
    lost: LostCallDetails | None
    #: What was written, where it came as a text.
    text: str | None
    #: How far its SMS receipt is; None where the citizen has none.
    receipt: MessageState | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list. ``next`` is where the next page begins, None on the last one."""

    rows: Sequence[Row]
    due: Due
    after: int | None
    next: int | None


@dataclass(frozen=True, slots=True)
class LinkedCall:
    """The call in which a request was made."""

    caller: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    #: What was pressed, said or decided: moment, node of the dialog, what happened, and with what.
    steps: Sequence[tuple[datetime, str, str, str]]
    #: Asterisk's name for it, where the talk was recorded and the recording is still there.
    recorded: str | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One request in full. Recordings by name (``identity``, ``subject``, ``message``)."""

    row: Row
    request_id: int
    citizen_id: int | None
    contact: str | None
    language: str
    recordings: Mapping[str, Path]
    periods: Sequence[RequestPeriod]
    #: How it was identified, where somebody asked.
    identified_by: IdentifiedBy | None
    #: The course, the room or what is reported, by language.
    names: Mapping[str, str]
    #: The name of the office that a report was forwarded to.
    office: str | None
    #: Whether there is a place in the course: ``given``, ``waiting`` at a position, ``withdrawn``.
    place: str | None
    position: int | None
    #: Whether a room was approved.
    decision: RoomDecision | None
    #: The text messages about it, the oldest first.
    messages: Sequence[Message]
    notes: Sequence[RequestNote]
    attachments: Sequence[RequestAttachment]
    #: The verified tax code of who is not in the register.
    applicant_tax_code: str | None
    call: LinkedCall | None
    #: Names of operators by log-in, for who has done what.
    operators: Mapping[str, str]

    @property
    def closed_at(self) -> datetime | None:
        """Since when it is closed."""
        return self.periods[-1].started_at if self.row.state in CLOSED and self.periods else None


def read_page(db: Session, wanted: Wanted, *, by: str, after: int | None, now: datetime) -> Page:
    """The requests that are wanted, after the one with the id ``after``."""
    found = find(db, wanted, by=by, limit=PAGE_SIZE + 1, after=after, now=now)
    shown = found[:PAGE_SIZE]
    more = shown[-1].id if len(found) > PAGE_SIZE else None
    return Page(_rows(db, shown, now), count_due(db, now=now), after, more)


def last_change(db: Session) -> int | None:
    """Another number once a request was filed or its state or assignee changed."""
    return db.scalar(select(func.max(RequestPeriod.id)))


def read_detail(db: Session, reference: str, *, now: datetime) -> Detail | None:
    """The request with this reference, or None."""
    request = request_by_reference(db, reference)
    if request is None:
        return None
    details = request.details
    about = _about(db, details)
    enrolment = db.scalar(select(Enrolment).where(Enrolment.request_id == request.id))
    return Detail(
        row=_rows(db, [request], now)[0],
        request_id=request.id,
        citizen_id=request.citizen_id,
        contact=request.contact_e164,
        language=request.language,
        recordings=_recordings(request.details),
        periods=tuple(request.periods),
        identified_by=details.identified_by if isinstance(details, Identified | CounterDetails) else None,
        names={"it": about.name_it, "en": about.name_en or about.name_it} if about else {},
        office=_office(db, details),
        place=_place(enrolment) if enrolment else None,
        position=position(db, enrolment) if enrolment else None,
        decision=db.scalar(select(RoomBooking.decision).where(RoomBooking.request_id == request.id)),
        messages=db.scalars(
            select(Message).where(Message.request_id == request.id).order_by(Message.created_at, Message.id)
        ).all(),
        notes=db.scalars(
            select(RequestNote).where(RequestNote.request_id == request.id).order_by(RequestNote.id)
        ).all(),
        attachments=attachments_of(db, request.id),
        applicant_tax_code=request.applicant_tax_code,
        call=_call(db, request),
        operators=operator_names(db),
    )


def operator_names(db: Session) -> Mapping[str, str]:
    """The names of operators by log-in, also of those who have left."""
    return {row.login: row.name for row in db.execute(select(Operator.login, Operator.name))}


def _call(db: Session, request: Request) -> LinkedCall | None:
    # Asked for without one, a database looks through all calls for one that has no number.
    called = db.get(Call, request.call_id) if request.call_id is not None else None
    call = call_story(db, called.unique_id) if called else None
    if call is None:
        return None
    recording = db.get(CallRecording, call.unique_id)
    return LinkedCall(
        call.caller_e164,
        call.started_at,
        call.ended_at,
        call.outcome,
        [(event.at, event.node, event.event, event.detail) for event in call.events if event.detail],
        call.unique_id if recording else None,
    )


def _place(enrolment: Enrolment) -> str:
    if enrolment.cancelled_at:
        return "withdrawn"
    return "given" if enrolment.placed_at else "waiting"


def _about(db: Session, details: RequestDetails) -> Course | Room | ReportCategory | None:
    match details:
        case CourseDetails():
            return db.get(Course, details.course)
        case RoomDetails():
            return db.get(Room, details.room)
        case ReportDetails():
            return db.get(ReportCategory, details.category)
    return None


def _office(db: Session, details: RequestDetails) -> str | None:
    office = db.get(CompetentOffice, details.office) if isinstance(details, ReportDetails) else None
    return office.name if office else None


def _rows(db: Session, requests: Sequence[Request], now: datetime) -> Sequence[Row]:
    receipts = _receipts(db, (request.id for request in requests))
    operators = operator_names(db)
    today = now.astimezone(ROME).date()
    return [
        Row(
            number=request.id,
            reference=request.reference,
            filed_at=request.filed_at,
            channel=request.channel,
            kind=_kind(request.details),
            state=request.state,
            due_on=request.due_on,
            overdue=request.due_on < today and request.state not in CLOSED,
            due_today=request.due_on == today and request.state not in CLOSED,
            citizen=_name(request.citizen) or request.applicant,
            assignee=request.assignee,
            assignee_name=operators.get(request.assignee, request.assignee) if request.assignee else None,
            certificate=request.details if isinstance(request.details, CertificateDetails) else None,
            report=request.details if isinstance(request.details, ReportDetails) else None,
            course=request.details if isinstance(request.details, CourseDetails) else None,
            room=request.details if isinstance(request.details, RoomDetails) else None,
            call_back=request.details if isinstance(request.details, CallBackDetails) else None,
            lost=request.details if isinstance(request.details, LostCallDetails) else None,
            text=request.details.text
            if isinstance(request.details, MessageDetails | CounterDetails)
            else None,
            receipt=receipts.get(request.id),
        )
        for request in requests
    ]


def _kind(details: RequestDetails) -> str:
    return details.certificate if isinstance(details, CertificateDetails) else details.kind


def _text(details: RequestDetails) -> str | None:
    return details.text if isinstance(details, MessageDetails | CounterDetails) else None


def _name(citizen: Citizen | None) -> str | None:
    return f"{citizen.first_name} {citizen.last_name}" if citizen else None


def _receipts(db: Session, ids: Iterable[int]) -> Mapping[int, MessageState]:
    """The state of each request's SMS receipt: one question for a whole page."""
    found = db.execute(
        select(Message.request_id, Message.state)
        .where(Message.request_id.in_(list(ids)), Message.template.in_(_RECEIPTS))
        .order_by(Message.created_at)
    )
    return {request: state for request, state in found if request is not None}


def _recordings(details: RequestDetails) -> Mapping[str, Path]:
    kept: dict[str, Path | None] = {}
    if isinstance(details, MessageDetails):
        kept["message"] = details.recording
    elif isinstance(details, ReportDetails):
        kept |= {"place": details.place_recording, "message": details.message_recording}
    elif isinstance(details, Identified):
        kept["identity"] = details.identity_recording
    if isinstance(details, CertificateDetails):
        kept["subject"] = details.subject_recording
    return {name: path for name, path in kept.items() if path is not None}
