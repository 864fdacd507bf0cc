"""What the web channel takes and answers, for the server, its description and the client alike.

Pure pydantic: no Flask, no database. Examples are part of the description (``/api/v1/openapi.json``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Channel = Literal["phone", "web", "counter", "sms"]
Kind = Literal[
    "certificate",
    "message",
    "report",
    "course",
    "room",
    "call_back",
    "lost_call",
    "call_center",
    "documents",
    "information",
    "identity_documents",
    "residence_change",
    "declarations",
    "authentication",
    "forms",
    "appointments",
    "payments",
]
State = Literal["received", "in_progress", "waiting_citizen", "done", "rejected"]


Purpose = Literal["marriage", "conference", "other"]
Part = Literal["morning", "afternoon", "evening"]

D = TypeVar("D", bound=date)


def _of_our_time(value: D) -> D:
    """Far away, arithmetic with time zones and calendars breaks."""
    if not 2000 < value.year < 2100:
        raise ValueError("the time is not of this century")
    return value


#: Codes of the catalogues.
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Reference = Annotated[str, Field(pattern=r"^[1-9][0-9]{7}$")]
#: Names a slot that is held.
HoldName = Annotated[str, Field(pattern=r"^web-[0-9]{1,9}-[0-9a-f]{40}$")]
#: As SPID or CIE have verified it.
TaxCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{16}$", examples=["CLMGLI80C55F205N"])]
PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", examples=["+393331112201"])]
Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Day = Annotated[date, AfterValidator(_of_our_time)]
#: One line, and several lines, without control characters, and not of blanks only.
_LINE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
Line = Annotated[str, Field(max_length=120, pattern=_LINE)]
#: Two of them and a blank fit where the name of who asks is kept.
Name = Annotated[str, Field(max_length=79, pattern=_LINE)]
Text = Annotated[
    str,
    Field(
        max_length=4000,
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$",
    ),
]


class Schema(BaseModel):
    """What all share. Errors never show what was sent: it names citizens.

    What stands below a field is its text in the description.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


def _example(**values: Any) -> ConfigDict:
    """The configuration of a model that is shown filled in like this."""
    return _examples(values)


def _examples(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Contact(Schema):
    """How the citizen is reached, and in which language."""

    phone: PhoneNumber | None = None
    language: Literal["it", "en"] = "it"
    sms_consent: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,40}$", examples=["web-1"])] | None = None
    """Version of the text by which the citizen agreed just now to be texted about this."""


class Applicant(Schema):
    """Who asks, as SPID or CIE have verified it. Counts where the tax code is not in the town's register."""

    given_name: Name
    family_name: Name


class CertificateKind(Schema):
    """A certificate on offer; amounts in euro per copy."""

    code: Code
    stamp_duty: str
    secretary_fee: str
    working_days: int


class CertificateKinds(Schema):
    items: list[CertificateKind]


class ReportCategory(Schema):
    """What can be reported."""

    code: Code
    name_it: str
    name_en: str
    working_days: int


class ReportCategories(Schema):
    items: list[ReportCategory]


class AppointmentService(Schema):
    """What one can make an appointment for."""

    code: Code
    name_it: str
    name_en: str
    place: str
    slot_minutes: int


class AppointmentServices(Schema):
    items: list[AppointmentService]


class CertificateRequest(Schema):
    """A citizen's confirmed request for a certificate."""

    model_config = _examples(
        {
            "tax_code": "CLMGLI80C55F205N",
            "certificate": "residence",
            "copies": 1,
            "delivery": "counter",
            "contact": {"phone": "+393331112201", "sms_consent": "web-1"},
        },
        {
            "tax_code": "RSSMRA80A01H501U",
            "applicant": {"given_name": "Mario", "family_name": "Rossi"},
            "certificate": "birth",
            "delivery": "home",
        },
    )

    tax_code: TaxCode
    applicant: Applicant | None = None
    """Needed for who is not in the register."""
    certificate: Code
    subject_name: Line | None = None
    """Whom it is about, unless the citizen."""
    copies: Annotated[int, Field(ge=1, le=3)] = 1
    delivery: Literal["counter", "home"]
    exempt: bool = False
    """Whether the use is exempt from stamp duty by law."""
    contact: Contact = Contact()


class ReportRequest(Schema):
    """A report or a complaint. Whoever reports need not say who they are."""

    model_config = _example(
        category="roads",
        place="Via Roma 12",
        message="Il lampione davanti al civico 12 è spento da una settimana.",
        call_back=False,
    )

    category: Code
    place: Line
    message: Text
    call_back: bool = False
    """Needs a telephone number."""
    tax_code: TaxCode | None = None
    applicant: Applicant | None = None
    """Counts with a tax code that is not in the register."""
    contact: Contact = Contact()


