"""Consents whose state a test decides."""

from __future__ import annotations

from ivr.sms_service import Texts
from tests.ivr.deciding import Decided


class DecidedConsents(Decided):
    """:class:`ivr.sms_service.TextConsents`, decided."""

    def agreed(self) -> frozenset[Texts] | None:
        return self.one("agreed", frozenset(), frozenset(Texts), None)

    def change(self, texts: Texts, *, agree: bool) -> bool:
        return self.one("change", True, False)
