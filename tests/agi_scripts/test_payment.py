"""What is owed, and the pagoPA notice: only to the number on the request."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import select

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from desk.certificates import CertificateOrder, file_certificate
from desk.db import reading, transaction
from desk.models import (
    CertificateDetails,
    Delivery,
    IdentifiedBy,
    Message,
    RequestState,
    Stamp,
    Subject,
)
from desk.requests import change_state, request_by_reference

OWNER, OTHER = "+393331112203", "+393331112205"
NOTICE = "301000000000123456"


def certificate(house: House, *, stamp: Stamp = Stamp.PAID, notice: str | None = NOTICE) -> str:
    """Two copies of a certificate of residence, asked for by the owner's number."""
    order = CertificateOrder(
        kind="residence",
        subject=Subject.SELF,
        copies=2,
        delivery=Delivery.COUNTER,
        stamp=stamp,
        identified_by=IdentifiedBy.BIRTH_DATE,
        contact_e164=OWNER,
        idempotency_key="c",
    )
    with transaction(house.sessions) as session:
        request = file_certificate(session, order, now=house.clock())
        assert isinstance(request.details, CertificateDetails)
        request.details = request.details.model_copy(update={"pagopa_notice": notice})
        return request.reference


def texts(house: House) -> list[tuple[str, str]]:
    with reading(house.sessions) as session:
        return [(to, body) for to, body in session.execute(select(Message.to_e164, Message.body))]


def test_the_amount_is_the_requests(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    reference = certificate(house)
    found = desk_for(OWNER).filed.find_own(reference)
    assert found is not None
    assert (found.owed, found.has_notice) == (Decimal("33.04"), True)


def test_an_exempt_use_owes_nothing(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    found = desk_for(OWNER).filed.find_own(certificate(house, stamp=Stamp.EXEMPT))
    assert found is not None
    assert (found.owed, found.has_notice) == (Decimal(0), False)


@pytest.mark.parametrize("end", [RequestState.DONE, RequestState.REJECTED])
def test_what_is_closed_owes_nothing(
    desk_for: Callable[[str | None], CallDesk], house: House, end: RequestState
) -> None:
    reference = certificate(house)
    with transaction(house.sessions) as session:
        request = request_by_reference(session, reference)
        assert request is not None
        change_state(session, request, RequestState.IN_PROGRESS, by="anna", now=house.clock())
        change_state(session, request, end, by="anna", now=house.clock())
    found = desk_for(OWNER).filed.find_own(reference)
    assert found is not None
    assert found.owed == 0


def test_the_notice_goes_once_to_the_number_on_the_request(
    desk_for: Callable[[str | None], CallDesk], house: House
) -> None:
    reference = certificate(house)
    filed = desk_for(OWNER).filed
    assert filed.text_notice(reference)
    assert filed.text_notice(reference)
    ((to, body),) = texts(house)
    assert to == OWNER
    assert NOTICE in body
    assert "33,04 euro" in body


def test_another_number_gets_no_notice(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    reference = certificate(house)
    filed = desk_for(OTHER).filed
    found = filed.find(reference, OWNER[-4:])
    assert not isinstance(found, (type(None), str))
    assert not getattr(found, "has_notice", True)
    assert not filed.text_notice(reference)
    assert texts(house) == []


def test_without_a_notice_none_is_sent(desk_for: Callable[[str | None], CallDesk], house: House) -> None:
    filed = desk_for(OWNER).filed
    assert not filed.text_notice(certificate(house, notice=None))
    assert texts(house) == []
