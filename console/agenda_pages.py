"""The agenda: a day or a week of an office, and booking, moving, cancelling for a citizen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from flask import Blueprint, abort, g, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from console.changing import ChangingPages, saved
from console.form_reading import Form
from console.language import language_of_visitor
from console.person_search import LONGEST_NAME, person_asked
from console.routes import add_page
from console.texts import Texts
from desk.agenda import offices, read_days
from desk.appointments import (
    BookingOrder,
    FreeSlot,
    NotBooked,
    SlotTaken,
    TooMany,
    UnknownService,
    appointments_of,
    book,
    cancel,
    free_slots,
    move,
    note_came,
)
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.find_citizens import find_citizens
from desk.models import AppointmentService, Booking, BookingState, Channel, Citizen
from desk.permissions import Permission
from desk.references import is_reference
from desk.settings import ROME
from desk.town_changes import note_change

#: The text that operators read out before they note a citizen's consent to SMS.
CONSENT = "counter-1"
#: Characters of the key of a form.
_LONGEST_HOLDER = 80
#: Days on which other times are offered, counted from the day that was asked for.
_FREE_SHOWN = 40
#: No agenda is looked at further away than this (years): dates have an end.
_FARTHEST = 50
#: Why an appointment is not made or changed, and what is said then.
_WHY: Mapping[type[Exception], str] = {
    SlotTaken: "agenda.slot_taken",
    UnknownService: "agenda.slot_taken",
    NotBooked: "agenda.not_booked",
    TooMany: "agenda.too_many",
}
REFUSALS = tuple(_WHY)


class AgendaPages(ChangingPages):
    """The pages of the agenda. ``home`` is the folder below which recordings lie."""

    def __init__(
        self, sessions: Sessions, texts: Texts, *, clock: Callable[[], datetime], home: Path
    ) -> None:
        super().__init__(sessions, texts, clock=clock)
        self._home = home.resolve()

    def add_to(self, blueprint: Blueprint) -> None:
        """Register the pages."""
        one = "/agenda/appointments/<reference>"
        for path, name, view in (
            ("/agenda", "agenda", self.agenda),
            (one, "appointment", self.appointment),
            (f"{one}/identity.wav", "appointment_recording", self.recording),
        ):
            add_page(blueprint, path, name, view, Permission.SEE_AGENDA)
        for path, name, view, method in (
            ("/agenda/book", "book_appointment", self.book_form, "GET"),
            ("/agenda/book", "save_appointment", self.book, "POST"),
            (f"{one}/move", "move_appointment", self.move, "POST"),
            (f"{one}/cancel", "cancel_appointment", self.cancel, "POST"),
            (f"{one}/came", "appointment_came", self.came, "POST"),
        ):
            add_page(blueprint, path, name, view, Permission.BOOK_APPOINTMENTS, methods=[method])

    def agenda(self) -> ResponseReturnValue:
        """A day or a week of an office."""
        now = self._clock()
        day, week = _day(request.args.get("day"), now), request.args.get("view") == "week"
        first, days = (day - timedelta(days=day.weekday()), 7) if week else (day, 1)
        with transaction(self._sessions) as db:
            known = offices(db)
            if not known:
                return render_template("agenda.html", offices=(), office=None)
            office = next((each for each in known if each.code == request.args.get("office")), known[0])
            found = read_days(db, office, first=first, days=days, now=now)
            note_look(
                db,
                by=g.operator.login,
                action=AuditAction.LISTED,
                now=now,
                detail=f"agenda {office.code} {first} {days}",
            )
        if week:
            # Saturday and Sunday only where somebody receives or comes.
            found = [each for each in found if each.day.weekday() < 5 or any(s.rows for s in each.services)]
        step = timedelta(days=days)
        return render_template(
            "agenda.html",
            offices=known,
            office=office,
            day=day,
            week=week,
            days=found,
            today=_today(now),
            now=now,
            earlier=first - step,
            later=first + step,
        )

    def appointment(self, reference: str) -> ResponseReturnValue:
        """One appointment."""
        return self._shown(reference)

    def recording(self, reference: str) -> ResponseReturnValue:
        """Where an unknown caller said who comes."""
        with transaction(self._sessions) as db:
            booking = _booking(db, reference)
            path = booking.recording
            file = (self._home / path).resolve() if path else None
            if file is None or not file.is_relative_to(self._home) or not file.is_file():
                abort(404)
            if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
                self._note(db, AuditAction.HEARD, booking)
        return send_file(file, mimetype="audio/wav", conditional=True)

    def move(self, reference: str) -> ResponseReturnValue:
        """Give the appointment another time."""
        starts = _moment(request.form.get("at", ""))
        try:
            with transaction(self._sessions) as db:
                booking = _booking(db, reference)
                if starts is None:
                    raise SlotTaken
                move(
                    db,
                    booking.id,
                    starts,
                    holder=f"console {uuid.uuid4()}",
                    channel=Channel.COUNTER,
                    **self._by(),
                )
        except REFUSALS as e:
            return self._shown(reference, _why(e))
        return saved(_page_of(reference), "agenda.moved")

    def cancel(self, reference: str) -> ResponseReturnValue:
        """Cancel the appointment."""
        try:
            with transaction(self._sessions) as db:
                cancel(db, _booking(db, reference).id, **self._by())
        except NotBooked as e:
            return self._shown(reference, _why(e))
        return saved(_page_of(reference), "agenda.cancelled")

    def came(self, reference: str) -> ResponseReturnValue:
        """Note whether the citizen came."""
        came = {"yes": True, "no": False}.get(request.form.get("came", ""))
        try:
            with transaction(self._sessions) as db:
                booking = _booking(db, reference)
                if came is None:
                    abort(400)
                before = booking.came
                note_came(db, booking.id, came=came, now=self._clock())
                note_change(
                    db,
                    what="bookings",
                    which=booking.reference,
                    before={"came": before},
                    after={"came": came},
                    **self._by(),
                )
                back = _day_of(booking) if request.form.get("back") == "day" else _page_of(reference)
        except NotBooked:
            return self._shown(reference, "agenda.not_yet")
        return saved(back, "agenda.noted")

    def book_form(self) -> ResponseReturnValue:
        """Whom is the appointment for?"""
        return self._book_page(self._form())

    def book(self) -> ResponseReturnValue:
        """Look the citizen up, or book."""
        form = self._form()
        if request.form.get("do") == "find":
            return self._found(form)
        starts = _moment(request.form.get("at", ""))
        citizen_id = request.form.get("citizen", type=int)
        name = None if citizen_id else form.text("name", LONGEST_NAME)
        number = form.number("phone", required=not citizen_id)
        holder = form.text("holder", _LONGEST_HOLDER, required=False)
        sms = form.ticked("sms")
        if sms and number is None:
            form.wrong("phone", "agenda.number_for_sms")
        if form.errors or starts is None:
            return self._book_page(form, citizen_id=citizen_id, status=HTTPStatus.BAD_REQUEST)
        order = BookingOrder(
            service=request.form.get("service", ""),
            starts_at=starts,
            holder=holder or f"console {uuid.uuid4()}",
            citizen_id=citizen_id,
            applicant=name,
            contact_e164=number,
            language="en" if form["language"] == "en" else "it",
            channel=Channel.COUNTER,
            sms=sms,
            consent_text=CONSENT if sms else None,
        )
        try:
            with transaction(self._sessions) as db:
                if citizen_id and db.get(Citizen, citizen_id) is None:
                    abort(404)
                reference = book(db, order, **self._by()).reference
        except REFUSALS as e:
            return self._book_page(form, citizen_id=citizen_id, problem=_why(e), status=HTTPStatus.CONFLICT)
        return saved(_page_of(reference), "agenda.booked")

    def _found(self, form: Form) -> ResponseReturnValue:
        query = person_asked(form)
        if not query.says_enough:
            form.wrong("tax_code", "find.too_little")
        citizens: Sequence[Citizen] = ()
        if not form.errors:
            with transaction(self._sessions) as db:
                citizens = find_citizens(db, query)
                note_look(
                    db,
                    action=AuditAction.SEARCHED,
                    citizen_id=citizens[0].id if len(citizens) == 1 else None,
                    detail=f"agenda, {len(citizens)} found",
                    **self._by(),
                )
            if not citizens:
                form.wrong("tax_code", "agenda.nobody_found")
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        chosen = citizens[0].id if len(citizens) == 1 else None
        return self._book_page(form, citizens=citizens, citizen_id=chosen, status=status)

    def _book_page(
        self,
        form: Form,
        *,
        citizens: Sequence[Citizen] = (),
        citizen_id: int | None = None,
        problem: str | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> ResponseReturnValue:
        service_code, starts = request.values.get("service", ""), _moment(request.values.get("at", ""))
        now = self._clock()
        with reading(self._sessions) as db:
            service = db.get(AppointmentService, service_code)
            if service is None or not service.active or starts is None:
                abort(404)
            office = service.office
            citizen = db.get(Citizen, citizen_id) if citizen_id else None
            numbers = [number.e164 for number in citizen.phone_numbers] if citizen else []
            theirs = appointments_of(db, citizen.id, now=now) if citizen else ()
            free = self._free(db, service, starts, now)
        is_free = any(slot.starts == starts for slot in free)
        if not is_free and problem is None:
            problem, status = "agenda.slot_taken", HTTPStatus.CONFLICT
        page = render_template(
            "appointment_book.html",
            service=service,
            office=office,
            starts=starts,
            is_free=is_free,
            free=free,
            form=form,
            citizens=citizens if len(citizens) > 1 else (),
            citizen=citizen,
            numbers=numbers,
            theirs=theirs,
            problem=problem,
            holder=request.form.get("holder") or f"console {uuid.uuid4()}",
            day=starts.astimezone(ROME).date(),
        )
        return page, status

    def _shown(self, reference: str, problem: str | None = None) -> ResponseReturnValue:
        now = self._clock()
        with transaction(self._sessions) as db:
            booking = _booking(db, reference)
            self._note(db, AuditAction.VIEWED, booking)
            office, history = booking.service.office, list(booking.history)
            to_come = booking.state is BookingState.BOOKED and booking.starts_at > now
            free = self._free(db, booking.service, max(booking.starts_at, now), now) if to_come else ()
        page = render_template(
            "appointment.html",
            booking=booking,
            office=office,
            history=history,
            to_come=to_come,
            over=booking.state is BookingState.BOOKED and not to_come,
            free=[slot for slot in free if slot.starts != booking.starts_at],
            problem=problem,
            day=booking.starts_at.astimezone(ROME).date(),
            has_recording=bool(booking.recording),
        )
        return page, HTTPStatus.CONFLICT if problem else HTTPStatus.OK

    def _free(
        self, db: Session, service: AppointmentService, around: datetime, now: datetime
    ) -> Sequence[FreeSlot]:
        """What can be had instead, from the same day on."""
        day = around.astimezone(ROME).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            return free_slots(
                db, service.code, now=now, limit=_FREE_SHOWN, since=max(now, day), channel=Channel.COUNTER
            )
        except UnknownService:
            return ()

    def _note(self, db: Session, action: AuditAction, booking: Booking) -> None:
        note_look(
            db,
            by=g.operator.login,
            action=action,
            now=self._clock(),
            citizen_id=booking.citizen_id,
            detail=f"appointment {booking.reference}",
        )


class Named(Protocol):
    """Something of the town's that has its name in both languages, or in Italian alone."""

    @property
    def name_it(self) -> str: ...

    @property
    def name_en(self) -> str | None: ...


