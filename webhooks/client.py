"""A small client of the web channel, for Python programs of the town: no Flask and no database needed.

    desk = Client("https://centralino.comune.example", "ctl_...")
    filed = desk.file_report(ReportRequest(category="roads", place="Via Roma 12", message="..."))

Every change carries an idempotency key, and is tried again with the same one while the desk does not answer,
so that it is made once. Who must be able to try again after a crash of its own gives ``key`` and keeps it.
:func:`read_event` checks and reads an event that the desk has sent.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http.client import HTTPException
from typing import Any, Literal, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

from pydantic import ValidationError

from desk.event_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, verify
from webhooks.schemas import (
    Appointment,
    Appointments,
    AppointmentServices,
    BookingRequest,
    CertificateKinds,
    CertificateRequest,
    ConsentWithdrawal,
    Courses,
    Enrolment,
    EnrolmentRequest,
    Enrolments,
    Event,
    FigureDefinitions,
    FiledRequest,
    FiledRequests,
    Hold,
    HoldRequest,
    LookUp,
    MoveRequest,
    Problem,
    Released,
    ReportCategories,
    ReportRequest,
    RoomDay,
    RoomRequest,
    Rooms,
    Schema,
    Slots,
    Statistics,
    StatisticsQuery,
    StatisticsTables,
    WithdrawnConsents,
)

__all__ = ["BadSignature", "Client", "Refused", "Unreachable", "read_event"]

#: Seconds to wait for an answer.
PATIENCE = 10
#: Tries before the desk counts as unreachable, and the longest wait between two (seconds).
TRIES, LONGEST_WAIT = 4, 30.0
#: "Later", not "no".
_LATER = {429, 502, 503, 504}

Answer = TypeVar("Answer", bound=Schema)


class Refused(Exception):
    """The desk does not do it; ``problem.type`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.type}")
        self.problem = problem


class Unreachable(Exception):
    """The desk does not answer, or only "later". A change may have been made: ask again with its key."""


@dataclass(frozen=True, slots=True)
class _Later:
    why: str
    seconds: float | None


class Client:
    """The web channel at ``base`` (with or without a path), asked with ``api_key``."""

    def __init__(self, base: str, api_key: str, *, patience: float = PATIENCE, tries: int = TRIES) -> None:
        if urlsplit(base).scheme not in ("http", "https"):
            raise ValueError("the address must begin with https:// (or http:// on one machine)")
        self._base = base.rstrip("/") + "/api/v1"
        self._api_key = api_key
        self._patience = patience
        self._tries = tries

    def certificate_kinds(self) -> CertificateKinds:
        """The certificates on offer."""
        return self._get("/certificate-kinds", CertificateKinds)

    def report_categories(self) -> ReportCategories:
        """What can be reported."""
        return self._get("/report-categories", ReportCategories)

    def file_certificate(self, wanted: CertificateRequest, *, key: str | None = None) -> FiledRequest:
        """Ask for a certificate."""
        return self._change("/certificates", wanted, FiledRequest, key)

    def file_report(self, report: ReportRequest, *, key: str | None = None) -> FiledRequest:
        """Report something, or complain."""
        return self._change("/reports", report, FiledRequest, key)

    def request(self, reference: str) -> FiledRequest:
        """Where a request stands."""
        return self._get(f"/requests/{quote(reference, safe='')}", FiledRequest)

    def requests_of(self, tax_code: str) -> FiledRequests:
        """A citizen's requests of all channels, the newest first."""
        return self._send("/requests/look-up", LookUp(tax_code=tax_code), FiledRequests)

    def withdraw_consent(self, wish: ConsentWithdrawal, *, key: str | None = None) -> WithdrawnConsents:
        """Send a citizen no more messages."""
        return self._change("/consents/withdraw", wish, WithdrawnConsents, key)

    def appointment_services(self) -> AppointmentServices:
        """What one can make an appointment for."""
        return self._get("/appointment-services", AppointmentServices)

    def slots(self, service: str, *, since: datetime | None = None, limit: int = 20) -> Slots:
        """The nearest free slots of a service; ``since`` is aware."""
        query = {"limit": str(limit)} | ({"since": since.isoformat()} if since else {})
        return self._get(f"/appointment-services/{quote(service, safe='')}/slots?{urlencode(query)}", Slots)

    def hold(self, wanted: HoldRequest, *, key: str | None = None) -> Hold:
        """Keep a slot while a citizen decides."""
        return self._change("/slot-holds", wanted, Hold, key)

    def release(self, hold: str, *, key: str | None = None) -> Released:
        """Give back a slot that was held."""
        return self._change("/slot-holds/release", Released(hold=hold), Released, key)

    def book(self, wanted: BookingRequest, *, key: str | None = None) -> Appointment:
        """Book a slot."""
        return self._change("/appointments", wanted, Appointment, key)

    def appointments_of(self, tax_code: str) -> Appointments:
        """A citizen's appointments to come."""
        return self._send("/appointments/look-up", LookUp(tax_code=tax_code), Appointments)

    def move(self, reference: str, wanted: MoveRequest, *, key: str | None = None) -> Appointment:
        """Give an appointment another time."""
        return self._change(f"/appointments/{quote(reference, safe='')}/move", wanted, Appointment, key)

    def cancel(self, reference: str, tax_code: str, *, key: str | None = None) -> Appointment:
        """Cancel an appointment."""
        path = f"/appointments/{quote(reference, safe='')}/cancel"
        return self._change(path, LookUp(tax_code=tax_code), Appointment, key)

    def courses(self) -> Courses:
        """The courses in which one can enrol now."""
        return self._get("/courses", Courses)

    def enrol(self, wanted: EnrolmentRequest, *, key: str | None = None) -> Enrolment:
        """Enrol in a course, or wait for a place."""
        return self._change("/enrolments", wanted, Enrolment, key)

    def enrolments_of(self, tax_code: str) -> Enrolments:
        """A citizen's enrolments, the newest first."""
        return self._send("/enrolments/look-up", LookUp(tax_code=tax_code), Enrolments)

    def withdraw_enrolment(self, reference: str, tax_code: str, *, key: str | None = None) -> Enrolment:
        """Withdraw an enrolment."""
        path = f"/enrolments/{quote(reference, safe='')}/withdraw"
        return self._change(path, LookUp(tax_code=tax_code), Enrolment, key)

    def rooms(self) -> Rooms:
        """The rooms of the town."""
        return self._get("/rooms", Rooms)

    def room_day(self, room: str, day: date) -> RoomDay:
        """How a room stands on a day."""
        return self._get(f"/rooms/{quote(room, safe='')}/day?day={day.isoformat()}", RoomDay)

    def ask_for_room(self, wanted: RoomRequest, *, key: str | None = None) -> FiledRequest:
        """Ask for a room; the office decides."""
        return self._change("/room-requests", wanted, FiledRequest, key)

    def statistics_tables(self) -> StatisticsTables:
        """The tables of figures that can be asked for."""
        return self._get("/statistics", StatisticsTables)

    def figure_definitions(self, language: Literal["it", "en"] = "it") -> FigureDefinitions:
        """What the figures mean."""
        return self._get(f"/statistics/definitions?language={language}", FigureDefinitions)

    def statistics(self, table: str, wanted: StatisticsQuery | None = None) -> Statistics:
        """A table of figures; without ``wanted`` of the last thirty days."""
        query = (wanted or StatisticsQuery()).model_dump(mode="json", exclude_none=True)
        shown = urlencode(query)
        return self._get(f"/statistics/{quote(table, safe='')}?{shown}", Statistics)

    def _get(self, path: str, answer: type[Answer]) -> Answer:
        return self._ask(path, None, answer, {})

    def _send(self, path: str, body: Schema, answer: type[Answer]) -> Answer:
        return self._ask(path, body, answer, {})

    def _change(self, path: str, body: Schema, answer: type[Answer], key: str | None) -> Answer:
        return self._ask(path, body, answer, {"Idempotency-Key": key or str(uuid.uuid4())})

    def _ask(
        self, path: str, body: Schema | None, answer: type[Answer], headers: Mapping[str, str]
    ) -> Answer:
        data = body.model_dump_json(exclude_none=True).encode() if body else None
        wait = 0.5
        for tries_left in reversed(range(self._tries)):
            found = self._try(path, data, headers)
            if not isinstance(found, _Later):
                # A newer desk may tell more than we know of.
                return answer.model_validate_json(found, extra="ignore")
            if not tries_left:
                raise Unreachable(found.why)
            time.sleep(min(found.seconds or wait, LONGEST_WAIT))
            wait *= 2
        raise ValueError("it must be tried at least once")

    def _try(self, path: str, data: bytes | None, headers: Mapping[str, str]) -> bytes | _Later:
        request = Request(  # noqa: S310  the scheme was checked
            self._base + path,
            data,
            {
                "Authorization": f"Bearer {self._api_key}",
                "Accept": "application/json",
                **({"Content-Type": "application/json"} if data else {}),
                **headers,
            },
        )
        try:
            with urlopen(request, timeout=self._patience) as response:  # noqa: S310
                content: bytes = response.read()
                return content
        except HTTPError as e:
            with e:
                if e.code in _LATER:
                    return _Later(f"HTTP {e.code}", _seconds(e.headers.get("Retry-After")))
                raise Refused(_problem(e.code, e.read())) from e
        except (OSError, HTTPException) as e:
            return _Later(type(e).__name__, None)


def read_event(secret: str, body: bytes, headers: Mapping[str, Any], *, now: datetime) -> Event:
    """The event in ``body``, as it was received, checked by its headers.

    Answer 2xx only once it is safe; it comes again until then. The same ``id`` may come twice.

    Raises:
        BadSignature: it does not come from the desk whose subscription has this secret, or is old.
    """
    values = {name.lower(): str(value) for name, value in headers.items()}
    verify(
        secret,
        body,
        timestamp=values.get(TIMESTAMP_HEADER.lower()),
        signature=values.get(SIGNATURE_HEADER.lower()),
        now=now,
    )
    return Event.model_validate_json(body, extra="ignore")


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


def _problem(status: int, body: bytes) -> Problem:
    try:
        return Problem.model_validate(json.loads(body))
    except (ValueError, ValidationError):
        # Something in between has answered.
        return Problem(type="about:blank", title=f"HTTP {status}", status=status)
