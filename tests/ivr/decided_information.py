"""Short answers whose sending a test decides."""

from __future__ import annotations

from decimal import Decimal

from ivr.information import CardValidity, Topic
from tests.ivr.deciding import Decided


class DecidedInformation(Decided):
    """:class:`ivr.information.InformationDesk`, decided."""

    def fee(self, topic: Topic) -> Decimal | None:
        return self.one("fee", None, Decimal("22.21"))

    def card_validity(self) -> CardValidity | None:
        return self.one("card validity", CardValidity.FROM_70, CardValidity.BY_AGE, None)

    def may_text(self) -> bool:
        return self.one("may text", True, False)

    def text(self, topic: Topic) -> bool:
        return self.one("text", True, False)
