"""Courses on both databases: no place twice, a waiting list in order, and who waits moves up."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from desk import db
from desk.consents import Purpose, give_consent
from desk.courses import (
    AlreadyEnrolled,
    EnrolmentOrder,
    Full,
    ListFull,
    Nobody,
    NotEnrolled,
    NotOpen,
    Offer,
    enrol,
    fill_places,
    offer,
    position,
    withdraw,
)
from desk.models import (
    Base,
    Course,
    CourseDetails,
    CoursePlace,
    Enrolment,
    Message,
    Request,
    RequestState,
)
from desk.payments import notice_number, owed
from desk.requests import request_by_reference
from tests.desk.crowds import at_once

CALLERS = 50
CERAMICS = "ceramics"


def number(caller: int) -> str:
    return f"+3933300000{caller:02}"


def order(caller: int, **changes: object) -> EnrolmentOrder:
    values: dict[str, object] = {
        "course": CERAMICS,
        "contact_e164": number(caller),
        "identified_by": "spoken",
        "idempotency_key": f"call {caller}",
        "may_wait": True,
        "sms": True,
        "consent_text": "phone-1",
    }
    return EnrolmentOrder.model_validate({**values, **changes})


def enrolled(sessions: db.Sessions, wanted: EnrolmentOrder, now: datetime) -> int:
    with db.transaction(sessions) as session:
        return enrol(session, wanted, now=now).id


def limit(sessions: db.Sessions, *, places: int, waiting_list: int = 5) -> None:
    with db.transaction(sessions) as session:
        course = session.get_one(Course, CERAMICS)
        course.places, course.waiting_list = places, waiting_list


def now_there(sessions: db.Sessions, now: datetime) -> Offer:
    with db.reading(sessions) as session:
        return offer(session, CERAMICS, now=now)


def count(sessions: db.Sessions, model: type[Base]) -> int:
    with db.reading(sessions) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def standing(sessions: db.Sessions) -> list[tuple[str, int | None, bool]]:
    """Each enrolment: who, position on the waiting list, and whether the request says that it waits."""
    with db.reading(sessions) as session:
        found = []
        for enrolment in session.scalars(select(Enrolment).order_by(Enrolment.id)):
            details = enrolment.request.details
            assert isinstance(details, CourseDetails)
            found.append((enrolment.person, position(session, enrolment), details.waiting))
        return found


def texts(sessions: db.Sessions) -> list[tuple[str, str]]:
    with db.reading(sessions) as session:
        rows = session.execute(select(Message.template, Message.to_e164).order_by(Message.created_at))
        return [(template, to) for template, to in rows]


def test_of_fifty_callers_on_three_last_places_three_get_one_and_five_wait(
    town: db.Sessions, now: datetime
) -> None:
    limit(town, places=3)
    results = at_once(CALLERS, lambda caller: enrolled(town, order(caller), now), ListFull)
    assert results.count(ListFull) == CALLERS - 8
    with db.reading(town) as session:
        places = session.scalars(select(CoursePlace.place)).all()
        positions = [position(session, enrolment) for enrolment in session.scalars(select(Enrolment))]
    assert sorted(places) == [0, 1, 2]
    assert positions.count(None) == 3
    assert {place for place in positions if place} == {1, 2, 3, 4, 5}
    assert [count(town, model) for model in (Enrolment, Request, Message)] == [8, 8, 8]
    there = now_there(town, now)
    assert (there.left, there.next_position) == (0, None)


def test_of_fifty_who_do_not_want_to_wait_one_gets_the_last_place(town: db.Sessions, now: datetime) -> None:
    limit(town, places=1)
    results = at_once(CALLERS, lambda caller: enrolled(town, order(caller, may_wait=False), now), Full)
    assert results.count(Full) == CALLERS - 1
    assert [count(town, model) for model in (Enrolment, CoursePlace, Request)] == [1, 1, 1]


def test_the_database_itself_refuses_a_place_twice_and_a_person_twice(
    town: db.Sessions, now: datetime
) -> None:
    first, second = (enrolled(town, order(caller), now) for caller in range(2))
    with db.reading(town) as session:
        taken = session.scalars(select(CoursePlace.place).where(CoursePlace.enrolment_id == first)).one()
    with pytest.raises(IntegrityError), db.transaction(town) as session:
        session.add(CoursePlace(course_code=CERAMICS, place=taken, enrolment_id=second))
    with pytest.raises(IntegrityError), db.transaction(town) as session:
        session.get_one(Enrolment, second).person = session.get_one(Enrolment, first).person


def test_one_citizen_in_eight_calls_at_once_is_enrolled_once(town: db.Sessions, now: datetime) -> None:
    def call(caller: int) -> int:
        return enrolled(town, order(caller, citizen_id=1, identified_by="tax_code"), now)

    results = at_once(8, call, AlreadyEnrolled)
    assert results.count(AlreadyEnrolled) == 7
    assert count(town, Enrolment) == 1


def test_a_number_without_a_name_counts_as_one_person(town: db.Sessions, now: datetime) -> None:
    enrolled(town, order(1), now)
    with pytest.raises(AlreadyEnrolled):
        enrolled(town, order(1, idempotency_key="again"), now)
    # A citizen who calls from the same telephone is somebody else.
    enrolled(town, order(1, idempotency_key="citizen", citizen_id=1), now)
    with pytest.raises(Nobody):
        enrolled(town, order(2, contact_e164=None), now)


def test_enrolling_again_with_one_key_is_one_enrolment(town: db.Sessions, now: datetime) -> None:
    assert enrolled(town, order(1), now) == enrolled(town, order(1), now)
    assert [count(town, model) for model in (Enrolment, CoursePlace, Request, Message)] == [1, 1, 1, 1]


def test_who_withdraws_makes_room_for_the_first_who_waits(town: db.Sessions, now: datetime) -> None:
    limit(town, places=1)
    first = enrolled(town, order(0), now)
    enrolled(town, order(1), now)
    enrolled(town, order(2, sms=False), now)
    assert [(who[-2:], place) for who, place, _ in standing(town)] == [("00", None), ("01", 1), ("02", 2)]
    later = now + timedelta(hours=1)
    with db.transaction(town) as session:
        withdrawn = withdraw(session, first, by="anna", now=later)
        assert withdrawn.request.state is RequestState.DONE
    assert [waits for _, _, waits in standing(town)] == [False, False, True]
    assert standing(town)[2][1] == 1
    assert texts(town) == [
        ("course_place", number(0)),
        ("course_waiting", number(1)),
        ("course_place", number(1)),
    ]
    with pytest.raises(NotEnrolled), db.transaction(town) as session:
        withdraw(session, first, by="anna", now=later)
    # Who has withdrawn may come back, behind the others.
    enrolled(town, order(0, idempotency_key="back"), later)
    assert standing(town)[3][1] == 2


def test_who_waits_and_has_not_consented_moves_up_without_a_message(town: db.Sessions, now: datetime) -> None:
    limit(town, places=1)
    first = enrolled(town, order(0, sms=False, consent_text=None), now)
    enrolled(town, order(1, sms=False, consent_text=None), now)
    with db.transaction(town) as session:
        withdraw(session, first, by="anna", now=now)
    assert standing(town)[1][1:] == (None, False)
    assert texts(town) == []


def test_everybody_withdraws_at_once_and_nobody_is_placed_twice(town: db.Sessions, now: datetime) -> None:
    limit(town, places=4, waiting_list=8)
    everybody = [enrolled(town, order(caller), now) for caller in range(12)]

    def leave(caller: int) -> int:
        with db.transaction(town) as session:
            return withdraw(session, everybody[caller], by="phone", now=now).id

    at_once(6, lambda caller: leave(2 * caller))
    with db.reading(town) as session:
        placed = session.scalars(select(CoursePlace.enrolment_id)).all()
        left = [
            position(session, session.get_one(Enrolment, everybody[caller])) for caller in range(1, 12, 2)
        ]
    assert sorted(placed) == [everybody[caller] for caller in (1, 3, 5, 7)]
    assert left == [None, None, None, None, 1, 2]


def test_more_places_are_for_those_who_wait(town: db.Sessions, now: datetime) -> None:
    limit(town, places=1)
    for caller in range(3):
        enrolled(town, order(caller), now)
    limit(town, places=2)
    assert now_there(town, now).left == 0
    # Whoever comes next does not pass them.
    enrolled(town, order(3), now)
    assert [place for _, place, _ in standing(town)] == [None, None, 1, 2]
    limit(town, places=9)
    assert now_there(town, now).left == 5
    with db.transaction(town) as session:
        assert fill_places(session, session.get_one(Course, CERAMICS), now=now) == 2


def test_fewer_places_take_nobody_s_away(town: db.Sessions, now: datetime) -> None:
    everybody = [enrolled(town, order(caller), now) for caller in range(4)]
    limit(town, places=2)
    with db.transaction(town) as session:
        withdraw(session, everybody[0], by="anna", now=now)
    assert count(town, CoursePlace) == 3
    assert now_there(town, now).left == 0


def test_the_fee_is_owed_once_there_is_a_place(town: db.Sessions, now: datetime) -> None:
    limit(town, places=1)
    first = enrolled(town, order(0), now)
    second = enrolled(town, order(1), now)

    def owed_for(enrolment: int) -> Decimal:
        with db.reading(town) as session:
            return owed(session.get_one(Enrolment, enrolment).request)

    assert [owed_for(first), owed_for(second)] == [Decimal("85.00"), 0]
    with db.transaction(town) as session:
        withdraw(session, first, by="anna", now=now)
        request = session.get_one(Enrolment, second).request
        assert isinstance(request.details, CourseDetails)
        request.details = request.details.model_copy(update={"pagopa_notice": "3" * 18})
    assert [owed_for(first), owed_for(second)] == [0, Decimal("85.00")]
    with db.reading(town) as session:
        assert notice_number(session.get_one(Enrolment, second).request) == "3" * 18


def test_a_free_course_says_so_in_its_message(town: db.Sessions, now: datetime) -> None:
    enrolled(town, order(1, course="italian"), now)
    assert texts(town) == [("course_place_free", number(1))]


def test_when_one_can_enrol(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        course = session.get_one(Course, CERAMICS)
        opens, closes = course.enrolment_opens, course.enrolment_closes

    def is_open(at: datetime) -> bool:
        try:
            return bool(now_there(town, at).left)
        except NotOpen:
            return False

    instant = timedelta(microseconds=1)
    assert [is_open(at) for at in (opens - instant, opens, closes - instant, closes)] == [
        False,
        True,
        True,
        False,
    ]
    with pytest.raises(NotOpen):
        enrolled(town, order(1), closes)
    with pytest.raises(NotOpen):
        enrolled(town, order(1, course="astrology"), now)


def test_it_is_filed_in_the_one_list(town: db.Sessions, now: datetime) -> None:
    with db.transaction(town) as session:
        give_consent(
            session,
            e164=number(1),
            citizen_id=None,
            purpose=Purpose.RECEIPTS,
            text_version="1",
            how="counter",
            by="anna",
            now=now,
        )
        reference = enrol(session, order(1, consent_text=None), now=now).request.reference
    with db.reading(town) as session:
        request = request_by_reference(session, reference)
        assert request is not None
        assert (request.kind, request.state) == ("course", RequestState.RECEIVED)
        message = session.scalars(select(Message)).one()
    assert message.request_id == request.id
    assert reference in message.body
    assert "85,00 euro" in message.body
    # Others read a family's telephone: what it is about is not in the message.
    assert "ceramica" not in message.body.lower()


def test_without_a_commit_nothing_is_there(town: db.Sessions, now: datetime) -> None:
    with town() as session:
        enrol(session, order(1), now=now)
    assert [count(town, model) for model in (Enrolment, CoursePlace, Request, Message)] == [0, 0, 0, 0]
