"""Appointments on both databases: nobody gets a place twice, whatever happens at the same moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from desk import db, references
from desk.appointments import (
    HOLD,
    BookingOrder,
    FreeSlot,
    NotBooked,
    SlotTaken,
    TooMany,
    UnknownService,
    appointment_by_reference,
    appointments_at,
    appointments_of,
    book,
    cancel,
    free_slots,
    hold,
    may_book,
    move,
    release,
    release_expired,
    services,
)
from desk.consents import Purpose, give_consent, has_consent
from desk.models import (
    Absence,
    AppointmentService,
    Base,
    Booking,
    BookingState,
    BookingStep,
    Channel,
    Closure,
    Message,
    SlotPlace,
)
from desk.references import is_reference, new_reference
from desk.requests import MessageOrder, file_message
from desk.settings import ROME
from tests.desk import crowds

NUMBER = "+393339998887"
CARD, BUILDING = "identity_card", "building_technician"
CALLERS = 50


def free(
    sessions: db.Sessions, service: str, now: datetime, *, limit: int = 1, **options: object
) -> Sequence[FreeSlot]:
    with db.reading(sessions) as session:
        return free_slots(session, service, now=now, limit=limit, **options)  # type: ignore[arg-type]


def walls(slots: Sequence[FreeSlot]) -> list[str]:
    return [f"{slot.starts.astimezone(ROME):%a %d %H:%M}" for slot in slots]


def order(starts: datetime, holder: str = "h1", **changes: object) -> BookingOrder:
    values: dict[str, object] = {
        "service": BUILDING,
        "starts_at": starts,
        "holder": holder,
        "citizen_id": 1,
        "contact_e164": NUMBER,
        "identified_by": "birth_date",
        "sms": True,
    }
    return BookingOrder.model_validate({**values, **changes})


def booked(sessions: db.Sessions, wanted: BookingOrder, now: datetime) -> int:
    with db.transaction(sessions) as session:
        return book(session, wanted, now=now).id


def count(sessions: db.Sessions, model: type[Base]) -> int:
    with db.reading(sessions) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def at_once(number: int, act: Callable[[int], object]) -> list[object]:
    """What ``act`` gave, or raised, for as many callers at the same moment."""
    return crowds.at_once(number, act, SlotTaken, TooMany, NotBooked)


def agree(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        give_consent(
            session,
            e164=NUMBER,
            citizen_id=1,
            purpose=Purpose.RECEIPTS,
            text_version="1",
            how="phone keypad",
            by="call 1",
            now=now,
        )


def messages(sessions: db.Sessions) -> list[Message]:
    with db.reading(sessions) as session:
        return list(session.scalars(select(Message).order_by(Message.created_at)))


@pytest.mark.parametrize("service", [CARD, BUILDING])
def test_of_fifty_callers_on_one_slot_as_many_hold_it_as_there_are_places(
    town: db.Sessions, now: datetime, service: str
) -> None:
    slot = free(town, service, now)[0]

    def caller(number: int) -> str:
        with db.transaction(town) as session:
            hold(session, service, slot.starts, holder=f"call {number}", now=now)
        return "held"

    results = at_once(CALLERS, caller)
    assert results.count("held") == slot.places
    assert results.count(SlotTaken) == CALLERS - slot.places
    assert count(town, SlotPlace) == slot.places
    assert slot.starts not in [other.starts for other in free(town, service, now, limit=5)]


def test_of_fifty_bookings_of_one_slot_without_a_hold_one_succeeds(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now)[0].starts

    def caller(number: int) -> str:
        # Fifty citizens: else most per citizen would refuse them, not the slot.
        unknown = order(starts, f"call {number}", citizen_id=None, contact_e164=f"+3933300000{number:02}")
        booked(town, unknown, now)
        return "booked"

    results = at_once(CALLERS, caller)
    assert results.count("booked") == 1
    assert results.count(SlotTaken) == CALLERS - 1
    assert [count(town, model) for model in (Booking, SlotPlace)] == [1, 1]


def test_fifty_callers_who_take_move_and_cancel_at_random_never_share_a_place(
    town: db.Sessions, now: datetime
) -> None:
    slots = free(town, CARD, now, limit=4)

    def caller(number: int) -> None:
        dice = random.Random(number)
        mine: int | None = None
        for turn in range(4):
            starts = dice.choice(slots).starts
            holder = f"{number}-{turn}"
            try:
                with db.transaction(town) as session:
                    if mine is None:
                        wanted = order(starts, holder, service=CARD, citizen_id=None, sms=False)
                        unknown = wanted.model_copy(update={"contact_e164": f"+3933300000{number:02}"})
                        mine = book(session, unknown, now=now).id
                    elif dice.random() < 0.5:
                        move(session, mine, starts, holder=holder, by="phone", now=now)
                    else:
                        cancel(session, mine, by="phone", now=now)
                        mine = None
            except SlotTaken:
                continue

    at_once(20, caller)
    with db.reading(town) as session:
        living = session.scalars(select(Booking).where(Booking.state == BookingState.BOOKED)).all()
        places = session.scalars(select(SlotPlace)).all()
        assert {(b.id, b.starts_at) for b in living} == {(p.booking_id, p.starts_at) for p in places}
        assert len({(p.starts_at, p.place) for p in places}) == len(places) <= 8
        assert {p.place for p in places} <= {0, 1}
    assert count(town, Booking) > 4


def test_the_database_itself_refuses_a_second_row_for_a_place(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now)[0].starts
    booked(town, order(starts), now)
    with pytest.raises(IntegrityError), db.transaction(town) as session:
        session.add(
            SlotPlace(service_code=BUILDING, starts_at=starts, place=0, holder="x", held_until=now + HOLD)
        )


def test_one_citizen_in_two_calls_at_once_gets_no_more_than_one_may_have(
    town: db.Sessions, now: datetime
) -> None:
    slots = free(town, BUILDING, now, limit=8)
    results = at_once(
        8, lambda number: bool(booked(town, order(slots[number].starts, f"call {number}"), now))
    )
    assert results.count(True) == 3
    assert results.count(TooMany) == 5
    with db.transaction(town) as session:
        assert not may_book(session, BUILDING, citizen_id=1, contact_e164=NUMBER, now=now)
        assert may_book(session, BUILDING, citizen_id=2, contact_e164=NUMBER, now=now)
        first = appointments_of(session, 1, now=now)[0]
        assert may_book(session, BUILDING, citizen_id=1, contact_e164=NUMBER, now=first.starts_at)
        cancel(session, first.id, by="phone", now=now)
        assert may_book(session, BUILDING, citizen_id=1, contact_e164=NUMBER, now=now)


def test_who_has_neither_name_nor_number_cannot_book(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now)[0].starts
    with pytest.raises(TooMany):
        booked(town, order(starts, citizen_id=None, contact_e164=None), now)
    assert count(town, SlotPlace) == 0


def test_the_nearest_slots_respect_earliest_notice(town: db.Sessions, now: datetime) -> None:
    # Monday 10:00; the technician receives on Tuesdays and Fridays from 9, on Wednesdays from 16, and wants
    # a day's notice.
    assert walls(free(town, BUILDING, now, limit=3)) == ["Tue 24 10:00", "Tue 24 10:30", "Tue 24 11:00"]
    week = datetime(2026, 11, 30, tzinfo=ROME)
    assert walls(free(town, BUILDING, now, limit=1, since=week)) == ["Tue 01 09:00"]
    beyond = now + timedelta(days=46)
    assert free(town, BUILDING, now, since=beyond) == []


def test_closures_holidays_and_absences_leave_no_slots(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        session.add(Closure(day=date(2026, 11, 24), reason_it="Sciopero", reason_en="Strike"))
        away = datetime(2026, 11, 25, 15, tzinfo=ROME)
        session.add(
            Absence(
                office_code="private_building",
                begins_at=away,
                ends_at=away + timedelta(hours=2),
                reason="Corso",
            )
        )
    assert walls(free(town, BUILDING, now, limit=2)) == ["Wed 25 17:00", "Wed 25 17:30"]
    # Tuesday 8 December is a holiday.
    assert walls(free(town, BUILDING, now, since=datetime(2026, 12, 7, tzinfo=ROME))) == ["Wed 09 16:00"]


def test_a_hold_ends_by_itself_and_can_be_prolonged(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now, limit=4)[3].starts
    with db.transaction(town) as session:
        assert hold(session, BUILDING, starts, holder="a", now=now) == now + HOLD
        hold(session, BUILDING, starts, holder="a", now=now + timedelta(minutes=4))
    with pytest.raises(SlotTaken), db.transaction(town) as session:
        hold(session, BUILDING, starts, holder="b", now=now + HOLD)
    assert starts in [slot.starts for slot in free(town, BUILDING, now, limit=4, holder="a")]
    assert starts not in [slot.starts for slot in free(town, BUILDING, now, limit=4, holder="b")]
    later = now + timedelta(minutes=4) + HOLD
    with db.transaction(town) as session:
        hold(session, BUILDING, starts, holder="b", now=later)
    with pytest.raises(SlotTaken):
        booked(town, order(starts, "a"), later)
    booked(town, order(starts, "b"), later)


def test_earliest_notice_may_pass_while_deciding(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now)[0].starts
    at_the_last_moment = starts - timedelta(hours=24)
    with db.transaction(town) as session:
        hold(session, BUILDING, starts, holder="h1", now=at_the_last_moment)
    later = at_the_last_moment + timedelta(minutes=2)
    with pytest.raises(SlotTaken):
        booked(town, order(starts, "other"), later)
    booked(town, order(starts), later)


def test_released_and_expired_holds_leave_no_rows(town: db.Sessions, now: datetime) -> None:
    slots = free(town, BUILDING, now, limit=3)
    booked(town, order(slots[0].starts, "done"), now)
    with db.transaction(town) as session:
        hold(session, BUILDING, slots[1].starts, holder="a", now=now)
        hold(session, BUILDING, slots[2].starts, holder="b", now=now + timedelta(minutes=1))
        release(session, "done")
        assert release_expired(session, now=now + HOLD) == 1
        release(session, "b")
    assert count(town, SlotPlace) == 1


def test_booking_again_with_one_key_is_one_appointment(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now)[0].starts
    assert booked(town, order(starts), now) == booked(town, order(starts), now)
    assert count(town, Booking) == 1


def test_moving_keeps_the_reference_and_frees_the_old_time(town: db.Sessions, now: datetime) -> None:
    agree(town, now)
    old, new = free(town, BUILDING, now, limit=2)
    number = booked(town, order(old.starts), now)
    with db.transaction(town) as session:
        hold(session, BUILDING, new.starts, holder="h2", now=now)
        move(session, number, new.starts, holder="h2", by="phone", now=now)
    with db.reading(town) as session:
        moved = session.get_one(Booking, number)
        assert (moved.starts_at, moved.ends_at) == (new.starts, new.ends)
        assert [change.step for change in moved.history] == [BookingStep.BOOKED, BookingStep.MOVED]
        assert [change.starts_at for change in moved.history] == [old.starts, new.starts]
        assert is_reference(moved.reference)
        assert appointment_by_reference(session, moved.reference, now=now) is moved
    assert free(town, BUILDING, now)[0].starts == old.starts
    first, second = messages(town)
    assert (first.template, second.template) == ("appointment_booked", "appointment_moved")
    assert moved.reference in first.body
    assert "24/11/2026 alle 10:30" in second.body
    # Others read a family's telephone: what it is about is not in the message.
    assert "edilizia" not in first.body.lower()


def test_what_cannot_be_moved(town: db.Sessions, now: datetime) -> None:
    slots = free(town, BUILDING, now, limit=2)
    number = booked(town, order(slots[0].starts), now)
    booked(town, order(slots[1].starts, "other", citizen_id=2), now)
    for starts in (slots[0].starts, slots[1].starts, slots[0].starts + timedelta(minutes=1)):
        with pytest.raises(SlotTaken), db.transaction(town) as session:
            move(session, number, starts, holder="h2", by="phone", now=now)
    with db.reading(town) as session:
        assert session.get_one(Booking, number).starts_at == slots[0].starts
    assert count(town, SlotPlace) == 2
    with pytest.raises(NotBooked), db.transaction(town) as session:
        move(session, number, slots[1].starts, holder="h2", by="phone", now=slots[0].starts)


def test_cancelling_frees_the_time_once(town: db.Sessions, now: datetime) -> None:
    agree(town, now)
    starts = free(town, BUILDING, now)[0].starts
    number = booked(town, order(starts), now)

    def give_up(_: int) -> str:
        with db.transaction(town) as session:
            cancel(session, number, by="phone", now=now)
        return "cancelled"

    assert at_once(4, give_up).count("cancelled") == 1
    assert free(town, BUILDING, now)[0].starts == starts
    assert [message.template for message in messages(town)] == ["appointment_booked", "appointment_cancelled"]
    with db.reading(town) as session:
        assert appointments_of(session, 1, now=now) == []
        reference = session.get_one(Booking, number).reference
        assert appointment_by_reference(session, reference, now=now) is None


def test_no_message_without_consent_or_wish(town: db.Sessions, now: datetime) -> None:
    first, second = free(town, BUILDING, now, limit=2)
    booked(town, order(first.starts, "never"), now)
    agree(town, now)
    booked(town, order(second.starts, "not wanted", sms=False), now)
    assert messages(town) == []


def test_without_a_commit_there_is_neither_appointment_nor_message(town: db.Sessions, now: datetime) -> None:
    agree(town, now)
    starts = free(town, BUILDING, now)[0].starts
    with town() as session:
        book(session, order(starts), now=now)
    assert [count(town, model) for model in (Booking, SlotPlace, Message)] == [0, 0, 0]


def test_the_web_leaves_the_kept_share_until_shortly_before(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        session.execute(
            update(AppointmentService)
            .where(AppointmentService.code == BUILDING)
            .values(kept_percent=50, kept_until_days=3)
        )
    # Tomorrow is soon: the web has all of it. From Thursday on it has every other slot.
    tomorrow = free(town, BUILDING, now, limit=2, channel=Channel.WEB)
    assert walls(tomorrow) == ["Tue 24 10:00", "Tue 24 10:30"]
    friday = datetime(2026, 11, 27, tzinfo=ROME)
    on_web = free(town, BUILDING, now, limit=4, since=friday, channel=Channel.WEB)
    by_phone = free(town, BUILDING, now, limit=4, since=friday)
    assert walls(on_web) == ["Fri 27 09:00", "Fri 27 10:00", "Fri 27 11:00", "Fri 27 12:00"]
    assert walls(by_phone) == ["Fri 27 09:00", "Fri 27 09:30", "Fri 27 10:00", "Fri 27 10:30"]
    with pytest.raises(SlotTaken):
        booked(town, order(by_phone[1].starts, "web", channel=Channel.WEB), now)
    booked(town, order(by_phone[1].starts), now)


def test_a_lowered_capacity_counts_what_is_booked(town: db.Sessions, now: datetime) -> None:
    starts = free(town, CARD, now)[0].starts
    first = booked(town, order(starts, "a", service=CARD), now)
    booked(town, order(starts, "b", service=CARD, citizen_id=2), now)
    with db.transaction(town) as session:
        cancel(session, first, by="phone", now=now)
        session.get_one(AppointmentService, CARD).capacity = 1
    assert free(town, CARD, now)[0].starts > starts
    with pytest.raises(SlotTaken):
        booked(town, order(starts, "c", service=CARD, citizen_id=3), now)


def test_a_reference_that_is_taken_is_not_given_again(
    town: db.Sessions, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = free(town, BUILDING, now, limit=2)
    number = booked(town, order(first.starts), now)
    with db.transaction(town) as session:
        appointment = session.get_one(Booking, number).reference
        message = MessageOrder(recording=Path("/m.wav"), idempotency_key="m")
        request = file_message(session, message, now=now).reference
    coming = iter([appointment, request, unused := new_reference()])
    monkeypatch.setattr(references, "new_reference", lambda: next(coming))
    number = booked(town, order(second.starts, "h2"), now)
    with db.reading(town) as session:
        assert session.get_one(Booking, number).reference == unused


def test_unknown_and_closed_services(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        session.get_one(AppointmentService, CARD).active = False
        assert [service.code for service in services(session)] == [
            "social_worker",
            "building_technician",
            "land_registry_technician",
        ]
        for code in (CARD, "horoscope"):
            with pytest.raises(UnknownService):
                free_slots(session, code, now=now, limit=1)


def test_across_the_change_to_summer_time(town: db.Sessions) -> None:
    # Friday 27 March and Tuesday 31 March 2026, with the change in between: nine o'clock stays nine o'clock.
    now = datetime(2026, 3, 26, 7, tzinfo=UTC)
    before = free(town, BUILDING, now)[0]
    after = free(town, BUILDING, now, since=datetime(2026, 3, 30, tzinfo=ROME))[0]
    assert (before.starts.hour, after.starts.hour) == (8, 7)
    number = booked(town, order(before.starts), now)
    with db.transaction(town) as session:
        moved = move(session, number, after.starts, holder="h2", by="phone", now=now)
        assert moved.starts_at.astimezone(ROME).time() == time(9)


def test_an_office_s_appointments(town: db.Sessions, now: datetime) -> None:
    first, second = free(town, BUILDING, now, limit=2)
    number = booked(town, order(first.starts), now)
    booked(town, order(second.starts, "h2", citizen_id=2), now)
    booked(town, order(free(town, CARD, now)[0].starts, "h3", service=CARD), now)
    with db.transaction(town) as session:
        cancel(session, number, by="anna", now=now)
        days = now, now + timedelta(days=30)
        found = appointments_at(session, "private_building", begin=days[0], end=days[1])
        assert found is not None
        assert [booking.state for booking in found] == [BookingState.CANCELLED, BookingState.BOOKED]
        assert appointments_at(session, "moon", begin=days[0], end=days[1]) is None


def test_consent_given_in_the_call_is_stored_with_the_appointment(town: db.Sessions, now: datetime) -> None:
    starts = free(town, BUILDING, now)[0].starts
    booked(town, order(starts, consent_text="phone-1", call_unique_id="1.1"), now)
    with db.reading(town) as session:
        assert has_consent(session, NUMBER, Purpose.RECEIPTS)
    assert [message.to_e164 for message in messages(town)] == [NUMBER]
