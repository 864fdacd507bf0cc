"""Reports whose filing a test decides."""

from __future__ import annotations

from collections.abc import Sequence

from ivr.report import Report
from ivr.steps import Recording
from tests.ivr.deciding import Decided, Pick, first

CATEGORIES = ("roads", "environment", "atos", "complaint")


class DecidedReports(Decided):
    """:class:`ivr.report.ReportDesk`, decided."""

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.filed: list[Report] = []
        self.discarded: list[Recording] = []

    def categories(self) -> Sequence[str]:
        return CATEGORIES

    def can_call_back(self) -> bool:
        return self.one("can call back", True, False)

    def discard(self, recording: Recording) -> None:
        self.discarded.append(recording)

    def file(self, report: Report) -> str | None:
        self.filed.append(report)
        return self.one("report", "12345674", None)