class FiledRequest(Schema):
    """A request as it stands; nothing personal."""

    model_config = _example(
        reference="69454466",
        kind="certificate",
        channel="web",
        state="received",
        filed_at="2026-11-23T09:00:00Z",
        due_on="2026-11-25",
        owed="0.00",
    )

    reference: Reference
    kind: Kind
    channel: Channel
    state: State
    filed_at: AwareDatetime
    due_on: date
    owed: str
    """What is still to be paid, in euro."""


class FiledRequests(Schema):
    items: list[FiledRequest]


class LookUp(Schema):
    """Whose requests or appointments are wanted. In a body: a tax code has no place in an address."""

    model_config = _example(tax_code="CLMGLI80C55F205N")

    tax_code: TaxCode


class ConsentWithdrawal(Schema):
    """A citizen wants no more messages: at any of the numbers or at this one, of any kind or of this one."""

    model_config = _example(tax_code="CLMGLI80C55F205N", purpose="notices")

    tax_code: TaxCode
    phone: PhoneNumber | None = None
    purpose: Literal["receipts", "notices"] | None = None


class WithdrawnConsents(Schema):
    """How many consents ended; none where none was in force, or the number is not the citizen's."""

    withdrawn: int


class SlotQuery(Schema):
    """Which free slots are wanted. Comes as text, so it is read less strictly than a body."""

    model_config = ConfigDict(strict=False)

    since: Moment | None = None
    """None begins earlier."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class Slot(Schema):
    """A time that can be booked, with the places that are left for the web."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    places: int


class Slots(Schema):
    items: list[Slot]


class HoldRequest(Schema):
    """A slot that is to be kept while a citizen decides."""

    model_config = _example(service="identity_card", starts_at="2026-11-30T10:00:00+01:00")

    service: Code
    starts_at: Moment


class Hold(Schema):
    """A slot that nobody else gets until then. Booking with ``hold`` takes it."""

    hold: HoldName
    held_until: AwareDatetime


class Released(Schema):
    """The slot is free again."""

    hold: HoldName


class BookingRequest(Schema):
    """An appointment that a citizen wants."""

    model_config = _example(
        tax_code="CLMGLI80C55F205N",
        service="identity_card",
        starts_at="2026-11-30T10:00:00+01:00",
        contact={"phone": "+393331112201", "sms_consent": "web-1"},
    )

    tax_code: TaxCode
    applicant: Applicant | None = None
    """Needed for who is not in the register."""
    service: Code
    starts_at: Moment
    hold: HoldName | None = None
    """What holding the slot has answered; without it the slot is taken if it is free."""
    contact: Contact = Contact()


class MoveRequest(Schema):
    """Another time for an appointment, asked for by the citizen whose it is."""

    model_config = _example(tax_code="CLMGLI80C55F205N", starts_at="2026-12-01T10:00:00+01:00")

    tax_code: TaxCode
    starts_at: Moment


class Appointment(Schema):
    """An appointment as it stands; nothing personal."""

    model_config = _example(
        reference="69454466",
        service="identity_card",
        state="booked",
        starts_at="2026-11-30T09:00:00Z",
        ends_at="2026-11-30T09:20:00Z",
    )

    reference: Reference
    service: Code
    state: Literal["booked", "cancelled"]
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class Appointments(Schema):
    items: list[Appointment]


class Course(Schema):
    """A course in which one can enrol now; the fee is in euro."""

    code: Code
    name_it: str
    name_en: str
    first_lesson: AwareDatetime
    fee: str
    left: int
    """Places left."""
    next_position: int | None
    """The position on the waiting list that the next one gets; null if that is full too."""


class Courses(Schema):
    items: list[Course]


class EnrolmentRequest(Schema):
    """A citizen's enrolment in a course."""

    model_config = _example(tax_code="CLMGLI80C55F205N", course="ceramics", may_wait=True)

    tax_code: TaxCode
    applicant: Applicant | None = None
    """Needed for who is not in the register."""
    course: Code
    may_wait: bool = False
    """Whether the waiting list will do where no place is left."""
    contact: Contact = Contact()


class Enrolment(Schema):
    """An enrolment: with a place, with a position on the waiting list, or withdrawn."""

    request: FiledRequest
    course: Code
    state: Literal["placed", "waiting", "withdrawn"]
    position: int | None
    """On the waiting list, from 1; null for who does not wait."""


class Enrolments(Schema):
    items: list[Enrolment]


class Room(Schema):
    """A room of the town."""

    code: Code
    name_it: str
    name_en: str
    capacity: int
    purposes: list[Purpose]


class Rooms(Schema):
    items: list[Room]


class RoomQuery(Schema):
    """Which day of a room is wanted."""

    model_config = ConfigDict(strict=False)

    day: Day


class PartOfRoom(Schema):
    """A part of a day: free, asked for by somebody, or given away."""

    part: Part
    standing: Literal["free", "asked", "taken"]


