"""What a provider of text messages tells us, in a form that can wait in the spool without a database."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from desk.sms.inbound import take_text
from desk.sms.receipts import note_receipt


class Receipt(BaseModel):
    """How far a message of ours is, in the provider's words."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    message_id: str
    status: str
    error_code: str | None = None
    provider_id: str | None = None


class TextOfCitizen(BaseModel):
    """A text that somebody sent to the town."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    sender: str
    body: str
    provider_id: str


def note_news(session: Session, receipt: Receipt, *, now: datetime) -> None:
    """Store the receipt and follow it; one of no message of ours is left alone."""
    note_receipt(
        session,
        receipt.message_id,
        status=receipt.status,
        error_code=receipt.error_code,
        provider_id=receipt.provider_id,
        at=now,
    )


def take_news(session: Session, text: TextOfCitizen, *, now: datetime) -> str | None:
    """Take in the text, once however often it comes; what is answered."""
    return take_text(session, sender=text.sender, body=text.body, provider_id=text.provider_id, now=now)
