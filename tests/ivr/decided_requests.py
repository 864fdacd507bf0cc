"""Filed requests whose finding a test decides."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import cast

from ivr.find_request import FoundRequest, NotFound, Progress
from tests.ivr.deciding import Decided

REFERENCE = "12345674"
DUE = date(2026, 11, 27)
FOUND = (
    FoundRequest(REFERENCE, Progress.IN_PROGRESS, DUE, overdue=False),
    FoundRequest(REFERENCE, Progress.RECEIVED, DUE, overdue=True),
    FoundRequest(REFERENCE, Progress.IN_PROGRESS, DUE, overdue=False, owed=Decimal("33.04"), has_notice=True),
    FoundRequest(REFERENCE, Progress.IN_PROGRESS, DUE, overdue=False, owed=Decimal("16.52")),
    *(
        FoundRequest(REFERENCE, progress, DUE, overdue=False)
        for progress in (Progress.WAITING_CITIZEN, Progress.DONE, Progress.REJECTED)
    ),
)


class DecidedRequests(Decided):
    """:class:`ivr.find_request.FiledRequests`, decided."""

    def may_find(self) -> bool:
        return self.one("may find", True, False)

    def find_own(self, reference: str) -> FoundRequest | None:
        return self.one("own", FOUND[0], None)

    def find(self, reference: str, last_digits: str) -> FoundRequest | NotFound:
        return self.one("find", *cast(tuple[FoundRequest | NotFound, ...], (*FOUND, *NotFound)))

    def text_notice(self, reference: str) -> bool:
        return self.one("text notice", True, False)
