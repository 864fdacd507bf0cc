"""Appointments by keypad: book one, hear one's own, move, cancel.

The slot that a caller chooses is held until the call confirms it or ends; then others can have it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import Enum, auto

from ivr.agenda import Agenda, Answer, Appointment, Slot
from ivr.certificate import receipt_by_sms
from ivr.identification import identify
from ivr.paging import choose_in_pages
from ivr.ports import Desk, Identity
from ivr.steps import Dialog, Need, Option, PersonNeeded, Prompt, ask, choose, prompt, say

#: The keys for later slots, and for those of the week after.
MORE, ANOTHER_WEEK = "4", "9"
#: Wrong tries at a reference in one call before a person takes over.
WRONG_TRIES = 3
REFERENCE, LAST_DIGITS = 8, 4


class _Wish(Enum):
    BOOK = auto()
    OWN = auto()


class _Later(Enum):
    MORE = auto()
    ANOTHER_WEEK = auto()


class _Change(Enum):
    MOVE = auto()
    CANCEL = auto()
    NEXT = auto()


def appointments(desk: Desk) -> Dialog[None]:
    """Book an appointment, or hear, move and cancel one's own."""
    wish = yield from choose(
        "appointments",
        options=(
            Option("1", _Wish.BOOK, prompt("appointments.book")),
            Option("2", _Wish.OWN, prompt("appointments.own")),
        ),
    )
    try:
        if wish is _Wish.BOOK:
            yield from _book(desk)
        else:
            yield from _own(desk)
    finally:
        # However the caller left, also by hanging up: what was held is free for others at once.
        desk.appointments.release()


def _book(desk: Desk) -> Dialog[None]:
    agenda = desk.appointments
    service = yield from choose_in_pages(
        "appointments.service",
        agenda.services(),
        said=lambda service: prompt(f"appointments.service.{service}"),
        others=prompt("appointments.other_services"),
    )
    slot = yield from _choose_slot(agenda, service)
    if slot is None:
        return
    identity = yield from identify(desk)
    if not (yield from _may_book(agenda, service, identity)):
        return
    sms = yield from receipt_by_sms(desk)
    # Identifying takes its time: the hold begins anew, unless it ran out and somebody else was quicker.
    if _reached(agenda.hold(slot)) is Answer.TAKEN:
        yield from _taken()
        slot = None
    while True:
        if slot is None:
            slot = yield from _choose_slot(agenda, service)
            if slot is None:
                return
        if (yield from _confirm_and_book(agenda, slot, identity, sms=sms)):
            return
        slot = None


def _confirm_and_book(agenda: Agenda, slot: Slot, identity: Identity, *, sms: bool) -> Dialog[bool]:
    """Whether that was all; else the caller chooses another slot."""
    if not (yield from _confirm(slot)):
        return False
    booked = agenda.book(slot, identity, sms=sms)
    if isinstance(booked, Appointment):
        yield from _booked(booked, sms=sms)
        return True
    if _reached(booked) is Answer.TOO_MANY:
        yield from _too_many()
        return True
    yield from _taken()
    return False


def _choose_slot(agenda: Agenda, service: str, other_than: Slot | None = None) -> Dialog[Slot | None]:
    """A slot that is held now; ``None`` if none is free, which the caller has heard."""
    picked: Slot | datetime | None = None
    while not isinstance(picked, Slot):
        slots = agenda.free(service, since=picked, other_than=other_than)
        if slots is None:
            raise PersonNeeded(Need.NOT_NOW)
        if slots:
            if picked is None:
                yield from say("appointments.others", prompt("appointments.slot.others"))
            picked = yield from _pick(agenda, slots, picked)
        elif picked is None:
            yield from say("appointments.none", prompt("appointments.none"))
            return None
        else:
            yield from say("appointments.no_later", prompt("appointments.no_later"))
            picked = None
    return picked


