"""Call-backs whose filing a test decides."""

from __future__ import annotations

from tests.ivr.deciding import Decided, Pick, first


class DecidedCallBacks(Decided):
    """:class:`ivr.call_back.CallBacks`, decided."""

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.filed: list[str] = []
        self.cancelled = 0

    def may_offer(self) -> bool:
        return self.one("may offer a call-back", True, False)

    def pending(self) -> bool:
        return self.one("pending call-back", False, True)

    def keep(self) -> None:
        pass

    def number(self) -> str | None:
        return self.one("number to call back", "+393331234567", None)

    def read(self, digits: str) -> str | None:
        return f"+39{digits}" if len(digits) > 5 else None

    def file(self, number: str) -> bool:
        self.filed.append(number)
        return self.one("call-back", True, False)

    def cancel(self) -> None:
        self.cancelled += 1
