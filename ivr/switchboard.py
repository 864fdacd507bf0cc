"""The town's number: welcome, language, main menu, and the way to a person from anywhere."""

from __future__ import annotations

from enum import Enum, auto

from ivr.appointments import appointments
from ivr.certificate import certificate
from ivr.hours import next_opening, opening_hours
from ivr.message import message
from ivr.ports import Desk
from ivr.steps import (
    PERSON,
    Dialog,
    Need,
    Option,
    PersonNeeded,
    choose,
    prompt,
    say,
    speak,
    transfer,
)


class _Service(Enum):
    CERTIFICATES = auto()
    APPOINTMENTS = auto()
    INFORMATION = auto()
    PERSON = auto()
    LANGUAGE = auto()
    GOODBYE = auto()


#: The key that changes the language, outside the four options of the main menu.
LANGUAGE = "9"
OTHER_LANGUAGE = {"it": "en", "en": "it"}


def switchboard(desk: Desk) -> Dialog[None]:
    """A call from the welcome to the goodbye, or to a person."""
    try:
        yield from _serve(desk)
    except PersonNeeded as needed:
        yield from reach_person(desk, needed.need)


def _serve(desk: Desk) -> Dialog[None]:
    language = desk.language()
    yield from speak(language)
    yield from say("welcome", prompt("welcome.greeting"), prompt("welcome.privacy"))
    hours = desk.hours()
    if not hours.open_now:
        yield from say("welcome.closed", prompt("welcome.closed"), *next_opening(hours))
    service = yield from _main_menu(desk)
    while service is not _Service.GOODBYE:
        if service is _Service.LANGUAGE:
            language = OTHER_LANGUAGE[language]
            desk.remember_language(language)
            yield from speak(language)
            service = yield from _main_menu(desk)
            continue
        if service is _Service.CERTIFICATES:
            yield from certificate(desk)
        elif service is _Service.APPOINTMENTS:
            yield from appointments(desk)
        else:
            yield from opening_hours(desk)
        service = yield from _anything_else(desk)
    yield from say("goodbye", prompt("goodbye.said"))


def _main_menu(desk: Desk) -> Dialog[_Service]:
    options = [
        Option("3", _Service.INFORMATION, prompt("main.information")),
        # The loop takes 0 in every menu; here it is also said.
        Option(PERSON, _Service.PERSON, prompt("main.operator")),
        Option(LANGUAGE, _Service.LANGUAGE),
    ]
    if desk.appointments.services():
        options.insert(0, Option("2", _Service.APPOINTMENTS, prompt("main.appointments")))
    if desk.kinds():
        options.insert(0, Option("1", _Service.CERTIFICATES, prompt("main.certificates")))
    return (yield from choose("main", prompt("main.language"), options=options))


def _anything_else(desk: Desk) -> Dialog[_Service]:
    more = yield from choose(
        "more",
        prompt("more.intro"),
        options=(Option("1", value=True, said=prompt("more.again")),),
        otherwise=Option("", value=False),
    )
    return (yield from _main_menu(desk)) if more else _Service.GOODBYE


def reach_person(desk: Desk, need: Need) -> Dialog[None]:
    """Put the caller through while the desk is open, else take a message."""
    hours = desk.hours()
    sorry = () if need is Need.ASKED else (prompt(f"person.{need}"),)
    if hours.open_now:
        yield from transfer("person", *sorry, prompt("person.transfer"))
    yield from message(desk, *sorry, prompt("person.closed"), *next_opening(hours))
