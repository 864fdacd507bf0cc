"""Working on requests: whose one is decides the database, each step has one outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from desk import db
from desk.casework import (
    REOPEN_WITHIN,
    Act,
    Done,
    Outcome,
    Worker,
    acts_for,
    add_note,
    colleagues,
    complete,
    hand_over,
    put_back,
    reject,
    reopen,
    resume,
    take,
    wait_for_citizen,
)
from desk.certificates import CertificateOrder, file_certificate
from desk.courses import EnrolmentOrder, enrol
from desk.models import (
    Course,
    Delivery,
    Enrolment,
    IdentifiedBy,
    Message,
    Operator,
    PartOfDay,
    Request,
    RequestNote,
    RequestState,
    Role,
    Room,
    RoomBooking,
    RoomDecision,
    RoomUse,
    Stamp,
    Subject,
)
from desk.requests import request_by_reference
from desk.rooms import RoomOrder, ask_for_room
from tests.desk.crowds import at_once

GIULIA = "+393331112201"
RECEIVED, IN_PROGRESS, WAITING, DONE, REJECTED = RequestState


@pytest.fixture
def logins(town: db.Sessions) -> tuple[str, str]:
    """Two operators beside those of the demo town."""
    with db.transaction(town) as session:
        for login in ("one", "two"):
            session.add(Operator(login=login, name=login.title(), password_hash="-", role=Role.OPERATOR))
    return "one", "two"


@pytest.fixture
def anna(logins: tuple[str, str]) -> Worker:
    return Worker(logins[0])


@pytest.fixture
def bruno(logins: tuple[str, str]) -> Worker:
    return Worker(logins[1])


def file(town: db.Sessions, now: datetime, key: str = "k") -> str:
    with db.transaction(town) as session:
        return file_certificate(
            session,
            CertificateOrder(
                kind="birth",
                subject=Subject.SELF,
                copies=1,
                delivery=Delivery.COUNTER,
                stamp=Stamp.FREE,
                identified_by=IdentifiedBy.BIRTH_DATE,
                contact_e164=GIULIA,
                idempotency_key=key,
            ),
            now=now,
        ).reference


def doing(town: db.Sessions, act: Callable[..., Done], *arguments: object, **more: object) -> Outcome:
    with db.transaction(town) as session:
        return act(session, *arguments, **more).outcome


def periods(town: db.Sessions, reference: str) -> list[tuple[RequestState, str | None, str, str | None]]:
    with db.reading(town) as session:
        request = request_by_reference(session, reference)
        assert request
        assert [period.ended_at is None for period in request.periods] == [
            *[False] * (len(request.periods) - 1),
            True,
        ]
        assert request.state is request.periods[-1].state
        assert request.assignee == request.periods[-1].assignee
        return [(each.state, each.assignee, each.by, each.note) for each in request.periods]


def written(town: db.Sessions) -> list[str]:
    with db.reading(town) as session:
        return list(session.scalars(select(Message.template).order_by(Message.created_at)))


def test_a_request_from_its_first_to_its_last_step(
    town: db.Sessions, now: datetime, anna: Worker, bruno: Worker
) -> None:
    reference = file(town, now)
    a, b = anna.login, bruno.login

    def step(act: Callable[..., Done], by: Worker, **more: object) -> Outcome:
        return doing(town, act, reference, by, now=now, **more)

    assert step(take, anna) is Outcome.CHANGED
    assert step(take, anna) is Outcome.ALREADY_MINE
    assert step(hand_over, anna, to=b, note="è del mio paese") is Outcome.CHANGED
    assert step(complete, anna) is Outcome.TAKEN
    assert step(wait_for_citizen, bruno, note=" ") is Outcome.NO_REASON
    assert step(wait_for_citizen, bruno, note="un documento") is Outcome.CHANGED
    assert step(wait_for_citizen, bruno, note="un documento") is Outcome.NOT_POSSIBLE
    assert step(resume, bruno) is Outcome.CHANGED
    assert step(put_back, bruno) is Outcome.CHANGED
    assert step(put_back, bruno) is Outcome.NOT_POSSIBLE
    assert step(complete, anna, note="consegnato") is Outcome.CHANGED
    assert step(complete, anna) is Outcome.NOT_POSSIBLE
    assert periods(town, reference) == [
        (RECEIVED, None, "phone", None),
        (IN_PROGRESS, a, a, None),
        (IN_PROGRESS, b, a, "è del mio paese"),
        (WAITING, b, b, "un documento"),
        (IN_PROGRESS, b, b, None),
        (RECEIVED, None, b, None),
        (IN_PROGRESS, a, a, None),
        (DONE, a, a, "consegnato"),
    ]
    assert written(town) == ["certificate_ready"]


def test_rejected_with_a_reason_told_once_and_reopened_for_a_while(
    town: db.Sessions, now: datetime, anna: Worker, bruno: Worker
) -> None:
    reference = file(town, now)
    assert doing(town, reject, reference, anna, note="", now=now) is Outcome.NO_REASON
    assert doing(town, reject, reference, anna, note="atto di altro comune", now=now) is Outcome.CHANGED
    assert written(town) == ["request_rejected"]
    late = now + REOPEN_WITHIN + timedelta(seconds=1)
    assert doing(town, reopen, reference, bruno, note="era nostro", now=late) is Outcome.TOO_LATE
    assert doing(town, reopen, reference, bruno, note="", now=now) is Outcome.NO_REASON
    assert doing(town, reopen, reference, bruno, note="era nostro", now=now) is Outcome.CHANGED
    assert doing(town, reopen, reference, anna, note="era nostro", now=now) is Outcome.NOT_POSSIBLE
    assert doing(town, reject, reference, bruno, note="no", now=now) is Outcome.CHANGED
    assert periods(town, reference)[-3:] == [
        (REJECTED, anna.login, anna.login, "atto di altro comune"),
        (IN_PROGRESS, bruno.login, bruno.login, "era nostro"),
        (REJECTED, bruno.login, bruno.login, "no"),
    ]
    assert written(town) == ["request_rejected"]


def test_of_many_who_take_one_request_one_has_it(
    town: db.Sessions, now: datetime, anna: Worker, bruno: Worker
) -> None:
    for turn in range(3):
        reference = file(town, now, f"k{turn}")
        workers = [anna, bruno] * 3

        def grab(caller: int, reference: str = reference, workers: list[Worker] = workers) -> Done:
            with db.transaction(town) as session:
                return take(session, reference, workers[caller], now=now)

        done = [each for each in at_once(len(workers), grab) if isinstance(each, Done)]
        assert sum(each.changed for each in done) == 1
        (winner,) = {each.assignee for each in done}
        assert {each.outcome for each in done} == {Outcome.CHANGED, Outcome.TAKEN, Outcome.ALREADY_MINE}
        assert [who for _, who, _, _ in periods(town, reference)] == [None, winner]


def test_who_hands_over_at_the_same_moment_does_not_undo_it(
    town: db.Sessions, now: datetime, anna: Worker, bruno: Worker
) -> None:
    reference = file(town, now)
    doing(town, take, reference, anna, now=now)

    def act(caller: int) -> Done:
        with db.transaction(town) as session:
            if caller:
                return hand_over(session, reference, anna, to=bruno.login, now=now)
            return complete(session, reference, anna, now=now)

    outcomes = [each.outcome for each in at_once(2, act) if isinstance(each, Done)]
    assert outcomes.count(Outcome.CHANGED) == 1
    assert len(periods(town, reference)) == 3


def test_only_who_assigns_gives_away_what_others_have(
    town: db.Sessions, now: datetime, anna: Worker, bruno: Worker
) -> None:
    reference, chief = file(town, now), Worker("capo", assigns=True)
    assert doing(town, hand_over, reference, anna, to=bruno.login, now=now) is Outcome.NOT_ALLOWED
    assert doing(town, hand_over, reference, chief, to="nessuno", now=now) is Outcome.NO_COLLEAGUE
    assert doing(town, hand_over, reference, chief, to=anna.login, now=now) is Outcome.CHANGED
    assert doing(town, hand_over, reference, bruno, to=bruno.login, now=now) is Outcome.TAKEN
    assert doing(town, hand_over, reference, chief, to=bruno.login, now=now) is Outcome.CHANGED
    with db.transaction(town) as session:
        session.scalars(select(Operator).where(Operator.login == anna.login)).one().active = False
    assert doing(town, hand_over, reference, chief, to=anna.login, now=now) is Outcome.NO_COLLEAGUE
    assert doing(town, complete, reference, chief, now=now) is Outcome.CHANGED
    assert periods(town, reference)[-1][1:3] == (bruno.login, "capo")


def test_managers_are_no_colleagues(town: db.Sessions, anna: Worker) -> None:
    with db.reading(town) as session:
        found = {operator.login: operator.role for operator in colleagues(session)}
    assert anna.login in found
    assert Role.MANAGER not in found.values()


def test_an_unknown_request_is_unknown(town: db.Sessions, now: datetime, anna: Worker) -> None:
    for act in (take, put_back, resume, complete):
        assert doing(town, act, "12345678", anna, now=now) is Outcome.UNKNOWN
    assert doing(town, add_note, "12345678", "x", by="anna", now=now) is Outcome.UNKNOWN


def test_notes_are_kept_in_their_order(town: db.Sessions, now: datetime) -> None:
    reference = file(town, now)
    for text, outcome in (("prima", Outcome.CHANGED), ("  ", Outcome.NO_REASON), ("poi", Outcome.CHANGED)):
        assert doing(town, add_note, reference, text, by="anna", now=now) is outcome
    with db.reading(town) as session:
        found = session.scalars(select(RequestNote).order_by(RequestNote.id)).all()
        assert [(note.by, note.text) for note in found] == [("anna", "prima"), ("anna", "poi")]


def _room(town: db.Sessions, now: datetime, key: str) -> str:
    with db.transaction(town) as session:
        room = session.scalars(select(Room.code).order_by(Room.position)).first()
        assert room
        return ask_for_room(
            session,
            RoomOrder(
                room=room,
                purpose=RoomUse.CONFERENCE,
                day=date(2026, 12, 15),
                part=PartOfDay.EVENING,
                contact_e164=GIULIA,
                identified_by=IdentifiedBy.SPOKEN,
                idempotency_key=key,
            ),
            now=now,
        ).request.reference


def test_completing_a_request_for_a_room_gives_it_to_one_only(
    town: db.Sessions, now: datetime, anna: Worker
) -> None:
    first, second, third = (_room(town, now, key) for key in "abc")
    assert doing(town, complete, first, anna, note="chiavi in portineria", now=now) is Outcome.CHANGED
    assert doing(town, complete, second, anna, now=now) is Outcome.ROOM_TAKEN
    assert doing(town, reject, second, anna, note="occupata", now=now) is Outcome.CHANGED
    assert doing(town, reject, third, anna, note="occupata", now=now) is Outcome.CHANGED
    assert [periods(town, each)[-1] for each in (first, second, third)] == [
        (DONE, anna.login, anna.login, "chiavi in portineria"),
        *[(REJECTED, anna.login, anna.login, "occupata")] * 2,
    ]
    with db.reading(town) as session:
        assert sorted(session.scalars(select(RoomBooking.decision))) == [
            RoomDecision.APPROVED,
            RoomDecision.REFUSED,
            RoomDecision.REFUSED,
        ]
    assert "request_rejected" not in written(town)


def test_a_rejected_enrolment_leaves_its_place_to_the_next(
    town: db.Sessions, now: datetime, anna: Worker
) -> None:
    references = []
    with db.transaction(town) as session:
        course = session.scalars(
            select(Course).where(Course.enrolment_opens <= now, Course.enrolment_closes > now)
        ).first()
        assert course
        course.places = 1
        course.waiting_list = 5
        for caller in range(2):
            order = EnrolmentOrder(
                course=course.code,
                contact_e164=f"+39333999000{caller}",
                identified_by=IdentifiedBy.SPOKEN,
                idempotency_key=f"c{caller}",
                may_wait=True,
            )
            references.append(enrol(session, order, now=now).request.reference)
    assert doing(town, reject, references[0], anna, note="minorenne", now=now) is Outcome.CHANGED
    assert periods(town, references[0])[-1] == (REJECTED, anna.login, anna.login, "minorenne")
    with db.reading(town) as session:
        found = {
            enrolment.request.reference: enrolment for enrolment in session.scalars(select(Enrolment)).all()
        }
        assert found[references[0]].cancelled_at is not None
        assert found[references[1]].placed_at is not None


def test_what_can_be_done_is_what_is_done(town: db.Sessions, now: datetime, anna: Worker) -> None:
    """The buttons that a page shows are those whose act then succeeds, and no other."""
    tried: dict[Act, Callable[..., Done]] = {
        Act.TAKE: take,
        Act.PUT_BACK: put_back,
        Act.HAND_OVER: lambda *a, **k: hand_over(*a, to=anna.login, **k),
        Act.WAIT: lambda *a, **k: wait_for_citizen(*a, note="x", **k),
        Act.RESUME: resume,
        Act.COMPLETE: complete,
        Act.REJECT: lambda *a, **k: reject(*a, note="x", **k),
        Act.REOPEN: lambda *a, **k: reopen(*a, note="x", **k),
    }
    assert set(tried) == set(Act)
    reference = file(town, now)
    for worker in (anna, Worker("altro"), Worker("capo", assigns=True)):
        for state in RequestState:
            for assignee in (None, anna.login):
                if (state is RECEIVED and assignee) or (state is not RECEIVED and not assignee):
                    continue
                offered = acts_for(state, assignee, worker, closed_at=now, now=now)
                for act, do in tried.items():
                    with town() as session:
                        request = session.scalars(select(Request).where(Request.reference == reference)).one()
                        request.state, request.assignee = state, assignee
                        request.periods[-1].state = state
                        session.flush()
                        changed = do(session, reference, worker, now=now).changed
                        session.rollback()
                    assert changed == (act in offered), (worker, state, assignee, act)
