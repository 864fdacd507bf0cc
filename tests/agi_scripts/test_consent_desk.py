"""The SMS service: consent given and withdrawn from the number itself, with its proof."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.db import reading
from desk.models import Consent, Purpose
from ivr.sms_service import Texts

AGREED, NOT_AGREED = "+393331112203", "+393331112204"


def test_given_and_withdrawn_each_on_its_own(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    consents = desk_for(NOT_AGREED).consents
    assert consents.agreed() == frozenset()
    assert consents.change(Texts.NOTICES, agree=True)
    assert desk_for(NOT_AGREED).consents.agreed() == frozenset({Texts.NOTICES})
    assert consents.change(Texts.RECEIPTS, agree=True)
    assert consents.change(Texts.NOTICES, agree=False)
    assert consents.agreed() == frozenset({Texts.RECEIPTS})
    with reading(house.sessions) as session:
        rows = {
            row.purpose: row for row in session.scalars(select(Consent).where(Consent.e164 == NOT_AGREED))
        }
    assert rows[Purpose.RECEIPTS].given_how == rows[Purpose.NOTICES].withdrawn_how == "phone keypad"
    assert rows[Purpose.RECEIPTS].text_version == "phone-sms-1"
    assert rows[Purpose.NOTICES].withdrawn_at == house.clock()


def test_what_was_agreed_to_elsewhere_can_be_withdrawn(desk_for: Callable[[str | None], CallDesk]) -> None:
    desk = desk_for(AGREED)
    assert desk.consents.agreed() == frozenset(Texts)
    assert desk.consents.change(Texts.RECEIPTS, agree=False)
    assert not desk.has_consent()
    assert not desk.information.may_text()


@pytest.mark.parametrize("caller", ["+39029090102", None])
def test_nobody_agrees_for_a_number_that_cannot_be_texted(
    desk_for: Callable[[str | None], CallDesk], caller: str | None
) -> None:
    consents = desk_for(caller).consents
    assert consents.agreed() is None
    assert not consents.change(Texts.RECEIPTS, agree=True)


def test_without_a_database_nothing_is_promised(
    desk_for: Callable[[str | None], CallDesk], tmp_path: Path
) -> None:
    consents = desk_for(AGREED).consents
    (tmp_path / "centralino.sqlite").unlink()
    assert consents.agreed() is None
    assert not consents.change(Texts.RECEIPTS, agree=False)


def test_a_landline_agrees_to_calls_where_the_town_can_call(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    landline, foreign = "+39029090102", "+41446681800"
    assert not desk_for(landline).can_phone()
    house.settings = house.settings.model_copy(update={"trunk_uri": "sip:192.0.2.7"})
    desk = desk_for(landline)
    assert desk.can_phone()
    assert not desk.can_text()
    assert not desk_for(foreign).can_phone()
    assert not desk_for(AGREED).can_phone(), "a mobile gets texts"
    assert desk.consents.change(Texts.RECEIPTS, agree=True)
    assert desk.consents.agreed() == frozenset(Texts)
    with reading(house.sessions) as session:
        consent = session.scalars(
            select(Consent).where(Consent.e164 == landline, Consent.purpose == Purpose.RECEIPTS)
        ).one()
    assert consent.text_version == "phone-sms-voice-1"
    assert desk.consents.change(Texts.NOTICES, agree=False)
    assert desk.consents.agreed() == frozenset({Texts.RECEIPTS})
