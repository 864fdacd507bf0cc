"""How much time a caller needs: :class:`ivr.conversation.Pace` on the database."""

from __future__ import annotations

from agi_scripts.call_context import CallContext
from desk.preferences import is_slow, remember_slow


class CallerPace:
    """See :class:`ivr.conversation.Pace`. A withheld number has its pace for one call only."""

    def __init__(self, call: CallContext) -> None:
        self._call = call

    def is_slow(self) -> bool:
        caller = self._call.caller
        return caller is not None and self._call.read(lambda s: is_slow(s, caller), default=False)

    def remember_slow(self) -> None:
        call, caller = self._call, self._call.caller
        if caller is not None:
            call.write(lambda s: remember_slow(s, caller, call.language, call.now()))