def service_name(service: Named) -> str:
    """The name of a service, an office, a course or a room in the visitor's language."""
    return (service.name_en if language_of_visitor() == "en" else None) or service.name_it


def _why(refusal: Exception) -> str:
    return next(key for kind, key in _WHY.items() if isinstance(refusal, kind))


def _page_of(reference: str) -> str:
    return url_for("console.appointment", reference=reference)


def _booking(db: Session, reference: str) -> Booking:
    booking = None
    if is_reference(reference):
        booking = db.query(Booking).filter(Booking.reference == reference).one_or_none()
    if booking is None:
        abort(404)
    # Loaded now: the page is made after the transaction.
    _ = booking.citizen, booking.service
    return booking


def _day_of(booking: Booking) -> str:
    day = booking.starts_at.astimezone(ROME).date()
    return url_for("console.agenda", office=booking.service.office_code, day=day)


def _today(now: datetime) -> date:
    return now.astimezone(ROME).date()


def _day(typed: str | None, now: datetime) -> date:
    """The day in the address; nonsense means today."""
    today = _today(now)
    try:
        day = date.fromisoformat(typed or "")
    except ValueError:
        return today
    return day if abs(day.year - today.year) <= _FARTHEST else today


def _moment(typed: str) -> datetime | None:
    """A moment as it stands in a form or an address."""
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
