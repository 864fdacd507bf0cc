"""Texts from citizens: STOP and START, "STATO 12345678", and everything else for the operators."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.citizens import citizens_with_number
from desk.consents import Purpose, give_consent, stop_texts
from desk.db import insert
from desk.models import (
    Channel,
    Consent,
    InboundKind,
    InboundText,
    MessageDetails,
    Request,
    RequestState,
)
from desk.phone_numbers import is_mobile, to_e164
from desk.preferences import language_of
from desk.references import LENGTH, is_reference
from desk.requests import MESSAGE_DAYS, file_request, request_by_reference
from desk.settings import ROME
from desk.sms.own_texts import template_of
from desk.sms.receipts import storable

HOW = "SMS"
#: What is agreed to by START.
START_TEXT = "sms-start-1"
#: That a message has arrived is answered once in so long: two machines must not answer each other for ever.
ANSWER_AGAIN = timedelta(days=1)

_WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
_STOP, _START, _POLITE = (frozenset(_WORDS[name]) for name in ("stop", "start", "polite"))
_STATUS = re.compile(r"(?:STATO|STATUS)((?: [0-9]+)+)")

_OPEN = frozenset({RequestState.RECEIVED, RequestState.IN_PROGRESS})


def take_text(session: Session, *, sender: str, body: str, provider_id: str, now: datetime) -> str | None:
    """Take in a text message and return what is answered, ``None`` for no answer.

    The same ``provider_id`` is taken once, and gets the same answer again.

    Args:
        session: a transaction.
        sender: E.164 as a rule.
        body: as written.
        provider_id: the provider's own name for the text.
        now: when it came.
    """
    sender, body = storable(to_e164(sender) or sender)[:40], storable(body)[:1600]
    provider_id = storable(provider_id)[:80]
    kind, reference = understand(body)
    values = {"provider_id": provider_id, "sender": sender, "body": body, "kind": kind, "at": now}
    # Who comes second waits here until the first one has committed.
    row = session.scalar(
        insert(session.get_bind().dialect.name, InboundText.__table__)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["provider_id"])
        .returning(InboundText.id)
    )
    if row is None:
        return session.scalar(select(InboundText.answer).where(InboundText.provider_id == provider_id))
    text = session.get_one(InboundText, row)
    if kind is InboundKind.STOP:
        # Not answered: the provider confirms it, and who wants no messages gets none from us.
        stop_texts(session, e164=sender, how=HOW, by=f"text {text.id}", now=now)
    elif kind is InboundKind.START:
        text.answer = _start(session, text, now)
    elif kind is InboundKind.STATUS and reference is not None:
        text.answer = _tell_state(session, text, reference, now)
    else:
        text.answer = _file(session, text, now)
    session.flush()
    return text.answer


def understand(body: str) -> tuple[InboundKind, str | None]:
    """What a text means; for a question after a request, its eight digits too."""
    plain = unicodedata.normalize("NFKD", body)
    words = re.findall(r"[0-9A-Z]+", "".join(c for c in plain if not unicodedata.combining(c)).upper())
    rest = set(words[1:])
    if words and words[0] in _STOP and rest <= _POLITE:
        return InboundKind.STOP, None
    if words and words[0] in _START and rest <= _POLITE:
        return InboundKind.START, None
    asked = _STATUS.fullmatch(" ".join(words))
    digits = asked[1].replace(" ", "") if asked else ""
    if len(digits) == LENGTH:
        return InboundKind.STATUS, digits
    return InboundKind.MESSAGE, None


def _start(session: Session, text: InboundText, now: datetime) -> str | None:
    """Give again what this number had agreed to before; messages about its own requests in any case."""
    known = session.scalars(select(Consent.purpose).where(Consent.e164 == text.sender).distinct())
    for purpose in {Purpose.RECEIPTS, *known}:
        give_consent(
            session,
            e164=text.sender,
            citizen_id=_citizen(session, text.sender),
            purpose=purpose,
            text_version=START_TEXT,
            how=HOW,
            by=f"text {text.id}",
            now=now,
        )
    return _say(session, text, "reply_started")


def _tell_state(session: Session, text: InboundText, reference: str, now: datetime) -> str | None:
    """The request's state, to the number that is on it or that its citizen has."""
    request = request_by_reference(session, reference) if is_reference(reference) else None
    if request is None or not _may_know(session, request, text.sender):
        return _say(session, text, "reply_unknown", ref=reference)
    text.request_id = request.id
    if request.state not in _OPEN:
        return _say(session, text, f"reply_{request.state}", ref=reference)
    if request.due_on < now.astimezone(ROME).date():
        return _say(session, text, "reply_late", ref=reference)
    return _say(session, text, f"reply_{request.state}", ref=reference, day=f"{request.due_on:%d/%m/%Y}")


def _may_know(session: Session, request: Request, sender: str) -> bool:
    return request.contact_e164 == sender or any(
        citizen.id == request.citizen_id for citizen in citizens_with_number(session, sender)
    )


def _file(session: Session, text: InboundText, now: datetime) -> str | None:
    lately = select(InboundText.id).where(
        InboundText.sender == text.sender,
        InboundText.kind == InboundKind.MESSAGE,
        InboundText.id != text.id,
        InboundText.at > now - ANSWER_AGAIN,
    )
    answered = session.scalar(lately.limit(1)) is not None
    request, _ = file_request(
        session,
        details=MessageDetails(text=text.body),
        channel=Channel.SMS,
        citizen_id=_citizen(session, text.sender),
        contact_e164=text.sender if to_e164(text.sender) else None,
        working_days=MESSAGE_DAYS,
        idempotency_key=f"sms {text.id}",
        call_unique_id=None,
        language=_language(session, text.sender),
        now=now,
    )
    text.request_id = request.id
    return None if answered else _say(session, text, "reply_filed", ref=request.reference)


def _citizen(session: Session, sender: str) -> int | None:
    """Whose number it is, if it is one citizen's: a family may share one."""
    owners = citizens_with_number(session, sender)
    return owners[0].id if len(owners) == 1 else None


def _language(session: Session, sender: str) -> str:
    return language_of(session, sender) or "it"


def _say(session: Session, text: InboundText, template: str, **values: str) -> str | None:
    """The answer; none where there is nobody to read it (a short code, a name as the sender)."""
    if not is_mobile(text.sender):
        return None
    return template_of(session, template, _language(session, text.sender)).fill(values)
