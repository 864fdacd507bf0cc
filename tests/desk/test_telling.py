"""What the town tells on its own: written with the change, once, and only to who agreed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from desk import db
from desk.appointments import BookingOrder, book, cancel, free_slots, move
from desk.calendar import add_working_days
from desk.certificates import CertificateOrder, file_certificate
from desk.citizens import citizens_with_number
from desk.consents import stop_texts
from desk.models import (
    Booking,
    Delivery,
    IdentifiedBy,
    Message,
    MessageState,
    Request,
    RequestState,
    Stamp,
    Subject,
)
from desk.requests import change_state
from desk.settings import ROME
from desk.sms.outbox import send_waiting
from desk.telling import remind, tell_delays, tell_passport_arrived
from tests.desk.sending import Sent, agree

GIULIA = "+393331112201"


def file(town: db.Sessions, now: datetime, delivery: Delivery = Delivery.COUNTER) -> int:
    with db.transaction(town) as session:
        return file_certificate(
            session,
            CertificateOrder(
                kind="birth",
                subject=Subject.SELF,
                copies=1,
                delivery=delivery,
                stamp=Stamp.FREE,
                identified_by=IdentifiedBy.BIRTH_DATE,
                contact_e164=GIULIA,
                idempotency_key=f"k{delivery}",
            ),
            now=now,
        ).id


def change(town: db.Sessions, request: int, *states: RequestState, now: datetime) -> None:
    with db.transaction(town) as session:
        for state in states:
            change_state(session, session.get_one(Request, request), state, by="anna", now=now)


def written(town: db.Sessions) -> list[str]:
    with db.reading(town) as session:
        return list(session.scalars(select(Message.template).order_by(Message.created_at)))


@pytest.mark.parametrize(
    ("delivery", "template"),
    [(Delivery.COUNTER, "certificate_ready"), (Delivery.HOME, "request_done")],
)
def test_what_is_done_is_told_once(
    town: db.Sessions, now: datetime, delivery: Delivery, template: str
) -> None:
    request = file(town, now, delivery)
    change(town, request, RequestState.IN_PROGRESS, now=now)
    assert written(town) == []
    change(town, request, RequestState.DONE, now=now)
    change(town, request, RequestState.IN_PROGRESS, RequestState.DONE, now=now)
    assert written(town) == [template]


def test_the_message_goes_with_the_change_or_not_at_all(town: db.Sessions, now: datetime) -> None:
    request = file(town, now)
    change(town, request, RequestState.IN_PROGRESS, now=now)
    with town() as session:
        change_state(session, session.get_one(Request, request), RequestState.DONE, by="anna", now=now)
        session.rollback()
    assert written(town) == []


def test_who_does_not_agree_is_not_told(town: db.Sessions, now: datetime) -> None:
    request = file(town, now)
    with db.transaction(town) as session:
        stop_texts(session, e164=GIULIA, how="counter", by="anna", now=now)
    change(town, request, RequestState.IN_PROGRESS, RequestState.DONE, now=now)
    assert written(town) == []


def test_a_delay_is_told_once(town: db.Sessions, now: datetime) -> None:
    request = file(town, now)
    with db.reading(town) as session:
        due = session.get_one(Request, request).due_on
    late = datetime.combine(due, now.timetz()) + timedelta(days=1)

    def tell(at: datetime) -> int:
        with db.transaction(town) as session:
            return tell_delays(session, now=at)

    assert tell(late - timedelta(days=1)) == 0
    assert [tell(late), tell(late), tell(late + timedelta(days=1))] == [1, 0, 0]
    assert written(town) == ["request_delayed"]


def test_what_is_done_in_time_is_not_late(town: db.Sessions, now: datetime) -> None:
    change(town, file(town, now), RequestState.IN_PROGRESS, RequestState.DONE, now=now)
    with db.transaction(town) as session:
        assert tell_delays(session, now=now + timedelta(days=9)) == 0


def appointment(town: db.Sessions, now: datetime, *, days: int) -> int:
    """Made now, for the first time of the first day that is so many working days away."""
    since = datetime.combine(add_working_days(now.date(), days), datetime.min.time(), ROME)
    with db.transaction(town) as session:
        slot = free_slots(session, "identity_card", now=now, limit=1, since=since)[0]
        order = BookingOrder(
            service="identity_card",
            starts_at=slot.starts,
            holder=f"h{days}",
            citizen_id=citizens_with_number(session, GIULIA)[0].id,
            contact_e164=GIULIA,
        )
        return book(session, order, now=now).id


def reminders(town: db.Sessions, at: datetime) -> int:
    with db.transaction(town) as session:
        return remind(session, now=at)


def test_the_reminder_comes_once_on_the_working_day_before(town: db.Sessions, now: datetime) -> None:
    # Monday 23 November; Friday's appointment is reminded of on Thursday, the next Monday's on Friday.
    appointment(town, now, days=4)
    appointment(town, now, days=5)
    found = [reminders(town, now + timedelta(days=day)) for day in range(7)]
    assert found == [0, 0, 0, 1, 1, 0, 0]
    assert reminders(town, now + timedelta(days=4)) == 0


def test_who_booked_today_is_not_reminded(town: db.Sessions, now: datetime) -> None:
    appointment(town, now, days=1)
    assert reminders(town, now + timedelta(hours=3)) == 0


@pytest.mark.parametrize("what", ["moved", "cancelled"])
def test_a_reminder_of_what_is_over_does_not_go_out(town: db.Sessions, now: datetime, what: str) -> None:
    booking, thursday = appointment(town, now, days=4), now + timedelta(days=3)
    assert reminders(town, thursday) == 1
    with db.transaction(town) as session:
        if what == "cancelled":
            cancel(session, booking, by="anna", now=thursday)
        else:
            slot = free_slots(
                session, "identity_card", now=thursday, limit=1, since=thursday + timedelta(days=4)
            )[0]
            move(session, booking, slot.starts, holder="x", by="anna", now=thursday)
    sender = Sent()
    send_waiting(town, [sender], now=thursday)
    with db.reading(town) as session:
        states = {message.template: message.state for message in session.scalars(select(Message))}
    assert states["appointment_reminder"] is MessageState.FAILED
    assert states[f"appointment_{what}"] is MessageState.SENT


def test_a_reminder_never_comes_after_the_appointment(town: db.Sessions, now: datetime) -> None:
    booking = appointment(town, now, days=4)
    reminders(town, now + timedelta(days=3))
    with db.transaction(town) as session:
        starts = session.get_one(Booking, booking).starts_at
        session.execute(
            update(Message).where(Message.template != "appointment_reminder").values(state="failed")
        )
    sender = Sent()
    send_waiting(town, [sender], now=starts)
    assert sender.ids == []


def test_an_appointment_of_a_landline_that_agreed_is_a_voice_notice(town: db.Sessions, now: datetime) -> None:
    landline = "+39029090101"
    agree(town, now, landline)
    with db.transaction(town) as session:
        slot = free_slots(session, "identity_card", now=now, limit=1)[0]
        book(
            session,
            BookingOrder(
                service="identity_card", starts_at=slot.starts, holder="h", contact_e164=landline, sms=True
            ),
            now=now,
        )
        assert session.scalars(select(Message.state)).all() == [MessageState.VOICE_NOTICE]


def test_a_passport_is_told_once_a_day_to_who_agreed(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        giulia = citizens_with_number(session, GIULIA)[0].id
        paolo = citizens_with_number(session, "+393331112204")[0].id
        first = tell_passport_arrived(session, giulia, now=now)
        assert first is not None
        assert tell_passport_arrived(session, giulia, now=now) is first
        assert tell_passport_arrived(session, paolo, now=now) is None
    assert written(town) == ["passport_arrived"]
