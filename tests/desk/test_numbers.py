"""Telephone numbers, reference numbers and working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.calendar import add_working_days, is_holiday, is_working_day
from desk.phone_numbers import is_mobile, to_call_back, to_e164
from desk.references import is_reference, new_reference


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("0290912345", "+390290912345"),
        ("00390290912345", "+390290912345"),
        ("+39 02 9091 2345", "+390290912345"),
        ("3331234567", "+393331234567"),
        ("+393331234567", "+393331234567"),
        ("0033142345678", "+33142345678"),
        ("anonymous", None),
        ("unknown", None),
        ("", None),
        (None, None),
        ("201", None),
        ("+39", None),
        ("+3933312345678901234567", None),
    ],
)
def test_numbers_in_one_form(raw: str | None, e164: str | None) -> None:
    assert to_e164(raw) == e164


@given(st.text())
def test_anything_gives_a_short_number_that_stays_itself_or_nothing(raw: str) -> None:
    number = to_e164(raw)
    assert number is None or (len(number) <= 16 and to_e164(number) == number)


@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("0290912345", "+390290912345"),
        ("0612345678", "+390612345678"),
        ("3331234567", "+393331234567"),
        ("00393331234567", "+393331234567"),
        # Premium, shared cost, free, personal, emergency, information and service numbers.
        ("899123456", None),
        ("8951234567", None),
        ("1991234567", None),
        ("848800000", None),
        ("800123456", None),
        ("1782345678", None),
        ("7001234567", None),
        ("112", None),
        ("118", None),
        ("1254", None),
        ("4242", None),
        # Abroad, too short, too long, of no kind, a phone of ours, nothing.
        ("0033142345678", None),
        ("0041446681800", None),
        ("0066812345678", None),
        ("333", None),
        ("333123456789", None),
        ("5551234567", None),
        ("201", None),
        ("", None),
        (None, None),
    ],
)
def test_numbers_that_are_called_back(typed: str | None, called: str | None) -> None:
    assert to_call_back(typed) == called


@given(st.text(alphabet="0123456789+", max_size=16))
def test_nothing_but_italian_lines_and_mobiles_is_called_back(typed: str) -> None:
    called = to_call_back(typed)
    assert called is None or (called[:4] in {"+390", "+393"} and called[1:].isdigit() and len(called) <= 14)


def test_mobile_numbers() -> None:
    assert is_mobile("+393331234567")
    assert not is_mobile("+390290912345")
    assert not is_mobile("nonsense")


@given(st.randoms(use_true_random=False))
def test_a_reference_has_eight_digits_and_does_not_begin_with_zero(random: object) -> None:
    reference = new_reference(random)  # type: ignore[arg-type]
    assert len(reference) == 8
    assert reference[0] != "0"
    assert is_reference(reference)


@given(st.randoms(use_true_random=False), st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_is_found(random: object, place: int, change: int) -> None:
    reference = new_reference(random)  # type: ignore[arg-type]
    wrong = str((int(reference[place]) + change) % 10)
    assert not is_reference(reference[:place] + wrong + reference[place + 1 :])


@given(st.randoms(use_true_random=False), st.integers(0, 6))
def test_two_digits_changed_over_are_found(random: object, place: int) -> None:
    reference = new_reference(random)  # type: ignore[arg-type]
    swapped = reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]
    assert swapped == reference or not is_reference(swapped)


@pytest.mark.parametrize(
    "text", ["", "1234567", "123456789", "abcdefgh", "１２３４５６７８", "01234567", "-1234567"]
)
def test_what_is_no_reference(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize(
    "day", ["2026-01-01", "2026-04-06", "2026-04-25", "2026-06-19", "2026-12-08", "2027-06-19"]
)
def test_holidays(day: str) -> None:
    assert is_holiday(date.fromisoformat(day))
    assert not is_working_day(date.fromisoformat(day))


def test_an_ordinary_week() -> None:
    monday = date(2026, 11, 23)
    assert [is_working_day(monday + timedelta(days=n)) for n in range(7)] == [True] * 5 + [False] * 2


def test_over_christmas() -> None:
    assert add_working_days(date(2026, 12, 23), 2) == date(2026, 12, 28)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 30))
def test_so_many_working_days_lie_between(day: date, count: int) -> None:
    due = add_working_days(day, count)
    between = (day + timedelta(days=n) for n in range(1, (due - day).days + 1))
    assert is_working_day(due)
    assert sum(map(is_working_day, between)) == count
