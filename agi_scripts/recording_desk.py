"""Whether talks are recorded: :class:`ivr.recording_notice.RecordingRules` on the town's data."""

from __future__ import annotations

from agi_scripts.call_context import CallContext


class RecordingDesk:
    """See :class:`ivr.recording_notice.RecordingRules`. Nothing is recorded while the town is unknown."""

    def __init__(self, call: CallContext) -> None:
        self._call = call

    def days(self) -> int | None:
        town = self._call.house.town()
        return town.routing.recordings_days if town is not None and town.routing.record_calls else None