def _pick(agenda: Agenda, slots: Sequence[Slot], since: datetime | None) -> Dialog[Slot | datetime | None]:
    """One of ``slots``, held, or from when on to look for others."""
    choice = yield from choose("appointments.slot", options=_offered(slots))
    if choice is _Later.MORE:
        return slots[-1].starts + timedelta(minutes=1)
    if choice is _Later.ANOTHER_WEEK:
        return _next_monday(slots[0].starts)
    assert isinstance(choice, Slot)
    if _reached(agenda.hold(choice)) is Answer.DONE:
        return choice
    yield from _taken()
    return since


def _offered(slots: Sequence[Slot]) -> list[Option[Slot | _Later]]:
    options: list[Option[Slot | _Later]] = []
    day = None
    for key, slot in enumerate(slots, 1):
        same_day = prompt("appointments.slot.same_day", at=slot.at)
        said = same_day if slot.day == day else prompt("appointments.slot.on", day=slot.day, at=slot.at)
        options.append(Option(str(key), slot, said))
        day = slot.day
    # Said once before, or the menu would be too long.
    return [*options, Option(MORE, _Later.MORE), Option(ANOTHER_WEEK, _Later.ANOTHER_WEEK)]


def _next_monday(starts: datetime) -> datetime:
    monday = starts.date() + timedelta(days=7 - starts.weekday())
    return datetime.combine(monday, time(), starts.tzinfo)


def _may_book(agenda: Agenda, service: str, identity: Identity) -> Dialog[bool]:
    answer = _reached(agenda.may_book(service, identity))
    if answer is Answer.NOBODY:
        raise PersonNeeded(Need.NOT_IDENTIFIED)
    if answer is Answer.TOO_MANY:
        yield from _too_many()
        return False
    return True


def _confirm(slot: Slot) -> Dialog[bool]:
    return (
        yield from choose(
            "appointments.confirm",
            prompt("appointments.confirm.intro"),
            *what_and_when(slot),
            options=(
                Option("1", value=True, said=prompt("appointments.confirm.yes")),
                Option("2", value=False, said=prompt("appointments.confirm.another")),
            ),
        )
    )


def _booked(booked: Appointment, *, sms: bool) -> Dialog[None]:
    reference = prompt("appointments.reference_is", ref=booked.reference)
    yield from say(
        "appointments.booked",
        prompt("appointments.booked"),
        *what_and_when(booked.slot),
        prompt(f"appointments.where.{booked.slot.service}"),
        reference,
        prompt("appointments.again"),
        reference,
        *((prompt("appointments.sms_sent"),) if sms else ()),
        must_hear=True,
    )


def _own(desk: Desk) -> Dialog[None]:
    found = yield from _find_own(desk)
    if not found:
        yield from say("appointments.you_have_none", prompt("appointments.you_have_none"))
        return
    for number, appointment in enumerate(found, 1):
        last = number == len(found)
        yield from say("appointments.yours", prompt("appointments.reference_is", ref=appointment.reference))
        options = [
            Option("1", _Change.MOVE, prompt("appointments.change.move")),
            Option("2", _Change.CANCEL, prompt("appointments.change.cancel")),
        ]
        if not last:
            options.append(Option("3", _Change.NEXT, prompt("appointments.change.next")))
        change = yield from choose(
            "appointments.change",
            *what_and_when(appointment.slot),
            options=options,
            # Who only wanted to listen need not press anything.
            otherwise=Option("", _Change.NEXT),
        )
        if change is _Change.MOVE:
            while not (yield from _move(desk.appointments, appointment)):
                pass
        elif change is _Change.CANCEL:
            yield from _cancel(desk.appointments, appointment)


