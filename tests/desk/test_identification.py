"""Identification by keypad: one match or none, and limits on guessing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from desk import db
from desk.citizens import citizens_with_number, keypad_pattern, register_citizen
from desk.identification import (
    WITHHELD_POOL,
    identify_by_birth_date,
    identify_by_tax_code_keys,
    note_failed_identification,
    tries_left,
)
from desk.models import Citizen
from desk.settings import ROME

FAMILY = "+390290000999"


def register(session: Session, tax_code: str, born: date) -> Citizen:
    return register_citizen(
        session,
        tax_code=tax_code,
        first_name="Mario",
        last_name="Rossi",
        birth_date=born,
        address="Via dei Gelsi 3",
        phone_numbers=[FAMILY],
        now=datetime(2026, 11, 23, tzinfo=UTC),
    )


def test_the_keys_of_a_tax_code() -> None:
    assert keypad_pattern("RSSMRA60B01L411Q") == "7776726020154117"
    assert keypad_pattern("abcdefghijklmnopqrstuvwxyz") == "22233344455566677778889999"


def test_one_of_a_family_by_birth_date(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        mario = register(session, "RSSMRA60B01L411Q", date(1960, 2, 1))
        register(session, "RSSMRA85T10A562S", date(1985, 12, 10))
        assert len(citizens_with_number(session, FAMILY)) == 2
        assert identify_by_birth_date(session, caller=FAMILY, born=date(1960, 2, 1)) is mario
        assert identify_by_birth_date(session, caller=FAMILY, born=date(1960, 2, 2)) is None
        assert identify_by_birth_date(session, caller="+393330000999", born=date(1960, 2, 1)) is None
        assert identify_by_birth_date(session, caller=None, born=date(1960, 2, 1)) is None


def test_twins_are_not_told_apart_by_birth_date(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        register(session, "RSSMRA60B01L411Q", date(1960, 2, 1))
        register(session, "RSSMRA85T10A562S", date(1960, 2, 1))
        assert identify_by_birth_date(session, caller=FAMILY, born=date(1960, 2, 1)) is None


def test_a_tax_code_by_its_keys(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        mario = register(session, "RSSMRA60B01L411Q", date(1960, 2, 1))
        keys = keypad_pattern(mario.tax_code)
        assert identify_by_tax_code_keys(session, keys=keys) is mario
        for place in range(16):
            wrong = keys[:place] + str((int(keys[place]) + 1) % 10) + keys[place + 1 :]
            assert identify_by_tax_code_keys(session, keys=wrong) is None


def test_two_citizens_on_the_same_keys_are_nobody(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        mario = register(session, "RSSMRA60B01L411Q", date(1960, 2, 1))
        other = register(session, "RSSMRA85T10A562S", date(1985, 12, 10))
        other.tax_code_keys = mario.tax_code_keys
        session.flush()
        assert identify_by_tax_code_keys(session, keys=mario.tax_code_keys) is None


def test_a_wrong_tax_code_is_not_registered(sessions: db.Sessions) -> None:
    with pytest.raises(ValueError, match="tax code"), db.transaction(sessions) as session:
        register(session, "RSSMRA60B01L411X", date(1960, 2, 1))


def test_tries_are_counted_by_number_and_day_of_rome(sessions: db.Sessions) -> None:
    before_midnight = datetime(2026, 7, 1, 21, 59, tzinfo=UTC)
    after_midnight = datetime(2026, 7, 1, 22, 1, tzinfo=UTC)
    with db.transaction(sessions) as session:
        for _ in range(3):
            note_failed_identification(session, FAMILY, before_midnight)
        assert tries_left(session, FAMILY, limit=6, now=before_midnight) == 3
        assert tries_left(session, FAMILY, limit=2, now=before_midnight) == 0
        assert tries_left(session, "+393330000999", limit=6, now=before_midnight) == 6
        assert tries_left(session, FAMILY, limit=6, now=after_midnight) == 6


@pytest.mark.parametrize(
    ("first", "hours"),
    [
        (datetime(2026, 11, 23, tzinfo=ROME), 24),
        (datetime(2026, 3, 29, tzinfo=ROME), 23),
        (datetime(2026, 10, 25, tzinfo=ROME), 25),
    ],
)
def test_a_day_of_rome_begins_and_ends_at_its_midnights(
    sessions: db.Sessions, first: datetime, hours: int
) -> None:
    begin, second = first.astimezone(UTC), timedelta(seconds=1)
    end = begin + timedelta(hours=hours)
    with db.transaction(sessions) as session:
        for moment in (begin - second, begin, end - second, end):
            note_failed_identification(session, FAMILY, moment)
    with db.reading(sessions) as session:
        left = [
            tries_left(session, FAMILY, limit=6, now=moment)
            for moment in (begin - second, begin, end - second, end)
        ]
    assert left == [5, 4, 4, 5]


def test_the_day_with_25_hours_is_one_day(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        note_failed_identification(session, FAMILY, datetime(2026, 10, 24, 22, 1, tzinfo=UTC))
        note_failed_identification(session, FAMILY, datetime(2026, 10, 25, 22, 59, tzinfo=UTC))
        assert tries_left(session, FAMILY, limit=6, now=datetime(2026, 10, 25, 12, tzinfo=UTC)) == 4


def test_withheld_callers_share_a_larger_pool(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        for _ in range(7):
            note_failed_identification(session, None, now)
        assert tries_left(session, None, limit=6, now=now) == 6 * WITHHELD_POOL - 7
        assert tries_left(session, FAMILY, limit=6, now=now) == 6
