"""Appointments on the web: the same slots and rules as by telephone, less the places kept from the web."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from desk import appointments as agenda
from desk import models
from desk.applicants import Outsider, Whose
from desk.models import Channel, Scope
from webhooks.api.filing import consent_of, number_of, who_asks, whose
from webhooks.api.operations import Asked, Operation
from webhooks.problems import (
    NOT_BOOKED,
    NOT_IN_REGISTER,
    SLOT_TAKEN,
    TOO_MANY,
    UNKNOWN,
    Refused,
    wrong,
)
from webhooks.schemas import (
    Appointment,
    Appointments,
    AppointmentService,
    AppointmentServices,
    BookingRequest,
    Hold,
    HoldRequest,
    LookUp,
    MoveRequest,
    Released,
    Slot,
    SlotQuery,
    Slots,
)


def _services(session: Session, _: None, __: Asked) -> AppointmentServices:
    return AppointmentServices(
        items=[
            AppointmentService(
                code=service.code,
                name_it=service.name_it,
                name_en=service.name_en,
                place=service.office.place,
                slot_minutes=service.slot_minutes,
            )
            for service in agenda.services(session)
        ]
    )


@contextmanager
def _refusals(unknown_service: Refused) -> Iterator[None]:
    """What the agenda does not do, as it is answered."""
    try:
        yield
    except agenda.UnknownService as e:
        raise unknown_service from e
    except agenda.SlotTaken as e:
        raise Refused(SLOT_TAKEN) from e
    except agenda.TooMany as e:
        raise Refused(TOO_MANY) from e
    except agenda.NotBooked as e:
        raise Refused(NOT_BOOKED) from e


def _no_appointments() -> Refused:
    return wrong("/service", "there are no appointments for that")


def _slots(session: Session, query: SlotQuery, asked: Asked) -> Slots:
    with _refusals(Refused(UNKNOWN)):
        slots = agenda.free_slots(
            session,
            asked.path["service"],
            now=asked.now,
            limit=query.limit,
            since=query.since,
            channel=Channel.WEB,
        )
    return Slots(
        items=[Slot(starts_at=slot.starts, ends_at=slot.ends, places=slot.places) for slot in slots],
    )


def _hold(session: Session, body: HoldRequest, asked: Asked) -> Hold:
    with _refusals(_no_appointments()):
        until = agenda.hold(
            session, body.service, body.starts_at, holder=asked.key, now=asked.now, channel=Channel.WEB
        )
    return Hold(hold=asked.key, held_until=until)


def _release(session: Session, body: Released, asked: Asked) -> Released:
    if body.hold.startswith(asked.holder):
        agenda.release(session, body.hold)
    return body


def _book(session: Session, body: BookingRequest, asked: Asked) -> Appointment:
    number = number_of(body.contact)
    sms, consent = consent_of(body.contact, number)
    who = who_asks(session, body.tax_code, body.applicant)
    if body.hold is not None and not body.hold.startswith(asked.holder):
        # Another site's: as good as none.
        raise Refused(SLOT_TAKEN)
    order = agenda.BookingOrder(
        service=body.service,
        starts_at=body.starts_at,
        holder=body.hold or asked.key,
        **who,
        contact_e164=number,
        language=body.contact.language,
        channel=Channel.WEB,
        sms=sms,
        consent_text=consent,
    )
    with _refusals(_no_appointments()):
        booking = agenda.book(session, order, now=asked.now)
    if not _is_of(booking, order.citizen_id or Outsider(order.applicant_tax_code or "")):
        # What was held has become somebody else's appointment.
        raise Refused(SLOT_TAKEN)
    return _shown(booking)


def _move(session: Session, body: MoveRequest, asked: Asked) -> Appointment:
    booking = _own(session, body.tax_code, asked)
    # A service that was closed down meanwhile has no other times.
    with _refusals(Refused(SLOT_TAKEN)):
        moved = agenda.move(
            session,
            booking.id,
            body.starts_at,
            holder=asked.key,
            by=Channel.WEB.value,
            now=asked.now,
            channel=Channel.WEB,
        )
    return _shown(moved)


def _cancel(session: Session, body: LookUp, asked: Asked) -> Appointment:
    booking = _own(session, body.tax_code, asked)
    with _refusals(Refused(UNKNOWN)):
        return _shown(agenda.cancel(session, booking.id, by=Channel.WEB.value, now=asked.now))


def _appointments_of_citizen(session: Session, body: LookUp, asked: Asked) -> Appointments:
    who = whose(session, body.tax_code)
    return Appointments(
        items=[_shown(booking) for booking in agenda.appointments_of(session, who, now=asked.now)]
    )


def _own(session: Session, tax_code: str, asked: Asked) -> models.Booking:
    """The person's appointment to come; to everybody else there is none."""
    booking = agenda.appointment_by_reference(session, asked.path["reference"], now=asked.now)
    if booking is None or not _is_of(booking, whose(session, tax_code)):
        raise Refused(UNKNOWN)
    return booking