def _find_own(desk: Desk) -> Dialog[Sequence[Appointment]]:
    by_reference = yield from choose(
        "appointments.way",
        options=(
            Option("1", value=True, said=prompt("appointments.way.reference")),
            Option("2", value=False, said=prompt("appointments.way.identify")),
        ),
    )
    if by_reference:
        return ((yield from _find_by_reference(desk.appointments)),)
    identity = yield from identify(desk, by_voice=False)
    found = desk.appointments.made_by(identity)
    if found is None:
        raise PersonNeeded(Need.NOT_NOW)
    return found


def _find_by_reference(agenda: Agenda) -> Dialog[Appointment]:
    for _ in range(WRONG_TRIES):
        if not agenda.may_find():
            break
        reference = yield from ask(
            "appointments.reference",
            prompt("appointments.reference"),
            parse=parse_reference,
            longest=REFERENCE,
        )
        found = agenda.find_own(reference)
        if found is None:
            last_digits = yield from ask(
                "appointments.last_digits",
                prompt("appointments.last_digits"),
                parse=parse_last_digits,
                longest=LAST_DIGITS,
                secret=True,
            )
            found = agenda.find(reference, last_digits)
        if found is not None:
            return found
        yield from say("appointments.not_found", prompt("appointments.not_found"))
    raise PersonNeeded(Need.NOT_IDENTIFIED)


def _move(agenda: Agenda, appointment: Appointment) -> Dialog[bool]:
    """Whether that was all; else the caller chooses another slot."""
    slot = yield from _choose_slot(agenda, appointment.slot.service, other_than=appointment.slot)
    if slot is None:
        return True
    agreed = yield from choose(
        "appointments.confirm_move",
        prompt("appointments.confirm_move.intro"),
        *what_and_when(slot),
        options=(
            Option("1", value=True, said=prompt("appointments.confirm.yes")),
            Option("2", value=False, said=prompt("appointments.confirm.another")),
        ),
    )
    if not agreed:
        return False
    answer = _reached(agenda.move(appointment, slot))
    if answer is Answer.TAKEN:
        yield from _taken()
        return False
    if answer is Answer.GONE:
        yield from _gone()
        return True
    yield from say(
        "appointments.moved",
        prompt("appointments.moved"),
        *what_and_when(slot),
        prompt(f"appointments.where.{slot.service}"),
        prompt("appointments.same_reference"),
        must_hear=True,
    )
    return True


def _cancel(agenda: Agenda, appointment: Appointment) -> Dialog[None]:
    sure = yield from choose(
        "appointments.confirm_cancel",
        prompt("appointments.confirm_cancel.intro"),
        options=(
            Option("1", value=True, said=prompt("appointments.confirm_cancel.yes")),
            Option("2", value=False, said=prompt("appointments.confirm_cancel.no")),
        ),
    )
    if not sure:
        return
    if _reached(agenda.cancel(appointment)) is Answer.GONE:
        yield from _gone()
    else:
        yield from say("appointments.cancelled", prompt("appointments.cancelled"), must_hear=True)


def what_and_when(slot: Slot) -> tuple[Prompt, ...]:
    """An appointment in words, as it is read back."""
    return (
        prompt(f"appointments.name.{slot.service}"),
        prompt("appointments.when", day=slot.day, at=slot.at),
    )


def _reached(answer: Answer) -> Answer:
    """``answer``; a person takes over where the database cannot be asked."""
    if answer is Answer.OUT_OF_REACH:
        raise PersonNeeded(Need.NOT_NOW)
    return answer


def _taken() -> Dialog[None]:
    yield from say("appointments.taken", prompt("appointments.taken"), must_hear=True)


def _too_many() -> Dialog[None]:
    yield from say("appointments.too_many", prompt("appointments.too_many"), must_hear=True)


def _gone() -> Dialog[None]:
    yield from say("appointments.gone", prompt("appointments.gone"), must_hear=True)


def parse_reference(digits: str) -> str | None:
    """Eight digits as they are."""
    return digits if len(digits) == REFERENCE else None


def parse_last_digits(digits: str) -> str | None:
    """Four digits as they are."""
    return digits if len(digits) == LAST_DIGITS else None
