"""Call-backs as one caller asks for them: :class:`ivr.call_back.CallBacks` on the database and the spool."""

from __future__ import annotations

from agi_scripts.call_context import CallContext


class CallBackDesk:
    """See :class:`ivr.call_back.CallBacks`. Not offered yet."""

    def __init__(self, call: CallContext) -> None:
        self._call = call

    def may_offer(self) -> bool:
        return False

    def pending(self) -> bool:
        return False

    def number(self) -> str | None:
        return None

    def read(self, digits: str) -> str | None:
        return None

    def file(self, number: str) -> bool:
        return False

    def cancel(self) -> None:
        return None
