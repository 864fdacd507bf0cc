"""What a request is about: one closed model per kind, kept as JSON in the request's row."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlalchemy import JSON, Dialect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator


class RequestKind(StrEnum):
    """Kinds of requests."""

    CERTIFICATE = "certificate"
    MESSAGE = "message"
    REPORT = "report"
    COURSE = "course"
    ROOM = "room"
    CALL_BACK = "call_back"
    LOST_CALL = "lost_call"
    # What the counter does besides certificates and reports.
    CALL_CENTER = "call_center"
    DOCUMENTS = "documents"
    INFORMATION = "information"
    IDENTITY_DOCUMENTS = "identity_documents"
    RESIDENCE_CHANGE = "residence_change"
    DECLARATIONS = "declarations"
    AUTHENTICATION = "authentication"
    FORMS = "forms"
    APPOINTMENTS = "appointments"
    PAYMENTS = "payments"


class Subject(StrEnum):
    """Whom a certificate is about."""

    SELF = "self"
    OTHER = "other"


class Delivery(StrEnum):
    """How the citizen gets a certificate."""

    COUNTER = "counter"
    HOME = "home"


class Stamp(StrEnum):
    """Whether stamp duty is due: the kind is free, it is paid, or the use is exempt by law."""

    FREE = "free"
    PAID = "paid"
    EXEMPT = "exempt"


class IdentifiedBy(StrEnum):
    """How the citizen was identified; ``spoken`` means that an operator has to."""

    BIRTH_DATE = "birth_date"
    TAX_CODE = "tax_code"
    SPOKEN = "spoken"
    #: Shown at the counter.
    DOCUMENT = "document"


class RoomUse(StrEnum):
    """What a room of the town is asked for."""

    MARRIAGE = "marriage"
    CONFERENCE = "conference"
    OTHER = "other"


class PartOfDay(StrEnum):
    """When a room is asked for."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class _Details(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Identified(_Details):
    """What was asked for by somebody who said who he is."""

    identified_by: IdentifiedBy
    #: The spoken name and address of a caller who is not identified by keypad.
    identity_recording: Path | None = None


class Payable(_Details):
    """What something may be due for."""

    #: What was told to the citizen, in euro.
    fee: str
    #: The number of the pagoPA notice to pay it with, once one was issued.
    pagopa_notice: str | None = Field(default=None, pattern=r"^\d{18}$")


class CertificateDetails(Identified, Payable):
    """A certificate that was asked for. Paths are recordings."""

    kind: Literal[RequestKind.CERTIFICATE] = RequestKind.CERTIFICATE
    certificate: str
    subject: Subject
    #: The spoken name of another person the certificate is about.
    subject_recording: Path | None = None
    #: The same in writing.
    subject_name: str | None = None
    copies: int = Field(ge=1, le=3)
    delivery: Delivery
    stamp: Stamp


class MessageDetails(_Details):
    """A message for the operators: recorded by a caller, or the text of an SMS."""

    kind: Literal[RequestKind.MESSAGE] = RequestKind.MESSAGE
    recording: Path | None = None
    seconds: float | None = None
    text: str | None = None


class ReportDetails(_Details):
    """A report or complaint: recorded by telephone, or written. Paths are recordings."""

    kind: Literal[RequestKind.REPORT] = RequestKind.REPORT
    category: str
    #: The office it was forwarded to.
    office: str
    place_recording: Path | None = None
    message_recording: Path | None = None
    #: Length of the recorded message.
    seconds: float | None = None
    place: str | None = None
    message: str | None = None
    call_back: bool


class CourseDetails(Identified, Payable):
    """An enrolment in a course."""

    kind: Literal[RequestKind.COURSE] = RequestKind.COURSE
    course: str
    #: On the waiting list: the fee is not due before there is a place.
    waiting: bool


class RoomDetails(Identified):
    """A room that was asked for."""

    kind: Literal[RequestKind.ROOM] = RequestKind.ROOM
    room: str
    purpose: RoomUse
    day: date
    part: PartOfDay
    #: How many will come; ``None`` where it was not asked.
    people: int | None = None


class CallBackDetails(_Details):
    """A call-back that was asked for."""

    kind: Literal[RequestKind.CALL_BACK] = RequestKind.CALL_BACK
    number: str
    #: Since when the citizen waits for a person.
    waiting_since: datetime
    #: How often the number was called in vain, and what the last call met, once the worker gave up.
    tries: int = 0
    result: str | None = None


#: The services of the counter that are asked for in a few words.
CounterKind: TypeAlias = Literal[
    RequestKind.CALL_CENTER,
    RequestKind.DOCUMENTS,
    RequestKind.INFORMATION,
    RequestKind.IDENTITY_DOCUMENTS,
    RequestKind.RESIDENCE_CHANGE,
    RequestKind.DECLARATIONS,
    RequestKind.AUTHENTICATION,
    RequestKind.FORMS,
    RequestKind.APPOINTMENTS,
    RequestKind.PAYMENTS,
]


class CounterDetails(_Details):
    """What somebody asked for at the counter, in the operator's words."""

    kind: CounterKind
    #: What is wanted.
    text: str = Field(max_length=4000)
    #: How who asks was identified; ``None`` where nobody has to be.
    identified_by: IdentifiedBy | None = None


class Closed(StrEnum):
    """Why a lost call needs nobody any more."""

    CALLED_AGAIN = "called_again"
    CALLED_BACK = "called_back"


class LostCallDetails(_Details):
    """Calls of one number that reached nobody and left nothing."""

    kind: Literal[RequestKind.LOST_CALL] = RequestKind.LOST_CALL
    calls: int = Field(ge=1)
    first_at: datetime
    last_at: datetime
    #: The longest wait in the queue, seconds.
    longest_wait: int = Field(ge=0)
    #: What the calls were about, as the phones' displays showed it.
    about: tuple[str, ...] = ()
    #: Set when it closed by itself.
    closed: Closed | None = None


RequestDetails: TypeAlias = (
    CertificateDetails
    | MessageDetails
    | ReportDetails
    | CourseDetails
    | RoomDetails
    | CallBackDetails
    | LostCallDetails
    | CounterDetails
)

_details: TypeAdapter[RequestDetails] = TypeAdapter(Annotated[RequestDetails, Field(discriminator="kind")])


class DetailsJson(TypeDecorator[RequestDetails]):
    """The details as JSON, checked on the way in and out."""

    impl = JSON().with_variant(JSONB(), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: RequestDetails | None, dialect: Dialect) -> Any:
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> RequestDetails | None:
        return None if value is None else _details.validate_python(value)
