"""Finding a filed request by its reference number, and telling where it stands.

Nothing personal is spoken: not who asked, nor for what. Who does not call from the number on the request also
types the last digits of that number; wrong tries count like failed identifications.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import Protocol

from ivr.ports import Desk
from ivr.steps import Dialog, Need, PersonNeeded, Prompt, ask, prompt, say

#: Wrong tries in one call before a person takes over.
WRONG_TRIES = 3
REFERENCE, LAST_DIGITS = 8, 4


class Progress(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    IN_PROGRESS = "in_progress"
    WAITING_CITIZEN = "waiting_citizen"
    DONE = "done"
    REJECTED = "rejected"


#: Where a due date still says something.
_OPEN = {Progress.RECEIVED, Progress.IN_PROGRESS}


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """A request as far as it may be spoken of."""

    reference: str
    progress: Progress
    due_on: date
    overdue: bool
    #: What is still to be paid, in euro.
    owed: Decimal = Decimal(0)
    #: Whether a pagoPA notice can be sent to the calling number, which is the one on the request.
    has_notice: bool = False


class NotFound(Enum):
    """Why there is no request to speak of."""

    #: No request has this reference and a number with these last digits.
    UNKNOWN = auto()
    #: The database cannot be asked.
    OUT_OF_REACH = auto()


class FiledRequests(Protocol):
    """The requests in the shared database, as one caller may ask for them."""

    def may_find(self) -> bool:
        """Whether today's limit of wrong tries for this number leaves one."""

    def find_own(self, reference: str) -> FoundRequest | None:
        """The request, if it was made from the calling number. No answer counts as a wrong try."""

    def find(self, reference: str, last_digits: str) -> FoundRequest | NotFound:
        """The request made from a number that ends in ``last_digits``; an unknown one is a wrong try."""

    def text_notice(self, reference: str) -> bool:
        """Send the pagoPA notice's number of one's own request. ``False`` if that cannot be done now."""


def find_request(desk: Desk) -> Dialog[FoundRequest]:
    """The request that the caller names. Raises :class:`PersonNeeded` where none can be found."""
    for _ in range(WRONG_TRIES):
        if not desk.filed.may_find():
            break
        reference = yield from ask(
            "find.reference", prompt("find.reference"), parse=parse_reference, longest=REFERENCE
        )
        found: FoundRequest | NotFound | None = desk.filed.find_own(reference)
        if found is None:
            last_digits = yield from ask(
                "find.last_digits",
                prompt("find.last_digits"),
                parse=parse_last_digits,
                longest=LAST_DIGITS,
                secret=True,
            )
            found = desk.filed.find(reference, last_digits)
        if isinstance(found, FoundRequest):
            return found
        if found is NotFound.OUT_OF_REACH:
            break
        yield from say("find.unknown", prompt("find.unknown"))
    else:
        raise PersonNeeded(Need.NOT_FOUND)
    raise PersonNeeded(Need.NOT_NOW)


def where_is_my_request(desk: Desk) -> Dialog[None]:
    """State and due date in plain words."""
    found = yield from find_request(desk)
    yield from say("where.told", *_told(found), must_hear=True)


def _told(found: FoundRequest) -> tuple[Prompt, ...]:
    state = prompt(f"where.{found.progress}")
    if found.progress not in _OPEN:
        return (state,)
    return (state, prompt("where.overdue" if found.overdue else "where.due", day=found.due_on))


def parse_reference(digits: str) -> str | None:
    """Eight digits as they are."""
    return digits if len(digits) == REFERENCE else None


def parse_last_digits(digits: str) -> str | None:
    """Four digits as they are."""
    return digits if len(digits) == LAST_DIGITS else None
