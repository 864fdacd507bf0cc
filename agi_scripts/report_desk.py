"""Where reports go: :class:`ivr.report.ReportDesk` on the database, the spool and the recordings."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, partial

from agi_scripts.call_context import CallContext
from agi_scripts.spoken_names import can_be_said
from desk.complaints import ReportOrder, file_report
from desk.replay import REPORT
from ivr.report import CATEGORIES, Report
from ivr.steps import Recording
from prompts.town_names import REPORTS

log = logging.getLogger(__name__)


class ReportDesk:
    """See :class:`ivr.report.ReportDesk`."""

    def __init__(self, call: CallContext) -> None:
        self._call = call
        self._filed = 0
        self._can_be_said = cache(partial(can_be_said, call.house.catalogue, REPORTS))

    def categories(self) -> Sequence[str]:
        town = self._call.house.town()
        known = town.report_categories if town else ()
        return [code for code in known if self._can_be_said(code)][:CATEGORIES]

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
