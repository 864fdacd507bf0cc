"""The offices' agendas whose answers a test decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from ivr.agenda import Answer, Appointment, Slot
from ivr.ports import Identity
from tests.ivr.deciding import Decided, Pick, first

ROME = ZoneInfo("Europe/Rome")
SERVICES = ("social_worker", "building_technician", "land_registry_technician", "identity_card")
#: The one with which anything can happen.
TROUBLED = "identity_card"
REFERENCE = "12345674"


def at(day: int, hour: int, minute: int = 0, *, service: str = "identity_card") -> Slot:
    """A slot of January 2027."""
    return Slot(service, datetime(2027, 1, day, hour, minute, tzinfo=ROME))


class DecidedAgenda(Decided):
    """:class:`ivr.agenda.Agenda`, decided.

    The services differ in their texts only, so all but one get the friendliest answers: that is enough to
    hear them, and keeps the crawl short.
    """

    def __init__(self, pick: Pick[object] = first) -> None:
        super().__init__(pick)
        self.held: Slot | None = None
        self.asked: list[datetime | None] = []
        self.booked: list[tuple[Slot, Identity, bool]] = []
        self.moved: list[tuple[Appointment, Slot]] = []
        self.cancelled: list[Appointment] = []
        self.tried: list[tuple[str, str]] = []

    def services(self) -> Sequence[str]:
        return self.one("services", SERVICES, (*SERVICES, "identity_card"), ())

    def free(
        self, service: str, *, since: datetime | None = None, other_than: Slot | None = None
    ) -> Sequence[Slot] | None:
        self.asked.append(since)
        # Three days are the longest to say; two slots of one day are said differently.
        days = (at(12, 15, 45, service=service), at(13, 15, 45, service=service), at(14, 9, service=service))
        one_day = (at(12, 10, service=service), at(12, 10, 20, service=service))
        answers: tuple[Sequence[Slot] | None, ...] = (days, one_day, (), None)
        return self.one("free", *answers) if service == TROUBLED else days

    def hold(self, slot: Slot) -> Answer:
        answers = (Answer.DONE, Answer.TAKEN, Answer.OUT_OF_REACH)
        answer = self.one("hold", *answers) if slot.service == TROUBLED else Answer.DONE
        self.held = slot if answer is Answer.DONE else None
        return answer

    def release(self) -> None:
        self.held = None

    def may_book(self, service: str, identity: Identity) -> Answer:
        if service != TROUBLED:
            return Answer.DONE
        return self.one("may book", Answer.DONE, Answer.TOO_MANY, Answer.NOBODY, Answer.OUT_OF_REACH)

    def book(self, slot: Slot, identity: Identity, *, sms: bool) -> Appointment | Answer:
        assert self.held == slot
        trouble = (Answer.TAKEN, Answer.TOO_MANY, Answer.OUT_OF_REACH) if slot.service == TROUBLED else ()
        done = Appointment(1, REFERENCE, slot)
        answer = self.one("book", *cast(tuple[Appointment | Answer, ...], (done, *trouble)))
        if isinstance(answer, Appointment):
            self.booked.append((slot, identity, sms))
        return answer

    def move(self, appointment: Appointment, slot: Slot) -> Answer:
        assert self.held == slot
        answer = self.one("move", Answer.DONE, Answer.TAKEN, Answer.GONE, Answer.OUT_OF_REACH)
        if answer is Answer.DONE:
            self.moved.append((appointment, slot))
        return answer

    def cancel(self, appointment: Appointment) -> Answer:
        answer = self.one("cancel", Answer.DONE, Answer.GONE, Answer.OUT_OF_REACH)
        if answer is Answer.DONE:
            self.cancelled.append(appointment)
        return answer

    def may_find(self) -> bool:
        return self.one("may find", True, False)

    def find_own(self, reference: str) -> Appointment | None:
        return self.one("own", Appointment(1, reference, at(12, 10)), None)

    def find(self, reference: str, last_digits: str) -> Appointment | None:
        self.tried.append((reference, last_digits))
        return self.one("find", Appointment(1, reference, at(12, 10)), None)

    def made_by(self, identity: Identity) -> Sequence[Appointment] | None:
        next_one = Appointment(1, REFERENCE, at(12, 10))
        then = Appointment(2, "87654321", at(13, 9, service="social_worker"))
        answers: tuple[Sequence[Appointment] | None, ...] = ((next_one, then), (next_one,), (), None)
        return self.one("made by", *answers)
