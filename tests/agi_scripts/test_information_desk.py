"""Short answers by SMS: only where the number agreed, once in a call, and short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.db import reading
from desk.identity_card_rules import rules
from desk.models import Message
from desk.sms.templates import segments
from ivr.information import CardValidity, Topic

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


@pytest.mark.parametrize(
    ("day", "said", "written"),
    [
        ("2026-07-29", CardValidity.BY_AGE, "Vale 10 anni dai 18 anni, 5 dai 3, 3 sotto i 3."),
        ("2026-07-30", CardValidity.FROM_70, "Vale 50 anni dai 70 anni, 10 dai 18, 5 dai 3, 3 sotto i 3."),
    ],
)
def test_what_the_law_says_of_identity_cards_on_the_day_of_the_call(
    desk_for: Callable[[str | None], CallDesk], house: House, day: str, said: CardValidity, written: str
) -> None:
    # Just after midnight in Rome, where it is the day before elsewhere.
    house.clock = lambda: datetime.fromisoformat(f"{day}T00:30+02:00")
    desk = desk_for(AGREED)
    assert desk.information.card_validity() is said
    desk.information.text(Topic.IDENTITY_CARD)
    assert written in texts(house)[0]


def test_callers_hear_the_rules_that_are_counted_with() -> None:
    """A rule with other years needs another sentence."""
    of_age = ((0, 3), (3, 5), (18, 10))
    told = {CardValidity.BY_AGE: of_age, CardValidity.FROM_70: (*of_age, (70, 50))}
    for rule in rules().issue:
        if rule.told is not None:
            years = tuple((part.from_age, part.years) for part in rule.validity)
            assert told[CardValidity(rule.told)] == years
    assert rules().issue[-1].told is not None


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