def _is_of(booking: models.Booking, who: Whose) -> bool:
    if isinstance(who, Outsider):
        return booking.applicant_tax_code == who.tax_code
    return booking.citizen_id == who


def _shown(booking: models.Booking) -> Appointment:
    return Appointment(
        reference=booking.reference,
        service=booking.service_code,
        state=booking.state.value,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
    )


OPERATIONS = (
    Operation(
        name="list_appointment_services",
        method="GET",
        path="/appointment-services",
        summary="What one can make an appointment for",
        scope=None,
        answer=AppointmentServices,
        handler=_services,
    ),
    Operation(
        name="list_slots",
        method="GET",
        path="/appointment-services/{service}/slots",
        summary="The nearest free slots of a service",
        scope=Scope.APPOINTMENTS_READ,
        query=SlotQuery,
        answer=Slots,
        handler=_slots,
        problems=(UNKNOWN,),
    ),
    Operation(
        name="hold_slot",
        method="POST",
        path="/slot-holds",
        summary="Keep a slot for some minutes while a citizen decides",
        scope=Scope.APPOINTMENTS_WRITE,
        body=HoldRequest,
        answer=Hold,
        status=201,
        changes=True,
        handler=_hold,
        problems=(SLOT_TAKEN,),
    ),
    Operation(
        name="release_slot",
        method="POST",
        path="/slot-holds/release",
        summary="Give back a slot that was held; one that was booked stays so",
        scope=Scope.APPOINTMENTS_WRITE,
        body=Released,
        answer=Released,
        changes=True,
        handler=_release,
    ),
    Operation(
        name="book_appointment",
        method="POST",
        path="/appointments",
        summary="Book a slot",
        scope=Scope.APPOINTMENTS_WRITE,
        body=BookingRequest,
        answer=Appointment,
        status=201,
        changes=True,
        handler=_book,
        problems=(NOT_IN_REGISTER, SLOT_TAKEN, TOO_MANY),
    ),
    Operation(
        name="look_up_appointments",
        method="POST",
        path="/appointments/look-up",
        summary="A citizen's appointments to come",
        scope=Scope.APPOINTMENTS_READ,
        body=LookUp,
        answer=Appointments,
        looks=True,
        handler=_appointments_of_citizen,
    ),
    Operation(
        name="move_appointment",
        method="POST",
        path="/appointments/{reference}/move",
        summary="Give an appointment another time",
        scope=Scope.APPOINTMENTS_WRITE,
        body=MoveRequest,
        answer=Appointment,
        changes=True,
        handler=_move,
        problems=(UNKNOWN, SLOT_TAKEN, NOT_BOOKED),
    ),
    Operation(
        name="cancel_appointment",
        method="POST",
        path="/appointments/{reference}/cancel",
        summary="Cancel an appointment",
        scope=Scope.APPOINTMENTS_WRITE,
        body=LookUp,
        answer=Appointment,
        changes=True,
        handler=_cancel,
        problems=(UNKNOWN, NOT_BOOKED),
    ),
)
