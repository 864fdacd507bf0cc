"""Call-backs as one caller asks for them: :class:`ivr.call_back.CallBacks` on the database and the spool."""

from __future__ import annotations

from datetime import datetime

from agi_scripts.call_context import CallContext
from agi_scripts.live_queue import LiveQueue
from desk.call_backs import (
    BY,
    Asked,
    CallBackOrder,
    ask_call_back,
    call_back_limits_of,
    cancel_call_back,
    may_ask,
    open_call_back,
)
from desk.phone_numbers import to_call_back
from desk.replay import CALL_BACK


class CallBackDesk:
    """See :class:`ivr.call_back.CallBacks`. ``since`` is the caller's place in ``queue``, if there is one."""

    def __init__(self, call: CallContext, since: datetime | None, queue: LiveQueue) -> None:
        self._call = call
        self._since = since
        self._queue = queue
        self._filed = 0

    def may_offer(self) -> bool:
        call = self._call
        limits = call_back_limits_of(call.house.settings)
        # Without the database the wish is spooled, and the limits are applied when it is filed.
        return call.read(lambda s: may_ask(s, call.caller, limits=limits, now=call.now()), default=True)

    def pending(self) -> bool:
        caller = self._call.caller
        return caller is not None and self._call.read(
            lambda s: open_call_back(s, caller) is not None, default=False
        )

    def take_place(self) -> None:
        """Who waits for a call-back and holds the line has the place of the call-back."""
        caller = self._call.caller
        waiting = caller and self._call.read(lambda s: open_call_back(s, caller), None)
        if waiting:
            self._queue.stand_at(waiting.waiting_since)

    def keep(self) -> None:
        self._queue.let_go()

    def number(self) -> str | None:
        return to_call_back(self._call.caller)

    def read(self, digits: str) -> str | None:
        return to_call_back(digits)

    def file(self, number: str) -> bool:
        call = self._call
        self._filed += 1
        order = CallBackOrder(
            number=number,
            caller=call.caller,
            waiting_since=self._since or call.now(),
            language=call.language,
            idempotency_key=f"{CALL_BACK}-{call.unique_id}-{self._filed}",
            call_unique_id=call.unique_id,
        )
        limits = call_back_limits_of(call.house.settings)
        asked = call.file(
            CALL_BACK,
            order.idempotency_key,
            order,
            lambda s: ask_call_back(s, order, limits=limits, now=call.now()),
        )
        if asked is Asked.REFUSED:
            return False
        self._queue.let_go()
        return True

    def cancel(self) -> None:
        call = self._call
        if call.caller is not None:
            number = call.caller
            call.commit(lambda s: cancel_call_back(s, number, by=BY, now=call.now()), default=False)
