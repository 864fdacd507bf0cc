"""Where reports go: :class:`ivr.report.ReportDesk` on the database, the spool and the recordings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from agi_scripts.call_context import CallContext
from desk.complaints import ReportOrder, file_report
from desk.replay import REPORT
from ivr.report import Report
from ivr.steps import Recording

log = logging.getLogger(__name__)

#: As many as a menu has.
CATEGORIES = 4


class ReportDesk:
    """See :class:`ivr.report.ReportDesk`."""

    def __init__(self, call: CallContext) -> None:
        self._call = call
        self._filed = 0

    def categories(self) -> Sequence[str]:
        town = self._call.house.town()
        return town.report_categories[:CATEGORIES] if town else ()

    def can_call_back(self) -> bool:
        return self._call.caller is not None

    def discard(self, recording: Recording) -> None:
        try:
            recording.path.unlink(missing_ok=True)
        except OSError:
            log.exception("call %s: a recording cannot be removed", self._call.unique_id)

    def file(self, report: Report) -> str | None:
        call = self._call
        self._filed += 1
        order = ReportOrder(
            category=report.category,
            place_recording=report.place.path,
            message_recording=report.message.path,
            seconds=report.message.seconds,
            call_back=report.call_back,
            contact_e164=call.caller,
            language=call.language,
            idempotency_key=f"{REPORT}-{call.unique_id}-{self._filed}",
            call_unique_id=call.unique_id,
        )
        request = call.file(
            REPORT, order.idempotency_key, order, lambda s: file_report(s, order, now=call.now())
        )
        return request.reference if request else None
