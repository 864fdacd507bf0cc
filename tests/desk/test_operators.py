"""Operators added, changed, shut out; their passwords; the town's own log-in."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from desk import db
from desk.models import Audit, Operator, OperatorSession, Role, SignInWay, Tier
from desk.operator_sessions import (
    IDLE,
    KEPT,
    LONGEST_SESSION,
    begin_session,
    end_session,
    end_sessions,
    open_sessions,
    session_of,
)
from desk.operators import (
    TEMPORARY,
    BadPassword,
    LastAdministrator,
    LoginTaken,
    PasswordFault,
    Place,
    add_operator,
    all_operators,
    change_operator,
    chosen_hash,
    drop_two_step,
    give_password,
    keep_chosen,
    let_in,
    operator_by_login,
    operator_of_single_sign_on,
    reset_password,
    shut_out,
    verify_password,
)

NEW = "una frase lunga a piacere"


def _add(
    town: db.Sessions, now: datetime, login: str = "dora", role: Role = Role.OPERATOR
) -> tuple[int, str]:
    given = give_password()
    with db.transaction(town) as session:
        operator = add_operator(
            session, given, login=login, name="Dora  Neri", role=role, by="admin", now=now
        )
        return operator.id, given.password


def _audit(town: db.Sessions) -> list[tuple[str, str, str]]:
    with db.reading(town) as session:
        return [
            (row.by, row.action.value, row.detail)
            for row in session.scalars(select(Audit).order_by(Audit.id))
        ]


def test_a_new_operator_logs_in_once_and_chooses_a_password(town: db.Sessions, now: datetime) -> None:
    number, given = _add(town, now)
    with db.reading(town) as session:
        assert verify_password(session, "dora", given, now=now) is not None
        assert verify_password(session, "dora", given, now=now + TEMPORARY) is None
        assert session.get_one(Operator, number).name == "Dora Neri"
    with db.transaction(town) as session:
        dora = session.get_one(Operator, number)
        here, there = (begin_session(session, dora, SignInWay.PASSWORD, agent="", now=now) for _ in range(2))
        found = session_of(session, here)
        assert found
        former = dora.password_hash
        hashed = chosen_hash(dora, present=given, new=NEW)
        keep_chosen(session, dora, hashed, former=former, session_id=found[0].id, now=now)
        # Whoever checked against the password before that is too late.
        with pytest.raises(BadPassword):
            keep_chosen(session, dora, hashed, former=former, session_id=found[0].id, now=now)
    with db.reading(town) as session:
        assert verify_password(session, "dora", NEW, now=now + TEMPORARY * 2) is not None
        assert verify_password(session, "dora", given, now=now) is None
        assert session_of(session, here) is not None
        assert session_of(session, there) is None
    assert _audit(town) == [
        ("admin", "operator_added", "dora as operator"),
        ("dora", "password_changed", "dora"),
    ]


@pytest.mark.parametrize(
    ("present", "new", "fault"),
    [
        ("another", NEW, PasswordFault.WRONG),
        (None, "troppo corta", None),
        (None, "cortissima!", PasswordFault.SHORT),
        (None, None, PasswordFault.SAME),
        (None, "dora-dora-dora", PasswordFault.OBVIOUS),
        (None, "io sono Dora Neri!", PasswordFault.OBVIOUS),
        (None, "abababababababab", PasswordFault.OBVIOUS),
    ],
)
def test_bad_passwords_are_refused(
    town: db.Sessions, now: datetime, present: str | None, new: str | None, fault: PasswordFault | None
) -> None:
    number, given = _add(town, now)

    def choose() -> None:
        with db.reading(town) as session:
            dora = session.get_one(Operator, number)
        chosen_hash(dora, present=present or given, new=new or given)

    if fault is None:
        choose()
        return
    with pytest.raises(BadPassword) as refused:
        choose()
    assert refused.value.fault is fault


@pytest.mark.parametrize("login", ["", "d", "Dora", "1dora", "do ra", "dora@comune", "d" * 41, "dòra"])
def test_a_log_in_is_simple(town: db.Sessions, now: datetime, login: str) -> None:
    with pytest.raises(ValueError, match="log-in"):
        _add(town, now, login)


def test_a_log_in_is_taken_even_by_who_left(town: db.Sessions, now: datetime) -> None:
    number, _ = _add(town, now)
    with db.transaction(town) as session:
        shut_out(session, session.get_one(Operator, number), by="admin", now=now)
    with pytest.raises(LoginTaken):
        _add(town, now)


def test_an_operator_is_changed_shut_out_and_let_in_again(town: db.Sessions, now: datetime) -> None:
    number, given = _add(town, now)
    with db.transaction(town) as session:
        dora = session.get_one(Operator, number)
        change_operator(
            session,
            dora,
            name="Dora Verdi",
            role=Role.SUPERVISOR,
            place=Place(Tier.COUNTER, "101"),
            by="admin",
            now=now,
        )
        with pytest.raises(ValueError, match="phone"):
            change_operator(
                session, dora, name="Dora", role=dora.role, place=Place(phone="999"), by="admin", now=now
            )
    with db.transaction(town) as session:
        dora = session.get_one(Operator, number)
        assert (dora.name, dora.role, dora.default_tier, dora.default_phone) == (
            "Dora Verdi",
            Role.SUPERVISOR,
            Tier.COUNTER,
            "101",
        )
        key = begin_session(session, dora, SignInWay.PASSWORD, agent="", now=now)
        shut_out(session, dora, by="admin", now=now)
        assert session_of(session, key) is None
        assert all_operators(session)[-1].login == "dora"
    with db.transaction(town) as session:
        assert verify_password(session, "dora", given, now=now) is None
        let_in(session, session.get_one(Operator, number), by="admin", now=now)
    with db.transaction(town) as session:
        dora = session.get_one(Operator, number)
        key = begin_session(session, dora, SignInWay.PASSWORD, agent="", now=now)
        made = give_password()
        reset_password(session, dora, made, by="admin", now=now)
        assert session_of(session, key) is None
        drop_two_step(session, dora, by="admin", now=now)
    with db.reading(town) as session:
        assert verify_password(session, "dora", given, now=now) is None
        assert verify_password(session, "dora", made.password, now=now) is not None
    assert [row[1:] for row in _audit(town)] == [
        ("operator_added", "dora as operator"),
        ("operator_changed", "dora from operator to supervisor"),
        ("operator_changed", "dora shut out"),
        ("operator_changed", "dora let in again"),
        ("password_reset", "dora"),
        ("two_step_off", "dora"),
    ]


def test_the_last_administrator_stays(town: db.Sessions, now: datetime) -> None:
    def demote(login: str) -> None:
        with db.transaction(town) as session:
            operator = operator_by_login(session, login)
            assert operator
            change_operator(
                session, operator, name="X", role=Role.OPERATOR, place=Place(), by="admin", now=now
            )

    def out(login: str) -> None:
        with db.transaction(town) as session:
            operator = operator_by_login(session, login)
            assert operator
            shut_out(session, operator, by="admin", now=now)

    for refused in (demote, out):
        with pytest.raises(LastAdministrator):
            refused("admin")
    _add(town, now, "eva", Role.ADMIN)
    out("admin")
    for refused in (demote, out):
        with pytest.raises(LastAdministrator):
            refused("eva")
    # Who was shut out already cannot be the last one.
    out("admin")


def test_sessions_end_by_hand_and_by_age_and_are_kept_a_year(town: db.Sessions, now: datetime) -> None:
    number, _ = _add(town, now)

    def begin(at: datetime) -> tuple[str, int]:
        with db.transaction(town) as session:
            dora = session.get_one(Operator, number)
            key = begin_session(session, dora, SignInWay.PASSWORD, agent="x" * 500, now=at)
            found = session_of(session, key)
            assert found
            return key, found[0].id

    def still_open(at: datetime) -> list[int]:
        with db.reading(town) as session:
            return [each.id for each in open_sessions(session, number, now=at)]

    (one, first), (two, second), (_, third) = (begin(now + timedelta(minutes=n)) for n in range(3))
    assert still_open(now) == [third, second, first]
    with db.transaction(town) as session:
        assert end_session(session, number, first, now=now)
        assert not end_session(session, number, first, now=now)
        assert not end_session(session, number + 1, second, now=now)
        assert session_of(session, one) is None
        assert session_of(session, two)
        assert end_sessions(session, number, now=now, but=third) == 1
    assert still_open(now) == [third]
    assert still_open(now + IDLE + timedelta(minutes=5)) == still_open(now + LONGEST_SESSION * 2) == []
    begin(now + KEPT + timedelta(days=1))
    with db.reading(town) as session:
        (kept,) = session.scalars(select(OperatorSession).where(OperatorSession.operator_id == number))
        assert len(kept.agent) == 200


def test_whom_the_towns_log_in_vouches_for(town: db.Sessions, now: datetime) -> None:
    def who(subject: str, login: str | None, issuer: str = "https://login.example") -> str | None:
        with db.transaction(town) as session:
            found = operator_of_single_sign_on(session, issuer=issuer, subject=subject, login=login)
            return found.login if found else None

    assert who("s1", None) is who("s1", "nobody") is None
    assert who("s1", "Anna") == "anna"
    assert who("s1", None) == who("s1", "bruno") == "anna"
    # The name was given to somebody else since.
    assert who("s2", "anna") is None
    assert who("s2", "bruno") == "bruno"
    # Another provider begins anew.
    assert who("s2", "anna", "https://new.example") == "anna"
    with db.transaction(town) as session:
        anna = operator_by_login(session, "anna")
        assert anna
        shut_out(session, anna, by="admin", now=now)
    assert who("s2", "anna", "https://new.example") is None


def test_passwords_are_hashed_at_least_as_strongly_as_owasp_asks(real_hasher: PasswordHasher) -> None:
    assert real_hasher.memory_cost >= 19 * 1024
    assert real_hasher.time_cost >= 2
    assert real_hasher.hash("x").startswith("$argon2id$")
