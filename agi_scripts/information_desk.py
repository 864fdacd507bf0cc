"""Fees and answers by SMS: :class:`ivr.information.InformationDesk` on the database."""

from __future__ import annotations

from decimal import Decimal

from agi_scripts.call_context import CallContext
from desk.consents import Purpose, has_consent
from desk.identity_card_rules import rule_on
from desk.information import text_information
from desk.settings import ROME
from ivr.information import CardValidity, Topic


class InformationDesk:
    """See :class:`ivr.information.InformationDesk`."""

    def __init__(self, call: CallContext) -> None:
        self._call = call
        self._sent: set[Topic] = set()

    def fee(self, topic: Topic) -> Decimal | None:
        town = self._call.house.town()
        fees = {fee.code: fee.amount for fee in town.fees} if town else {}
        return fees.get(topic.value)

    def card_validity(self) -> CardValidity | None:
        told = rule_on(self._call.now().astimezone(ROME).date()).told
        return CardValidity(told) if told in set(CardValidity) else None

    def may_text(self) -> bool:
        to = self._call.mobile
        return to is not None and self._call.read(
            lambda s: has_consent(s, to, Purpose.RECEIPTS), default=False
        )

    def text(self, topic: Topic) -> bool:
        call, town, to = self._call, self._call.house.town(), self._call.mobile
        if topic in self._sent:
            return True
        if town is None or to is None:
            return False
        written = call.commit(
            lambda s: text_information(s, topic.value, town, to=to, language=call.language, now=call.now()),
            default=False,
        )
        if written:
            self._sent.add(topic)
        return written
