"""Short answers by SMS: only where the number agreed, once in a call, and short."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.db import reading
from desk.models import Message
from desk.sms.templates import segments
from ivr.information import Topic

AGREED, NOT_AGREED, LANDLINE = "+393331112203", "+393331112204", "+39029090102"


def texts(house: House) -> list[str]:
    with reading(house.sessions) as session:
        return list(session.scalars(select(Message.body)))


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("topic", Topic)
def test_every_answer_fits_into_two_messages(
    desk_for: Callable[[str | None], CallDesk], house: House, topic: Topic, language: str
) -> None:
    desk = desk_for(AGREED)
    desk.remember_language(language)
    assert desk.information.text(topic)
    (body,) = texts(house)
    assert segments(body) <= 2
    assert body.startswith("Comune" if language == "it" else "Municipality")


def test_hours_and_fees_are_the_towns_data(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    desk = desk_for(AGREED)
    assert desk.information.fee(Topic.IDENTITY_CARD) == Decimal("22.21")
    assert desk.information.fee(Topic.RESIDENCE) is None
    desk.information.text(Topic.HOURS)
    desk.information.text(Topic.IDENTITY_CARD)
    hours, card = texts(house)
    assert "lun 9:00-12:45 16:00-19:45, mar 9:00-12:45, mer 9:00-19:45" in hours
    assert "22,21 euro" in card


def test_once_in_a_call(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    desk = desk_for(AGREED)
    assert desk.information.text(Topic.COPIES)
    assert desk.information.text(Topic.COPIES)
    assert len(texts(house)) == 1


@pytest.mark.parametrize("caller", [NOT_AGREED, LANDLINE, None])
def test_nothing_without_consent(
    desk_for: Callable[[str | None], CallDesk], house: House, caller: str | None
) -> None:
    information = desk_for(caller).information
    assert not information.may_text()
    assert not information.text(Topic.HOURS)
    assert texts(house) == []


def test_without_a_database_the_caller_is_told_the_truth(
    desk_for: Callable[[str | None], CallDesk], tmp_path: Path
) -> None:
    information = desk_for(AGREED).information
    assert information.may_text()
    (tmp_path / "centralino.sqlite").unlink()
    assert not information.text(Topic.HOURS)
    assert not information.may_text()
