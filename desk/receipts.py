"""What comes with a citizen's request: who asks, consent to SMS, the receipt, and news by SMS later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from desk.consents import give_consent, has_consent
from desk.models import Channel, IdentifiedBy, Purpose, Request
from desk.requests import Order
from desk.sms.outbox import write_message


class CitizenOrder(Order):
    """A request of somebody who said who it is.

    Paths are recordings; ``sms`` says that a receipt is expected at ``contact_e164``, ``consent_text`` is
    the version of the text by which the citizen agreed to it just now.
    """

    citizen_id: int | None = None
    identified_by: IdentifiedBy
    identity_recording: Path | None = None
    sms: bool = False
    consent_text: str | None = None


class Agreeing(Protocol):
    """An order by which a citizen may have agreed to be texted."""

    @property
    def contact_e164(self) -> str | None: ...
    @property
    def citizen_id(self) -> int | None: ...
    @property
    def channel(self) -> Channel: ...
    @property
    def consent_text(self) -> str | None: ...


def note_agreement(session: Session, order: Agreeing, *, by: str, now: datetime) -> None:
    """Note the consent that came with ``order``, if any; ``by`` is who or what took it down."""
    if order.consent_text and order.contact_e164:
        give_consent(
            session,
            e164=order.contact_e164,
            citizen_id=order.citizen_id,
            purpose=Purpose.RECEIPTS,
            text_version=order.consent_text,
            how=order.channel.value,
            by=by,
            now=now,
        )


def send_receipt(
    session: Session,
    order: CitizenOrder,
    request: Request,
    template: str,
    values: Mapping[str, str],
    *,
    now: datetime,
) -> None:
    """Note the consent that came with the order, and write the receipt where one is expected."""
    note_agreement(session, order, by=order.call_unique_id or order.idempotency_key, now=now)
    if order.sms:
        tell(session, request, template, values, now=now)


def tell(
    session: Session,
    request: Request,
    template: str,
    values: Mapping[str, str],
    *,
    now: datetime,
    language: str | None = None,
) -> bool:
    """Write an SMS to the number on the request, if that consents, in the request's or another language."""
    to = request.contact_e164
    if to is None or not has_consent(session, to, Purpose.RECEIPTS):
        return False
    write_message(
        session,
        to=to,
        template=template,
        values=values,
        language=language or request.language,
        request_id=request.id,
        now=now,
    )
    return True
