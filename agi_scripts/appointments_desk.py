"""Appointments as one call makes them: :class:`ivr.agenda.Agenda` on the shared request database.

Without the database the answer is :attr:`~ivr.agenda.Answer.OUT_OF_REACH`: an appointment cannot wait in the
spool, for its time may be somebody else's by then.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import TypeVar

from sqlalchemy.orm import Session

from agi_scripts.call_context import CallContext
from agi_scripts.spoken_names import can_be_said
from desk import appointments as agenda
from desk.appointments import BookingOrder, NotBooked, SlotTaken, TooMany, UnknownService
from desk.identification import note_failed_identification, tries_left
from desk.models import Booking, Channel
from desk.references import is_reference
from desk.settings import ROME
from ivr.agenda import Answer, Appointment, Slot
from ivr.ports import Identity
from prompts.town_names import SERVICES

T = TypeVar("T")

#: Slots offered at a time.
OFFERED = 3

_ANSWERS: dict[type[Exception], Answer] = {
    SlotTaken: Answer.TAKEN,
    TooMany: Answer.TOO_MANY,
    NotBooked: Answer.GONE,
    # The office stopped giving appointments while the caller was choosing one.
    UnknownService: Answer.TAKEN,
}


class AppointmentsDesk:
    """See :class:`ivr.agenda.Agenda`."""

    def __init__(self, call: CallContext, *, consent: Callable[[], str | None]) -> None:
        """``consent`` gives the version of the text by which the caller agreed to receipts in this call."""
        self._call = call
        self._consent = consent
        self._can_be_said = cache(partial(can_be_said, call.house.catalogue, SERVICES))
        self._services: Sequence[str] | None = None
        #: Names the hold in the database, and the booking that comes of it: a new one for each slot.
        self._holder: str | None = None
        self._held: Slot | None = None

    def services(self) -> Sequence[str]:
        if self._services is None:
            offered: list[str] = []
            offered = self._call.read(lambda s: [service.code for service in agenda.services(s)], offered)
            self._services = [service for service in offered if self._can_be_said(service)]
        return self._services

    def free(
        self, service: str, *, since: datetime | None = None, other_than: Slot | None = None
    ) -> Sequence[Slot] | None:
        def find(session: Session) -> Sequence[Slot]:
            try:
                found = agenda.free_slots(
                    session,
                    service,
                    now=self._call.now(),
                    # One more than is said: it may be the one that is left out.
                    limit=OFFERED + 1,
                    since=since,
                    holder=self._holder,
                )
            except UnknownService:
                return ()
            slots = [Slot(service, slot.starts.astimezone(ROME)) for slot in found]
            return [slot for slot in slots if slot != other_than][:OFFERED]

        return self._call.read(find, None)

    def hold(self, slot: Slot) -> Answer:
        if slot != self._held:
            self.release()
        self._holder = holder = self._holder or f"{self._call.unique_id}-{uuid.uuid4().hex[:12]}"
        answer = self._change(
            lambda s: agenda.hold(s, slot.service, slot.starts, holder=holder, now=self._call.now())
        )
        if isinstance(answer, Answer):
            return answer
        self._held = slot
        return Answer.DONE

    def release(self) -> None:
        holder, self._holder, self._held = self._holder, None, None
        if holder is not None:
            self._call.write(lambda s: agenda.release(s, holder))

    def may_book(self, service: str, identity: Identity) -> Answer:
        caller = self._call.caller
        if identity.citizen_id is None and caller is None:
            return Answer.NOBODY

        def ask(session: Session) -> Answer:
            allowed = agenda.may_book(
                session,
                service,
                citizen_id=identity.citizen_id,
                contact_e164=caller,
                now=self._call.now(),
            )
            return Answer.DONE if allowed else Answer.TOO_MANY

        return self._call.read(ask, Answer.OUT_OF_REACH)

    def book(self, slot: Slot, identity: Identity, *, sms: bool) -> Appointment | Answer:
        assert self._holder is not None
        order = BookingOrder.model_validate(
            {
                **self._call.ordered_by(identity, sms=sms, consent_text=self._consent()),
                "service": slot.service,
                "starts_at": slot.starts,
                "holder": self._holder,
            }
        )
        return self._change(lambda s: _spoken(agenda.book(s, order, now=self._call.now())))

    def move(self, appointment: Appointment, slot: Slot) -> Answer:
        holder = self._holder
        assert holder is not None
        answer = self._change(
            lambda s: agenda.move(
                s,
                appointment.key,
                slot.starts,
                holder=holder,
                by=Channel.PHONE.value,
                now=self._call.now(),
            )
        )
        return answer if isinstance(answer, Answer) else Answer.DONE

    def cancel(self, appointment: Appointment) -> Answer:
        answer = self._change(
            lambda s: agenda.cancel(s, appointment.key, by=Channel.PHONE.value, now=self._call.now())
        )
        return answer if isinstance(answer, Answer) else Answer.DONE

    def may_find(self) -> bool:
        call = self._call
        limit = call.house.settings.identification_tries_per_day
        return call.read(lambda s: tries_left(s, call.caller, limit=limit, now=call.now()) > 0, default=False)

    def find_own(self, reference: str) -> Appointment | None:
        caller = self._call.caller
        return None if caller is None else self._find(reference, lambda number: number == caller)

    def find(self, reference: str, last_digits: str) -> Appointment | None:
        call = self._call
        found = self._find(reference, lambda number: number.endswith(last_digits))
        # A mistyped reference is told by its check digit: nobody guesses that way.
        if found is None and is_reference(reference):
            call.write(lambda s: note_failed_identification(s, call.caller, call.now()))
        return found

    def made_by(self, identity: Identity) -> Sequence[Appointment] | None:
        citizen = identity.citizen_id
        if citizen is None:
            return ()
        return self._call.read(
            lambda s: [
                _spoken(booking)
                for booking in agenda.appointments_of(s, citizen, now=self._call.now())
                if self._can_be_said(booking.service_code)
            ],
            None,
        )

    def _find(self, reference: str, is_theirs: Callable[[str], bool]) -> Appointment | None:
        def find(session: Session) -> Appointment | None:
            booking = agenda.appointment_by_reference(session, reference, now=self._call.now())
            if booking is None or not self._can_be_said(booking.service_code):
                return None
            number = booking.contact_e164
            return _spoken(booking) if number is not None and is_theirs(number) else None

        return self._call.read(find, None)

    def _change(self, change: Callable[[Session], T]) -> T | Answer:
        """What ``change`` gives once it is committed, or why it could not be made."""
        try:
            return self._call.commit(change, Answer.OUT_OF_REACH)  # type: ignore[arg-type]
        except tuple(_ANSWERS) as refused:
            return _ANSWERS[type(refused)]


def _spoken(booking: Booking) -> Appointment:
    slot = Slot(booking.service_code, booking.starts_at.astimezone(ROME))
    return Appointment(booking.id, booking.reference, slot)