class RoomDay(Schema):
    """How a room stands on a day."""

    day: date
    parts: list[PartOfRoom]


class RoomRequest(Schema):
    """A citizen asks for a room. Asking reserves nothing: the office decides."""

    model_config = _example(
        tax_code="CLMGLI80C55F205N",
        room="civic_hall",
        purpose="conference",
        day="2026-12-15",
        part="evening",
        people=30,
    )

    tax_code: TaxCode
    applicant: Applicant | None = None
    """Needed for who is not in the register."""
    room: Code
    purpose: Purpose
    day: Day
    part: Part
    people: Annotated[int, Field(ge=1, le=100_000)] | None = None
    contact: Contact = Contact()


Language = Literal["it", "en"]
Unit = Literal[
    "count",
    "number",
    "seconds",
    "share",
    "text",
    "date",
    "month",
    "moment",
    "hour",
    "half",
    "weekday",
]
Level = Literal["without_short", "of_offered", "of_answered", "abandoned_served", "without_abandoned_in_time"]


class FigureDefinition(Schema):
    """What a figure means, how it is reckoned, and the tables it comes from."""

    model_config = _example(
        name="asa",
        unit="seconds",
        title="Attesa media",
        meaning="Attesa media in coda delle chiamate risposte.",
        formula="waited_answered ÷ answered",
        source="queue_stays",
    )

    name: str
    unit: Unit
    """seconds; share from 0 to 1; half: half hours of the day from 0; weekday: 0 is Monday."""
    title: str
    meaning: str
    formula: str
    source: str


class FigureDefinitions(Schema):
    items: list[FigureDefinition]


class DefinitionQuery(Schema):
    """In which language the meanings are wanted."""

    model_config = ConfigDict(strict=False)

    language: Language = "it"


class StatisticsTable(Schema):
    """A table that can be asked for, and what it can be told apart by; the first is what it is without."""

    name: str
    title_it: str
    title_en: str
    by: list[str]


class StatisticsTables(Schema):
    items: list[StatisticsTable]


class StatisticsQuery(Schema):
    """Which figures of which days are wanted. Without days: the last thirty."""

    model_config = ConfigDict(strict=False)

    first: Annotated[Day | None, Field(examples=["2026-11-01"])] = None
    last: Annotated[Day | None, Field(examples=["2026-11-30"])] = None
    by: Annotated[str, Field(pattern=r"^[a-z_]{0,20}$", examples=["day"])] = ""
    """One of the table's own."""
    line: Annotated[str | None, Field(pattern=r"^\+?[0-9]{1,20}$", examples=["+390200000100"])] = None
    """Only calls to this number of the town; a plus in an address is %2B."""
    office: Code | None = None
    """Only calls to this office's own number."""
    calls_in: Language | None = None
    """Only calls in this language."""
    within: Annotated[int, Field(ge=0, le=3600)] = 20
    """Service level: answered within so many seconds."""
    short: Annotated[int, Field(ge=0, le=3600)] = 5
    """Who gave up sooner (seconds) is a short abandon."""
    level: Level = "without_short"
    """Which of the published ways the service level is reckoned by."""
    language: Language = "it"
    """Of the words in the answer."""


class FigureColumn(Schema):
    name: str
    unit: Unit


class Statistics(Schema):
    """Figures of a period; what their names mean is at /statistics/definitions."""

    model_config = _example(
        table="calls",
        by="day",
        first="2026-11-23",
        last="2026-11-23",
        made_at="2026-11-23T09:00:00Z",
        columns=[{"name": "day", "unit": "date"}, {"name": "answered_share", "unit": "share"}],
        rows=[{"day": "2026-11-23", "answered_share": 0.9375}],
    )

    table: str
    by: str
    first: date
    last: date
    made_at: AwareDatetime | None
    """When the sums were last brought up to date; null before the first time."""
    columns: list[FigureColumn]
    rows: list[dict[str, int | float | str | None]]
    """A value for each column, null where there is nothing to count."""


class Mistake(Schema):
    """What is wrong with one value of the body or the address."""

    pointer: str
    """JSON pointer into the body, or the name of a parameter."""
    detail: str


class Problem(Schema):
    """Why something was not done (RFC 9457). ``type`` is a stable code for programs."""

    model_config = _example(
        type="urn:centralino:problem:slot-taken", title="The slot is full or not on offer", status=409
    )

    type: str
    title: str
    status: int
    errors: list[Mistake] | None = None


class Event(Schema):
    """What the town's other systems are told. Nothing personal; ``data`` may have more in later versions."""

    id: str
    type: Literal[
        "request.filed",
        "request.state_changed",
        "appointment.booked",
        "appointment.moved",
        "appointment.cancelled",
    ]
    occurred_at: AwareDatetime
    data: dict[str, str | None]


class Health(Schema):
    """Whether the web part can do its work."""

    ok: bool
    parts: dict[str, bool]
