"""What is decided around a talk with an operator: whether it is recorded, and the answer afterwards."""

from __future__ import annotations

from tests.ivr.deciding import Pick, first


class DecidedRecording:
    """See :class:`ivr.recording_notice.RecordingRules`."""

    def __init__(self, pick: Pick[object] = first) -> None:
        self._pick = pick

    def days(self) -> int | None:
        return self._pick("recording", (None, 30))  # type: ignore[return-value]


class NotedAnswers:
    """See :class:`ivr.survey.Survey`."""

    def __init__(self) -> None:
        self.solved: list[bool] = []

    def note(self, *, solved: bool) -> None:
        self.solved.append(solved)
