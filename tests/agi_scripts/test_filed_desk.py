"""Where is my request: found by its number, with limits, and without telling a stranger anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.db import transaction
from desk.models import Request, RequestState
from desk.requests import MessageOrder, change_state, file_message, request_by_reference
from ivr.find_request import FoundRequest, NotFound, Progress

OWNER, STRANGER = "+393331112203", "+393331112204"


@pytest.fixture
def reference(house: House) -> str:
    """A request that was made from the owner's number."""
    order = MessageOrder(recording=Path("m.wav"), caller=OWNER, idempotency_key="m")
    with transaction(house.sessions) as session:
        return file_message(session, order, now=house.clock()).reference


def test_from_the_number_on_it_the_reference_is_enough(
    desk_for: Callable[[str | None], CallDesk], reference: str
) -> None:
    found = desk_for(OWNER).filed.find_own(reference)
    assert found is not None
    assert (found.reference, found.progress, found.overdue) == (reference, Progress.RECEIVED, False)
    assert desk_for(STRANGER).filed.find_own(reference) is None
    assert desk_for(None).filed.find_own(reference) is None


def test_from_another_number_the_last_digits_are_needed(
    desk_for: Callable[[str | None], CallDesk], reference: str
) -> None:
    filed = desk_for(None).filed
    assert isinstance(filed.find(reference, "2203"), FoundRequest)
    assert filed.find(reference, "2204") is NotFound.UNKNOWN
    assert filed.find(reference, "") is NotFound.UNKNOWN


def test_wrong_tries_are_limited_per_number_and_mistyped_references_are_none(
    desk_for: Callable[[str | None], CallDesk], reference: str
) -> None:
    filed = desk_for(STRANGER).filed
    mistyped = str(int(reference) ^ 1).zfill(8)
    for _ in range(10):
        assert filed.find(mistyped, "2203") is NotFound.UNKNOWN
    assert filed.may_find()
    for _ in range(6):
        assert filed.may_find()
        filed.find(reference, "0000")
    assert not filed.may_find()
    assert desk_for(OWNER).filed.may_find()


def test_state_and_lateness_are_told(
    desk_for: Callable[[str | None], CallDesk], house: House, reference: str
) -> None:
    with transaction(house.sessions) as session:
        request = request_by_reference(session, reference)
        assert isinstance(request, Request)
        change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=house.clock())
        request.due_on -= timedelta(days=5)
    found = desk_for(OWNER).filed.find_own(reference)
    assert found is not None
    assert (found.progress, found.overdue) == (Progress.IN_PROGRESS, True)


def test_without_a_database_nothing_is_called_unknown(
    desk_for: Callable[[str | None], CallDesk], reference: str, tmp_path: Path
) -> None:
    filed = desk_for(STRANGER).filed
    (tmp_path / "centralino.sqlite").unlink()
    assert not filed.may_find()
    assert filed.find_own(reference) is None
    assert filed.find(reference, "2203") is NotFound.OUT_OF_REACH
