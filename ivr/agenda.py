"""What the dialog of appointments asks of the agendas of the offices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ivr.ports import Identity


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which a citizen can come; ``starts`` is aware, on the wall clock of Europe/Rome."""

    service: str
    starts: datetime

    @property
    def day(self) -> date:
        return self.starts.date()

    @property
    def at(self) -> time:
        return self.starts.time()


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment to come; ``key`` is the desk's own name for it."""

    key: int
    reference: str
    slot: Slot


class Answer(Enum):
    """How the desk answers a wish."""

    DONE = auto()
    #: Somebody else was quicker.
    TAKEN = auto()
    #: The citizen has as many appointments as one may have.
    TOO_MANY = auto()
    #: A caller without name and number: nobody could be told if the office cannot keep the appointment.
    NOBODY = auto()
    #: The appointment does not exist any more.
    GONE = auto()
    #: The database cannot be asked.
    OUT_OF_REACH = auto()


class Agenda(Protocol):
    """The offices' agendas, as one caller may use them. One slot at a time is held for the caller."""

    def services(self) -> Sequence[str]:
        """What one can make an appointment for, in the order it is spoken."""

    def free(
        self, service: str, *, since: datetime | None = None, other_than: Slot | None = None
    ) -> Sequence[Slot] | None:
        """The next three free slots that begin at ``since`` or later; ``None`` if nobody can say."""

    def hold(self, slot: Slot) -> Answer:
        """Keep the slot while the caller decides, instead of one that was held: DONE, TAKEN, OUT_OF_REACH."""

    def release(self) -> None:
        """The caller does not take what is held."""

    def may_book(self, service: str, identity: Identity) -> Answer:
        """DONE, TOO_MANY, NOBODY or OUT_OF_REACH."""

    def book(self, slot: Slot, identity: Identity, *, sms: bool) -> Appointment | Answer:
        """Book what is held. Else TAKEN, TOO_MANY or OUT_OF_REACH."""

    def move(self, appointment: Appointment, slot: Slot) -> Answer:
        """Move the appointment to the slot that is held: DONE, TAKEN, GONE, OUT_OF_REACH."""

    def cancel(self, appointment: Appointment) -> Answer:
        """DONE, GONE or OUT_OF_REACH."""

    def may_find(self) -> bool:
        """Whether today's limit of wrong tries for this number leaves one."""

    def find_own(self, reference: str) -> Appointment | None:
        """The appointment, if it was made from the calling number. No answer counts as a wrong try."""

    def find(self, reference: str, last_digits: str) -> Appointment | None:
        """The appointment made from a number that ends so; ``None`` counts as a wrong try."""

    def made_by(self, identity: Identity) -> Sequence[Appointment] | None:
        """The citizen's appointments to come, the next one first; ``None`` if nobody can say."""
