"""Short answers by SMS: what a caller heard, to be read again."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy.orm import Session

from desk.consents import has_consent
from desk.identity_card_rules import validity_in_short
from desk.models import Purpose
from desk.settings import ROME
from desk.sms.outbox import write_message
from desk.sms.templates import in_euro
from desk.town import Town

_WEEKDAYS = {
    "it": ("lun", "mar", "mer", "gio", "ven", "sab", "dom"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}


def text_information(
    session: Session, topic: str, town: Town, *, to: str, language: str, now: datetime
) -> bool:
    """Write the answer on ``topic`` to ``to`` into the outbox, if that number consents; whether it did.

    The topic's template is ``info_<topic>``.
    """
    if not has_consent(session, to, Purpose.RECEIPTS):
        return False
    values = {}
    if topic == "hours":
        values["hours"] = hours_in_short(town, language)
    fees = {fee.code: fee.amount for fee in town.fees}
    if topic in fees:
        values["fee"] = in_euro(fees[topic], language)
    if topic == "identity_card":
        values["validity"] = validity_in_short(now.astimezone(ROME).date(), language)
    write_message(
        session,
        to=to,
        template=f"info_{topic}",
        values=values,
        language=language,
        request_id=None,
        now=now,
    )
    return True


def hours_in_short(town: Town, language: str) -> str:
    """The week as ``lun 9:00-12:45 16:00-19:45, mar 9:00-12:45``."""
    spans: dict[int, list[str]] = defaultdict(list)
    for span in town.opening_hours:
        spans[span.weekday].append(f"{span.opens.hour}:{span.opens:%M}-{span.closes.hour}:{span.closes:%M}")
    names = _WEEKDAYS[language]
    return ", ".join(f"{names[weekday]} {' '.join(spans[weekday])}" for weekday in sorted(spans))
