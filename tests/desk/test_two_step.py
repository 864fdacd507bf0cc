from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select

from desk import db
from desk.models import Operator, RecoveryCode, Role
from desk.operators import create_operator
from desk.two_step import RECOVERY_CODES, TwoStep, Unreadable, end_two_step, recovery_codes_left

TWO_STEP = TwoStep("w" * 43)


@pytest.fixture
def anna(sessions: db.Sessions) -> int:
    with db.transaction(sessions) as session:
        return create_operator(session, login="anna", name="Anna", password="giusta", role=Role.ADMIN).id


def _telephone(anna: int, sealed: str) -> pyotp.TOTP:
    """What the code that was scanned makes of a telephone."""
    address = urlsplit(TWO_STEP.to_scan(anna, sealed, "anna"))
    assert address.scheme == "otpauth"
    asked = parse_qs(address.query)
    assert asked["issuer"] == ["Centralino"]
    assert asked["secret"] == [TWO_STEP.to_type(anna, sealed)]
    return pyotp.TOTP(asked["secret"][0])


def _set_up(sessions: db.Sessions, anna: int, now: datetime) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    sealed = TWO_STEP.new_secret(anna)
    telephone = _telephone(anna, sealed)
    with db.transaction(sessions) as session:
        operator = session.get_one(Operator, anna)
        wrong = f"{(int(telephone.at(now)) + 1) % 1_000_000:06}"
        assert TWO_STEP.set_up(session, operator, sealed, wrong, now=now) is None
        assert operator.totp_secret != sealed
        codes = TWO_STEP.set_up(session, operator, sealed, telephone.at(now), now=now)
    assert codes
    return telephone, codes


def _passes(sessions: db.Sessions, anna: int, code: str, now: datetime) -> bool:
    with db.transaction(sessions) as session:
        return TWO_STEP.passes(session, anna, code, now=now)


def test_a_code_lets_in_once_and_a_clock_may_be_a_little_off(
    sessions: db.Sessions, anna: int, now: datetime
) -> None:
    telephone, _ = _set_up(sessions, anna, now)
    # The code of the set-up is used up.
    assert not _passes(sessions, anna, telephone.at(now), now)
    later = now + timedelta(minutes=5)
    for off in (-60, 60):
        assert not _passes(sessions, anna, telephone.at(later + timedelta(seconds=off)), later)
    early = telephone.at(later - timedelta(seconds=30))
    assert _passes(sessions, anna, f" {early[:3]} {early[3:]}", later)
    assert not _passes(sessions, anna, early, later)
    assert _passes(sessions, anna, telephone.at(later + timedelta(seconds=30)), later)
    # What came before the last one that was taken is too late.
    assert not _passes(sessions, anna, telephone.at(later), later)
    for nonsense in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦"):
        assert not _passes(sessions, anna, nonsense, later)


def test_each_recovery_code_lets_in_once(sessions: db.Sessions, anna: int, now: datetime) -> None:
    _, codes = _set_up(sessions, anna, now)
    assert len(set(codes)) == RECOVERY_CODES
    with db.reading(sessions) as session:
        kept = session.scalars(select(RecoveryCode)).all()
        assert not any(code.replace("-", "") in row.digest for row in kept for code in codes)
    assert _passes(sessions, anna, codes[0].upper().replace("-", " "), now)
    assert not _passes(sessions, anna, codes[0], now)
    with db.reading(sessions) as session:
        assert recovery_codes_left(session, anna) == RECOVERY_CODES - 1

    _, again = _set_up(sessions, anna, now + timedelta(hours=1))
    assert not _passes(sessions, anna, codes[1], now)
    assert _passes(sessions, anna, again[1], now)


def test_of_two_with_the_same_code_at_once_one_gets_in(
    sessions: db.Sessions, anna: int, now: datetime
) -> None:
    telephone, codes = _set_up(sessions, anna, now)
    later = now + timedelta(minutes=5)
    for code in (telephone.at(later), codes[0]):
        with ThreadPoolExecutor(8) as pool:
            passed = list(pool.map(lambda _, code=code: _passes(sessions, anna, code, later), range(8)))
        assert passed.count(True) == 1


def test_a_copy_of_the_database_is_no_telephone(sessions: db.Sessions, anna: int, now: datetime) -> None:
    _set_up(sessions, anna, now)
    with db.reading(sessions) as session:
        sealed = session.get_one(Operator, anna).totp_secret
    assert sealed
    assert TWO_STEP.to_type(anna, sealed) not in sealed
    for key, whose, secret in (
        ("another", anna, sealed),
        ("w" * 43, anna + 1, sealed),
        ("w" * 43, anna, "x"),
    ):
        with pytest.raises(Unreadable):
            TwoStep(key).to_type(whose, secret)


def test_it_can_be_ended(sessions: db.Sessions, anna: int, now: datetime) -> None:
    telephone, codes = _set_up(sessions, anna, now)
    with db.transaction(sessions) as session:
        end_two_step(session, session.get_one(Operator, anna))
    later = now + timedelta(minutes=5)
    assert not _passes(sessions, anna, telephone.at(later), later)
    assert not _passes(sessions, anna, codes[0], later)
    assert not _passes(sessions, anna + 1, telephone.at(later), later)
