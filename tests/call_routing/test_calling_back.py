"""When a citizen is called again, and when not any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call_routing.calling_back import RESULTS, SOON, Spacing, next_try, somebody_takes_calls
from desk.call_backs import NOT_REACHED
from desk.desk_now import Member, PhoneState, QueueNow
from desk.models import CallBackResult

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
IN_VAIN = st.sampled_from(sorted(NOT_REACHED))
OURS = st.sampled_from([CallBackResult.BROKEN_OFF, CallBackResult.NO_OPERATOR])


@given(IN_VAIN, st.integers(1, 10), st.integers(1, 10), st.integers(1, 86_400))
def test_a_number_is_called_with_spacing_and_not_for_ever(
    result: CallBackResult, not_reached: int, tries: int, seconds: int
) -> None:
    at = next_try(result, not_reached, Spacing(timedelta(seconds=seconds), tries), NOW)
    assert (at is None) == (not_reached >= tries)
    assert at is None or at - NOW == timedelta(seconds=seconds)


@given(OURS, st.integers(0, 10))
def test_what_failed_on_our_side_is_tried_again_soon(result: CallBackResult, not_reached: int) -> None:
    assert next_try(result, not_reached, Spacing(timedelta(hours=1), 3), NOW) == NOW + SOON


def test_every_end_of_a_dial_means_something() -> None:
    # Asterisk's words for the end of a Dial, and ours.
    assert set(RESULTS) >= {"ANSWER", "BUSY", "NOANSWER", "CANCEL", "CONGESTION", "CHANUNAVAIL", "SERVED"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, False),
        ({"201": Member(PhoneState.FREE)}, True),
        ({"201": Member(PhoneState.BUSY)}, True),
        ({"201": Member(PhoneState.UNREACHABLE)}, False),
        ({"201": Member(PhoneState.FREE, "no_answer")}, False),
        ({"201": Member(PhoneState.FREE, "operator"), "101": Member(PhoneState.RINGING)}, True),
    ],
)
def test_nobody_is_called_for_an_empty_desk(members: dict[str, Member], expected: bool) -> None:
    assert somebody_takes_calls(QueueNow(NOW, 0, None, members)) is expected
