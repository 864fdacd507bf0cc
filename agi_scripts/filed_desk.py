"""Filed requests as a caller may ask for them: :class:`ivr.find_request.FiledRequests` on the database."""

from __future__ import annotations

from sqlalchemy.orm import Session

from agi_scripts.call_context import CallContext
from desk.identification import note_failed_identification, tries_left
from desk.look_up import request_made_from, request_with_last_digits
from desk.models import Request
from desk.payments import notice_number, owed, text_notice
from desk.references import is_reference
from desk.settings import ROME
from ivr.find_request import FoundRequest, NotFound, Progress


class FiledDesk:
    """See :class:`ivr.find_request.FiledRequests`."""

    def __init__(self, call: CallContext) -> None:
        self._call = call
        #: References whose notice was sent in this call.
        self._texted: set[str] = set()

    def may_find(self) -> bool:
        call = self._call
        limit = call.house.settings.identification_tries_per_day
        return call.read(lambda s: tries_left(s, call.caller, limit=limit, now=call.now()) > 0, default=False)

    def find_own(self, reference: str) -> FoundRequest | None:
        caller = self._call.caller
        if caller is None:
            return None
        found = self._call.read(lambda s: request_made_from(s, reference, caller), None)
        return self._spoken(found) if found else None

    def find(self, reference: str, last_digits: str) -> FoundRequest | NotFound:
        call = self._call
        nothing: Request | NotFound | None = NotFound.OUT_OF_REACH
        found = call.read(lambda s: request_with_last_digits(s, reference, last_digits), nothing)
        if isinstance(found, Request):
            return self._spoken(found)
        # A mistyped reference is told by its check digit: nobody guesses that way.
        if found is None and is_reference(reference):
            call.write(lambda s: note_failed_identification(s, call.caller, call.now()))
        return found or NotFound.UNKNOWN

    def text_notice(self, reference: str) -> bool:
        call, caller = self._call, self._call.caller
        if caller is None or reference in self._texted:
            return reference in self._texted

        def write(session: Session) -> bool:
            request = request_made_from(session, reference, caller)
            return request is not None and text_notice(
                session, request, language=call.language, now=call.now()
            )

        written = call.commit(write, default=False)
        if written:
            self._texted.add(reference)
        return written

    def _spoken(self, request: Request) -> FoundRequest:
        return FoundRequest(
            reference=request.reference,
            progress=Progress(request.state.value),
            due_on=request.due_on,
            overdue=request.due_on < self._call.now().astimezone(ROME).date(),
            owed=owed(request),
            has_notice=request.contact_e164 == self._call.caller and notice_number(request) is not None,
        )
