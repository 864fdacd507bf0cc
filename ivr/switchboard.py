"""The town's number: welcome, language, main menu, and the way to a person from anywhere."""

from __future__ import annotations

from enum import Enum, auto

from ivr.appointments import appointments
from ivr.call_back import offer_call_back, recall_pending
from ivr.hours import next_opening
from ivr.information import information
from ivr.message import message
from ivr.notice import notices
from ivr.other_services import other_services
from ivr.ports import Desk
from ivr.recording_notice import tell_of_recording
from ivr.requests_menu import requests_menu
from ivr.steps import (
    PERSON,
    Dialog,
    Need,
    Option,
    PersonNeeded,
    Prompt,
    choose,
    prompt,
    say,
    speak,
    transfer,
)
from ivr.waiting import Reach, told


class _Service(Enum):
    REQUESTS = auto()
    APPOINTMENTS = auto()
    INFORMATION = auto()
    OTHER = auto()
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
    yield from notices(desk)
    yield from _welcome(desk)
    service = yield from _main_menu(desk)
    while service is not _Service.GOODBYE:
        if service is _Service.LANGUAGE:
            language = OTHER_LANGUAGE[language]
            desk.remember_language(language)
            yield from speak(language)
            yield from notices(desk)
            service = yield from _main_menu(desk)
            continue
        if service is _Service.REQUESTS:
            yield from requests_menu(desk)
        elif service is _Service.APPOINTMENTS:
            yield from appointments(desk)
        elif service is _Service.OTHER:
            yield from other_services(desk)
        else:
            yield from information(desk)
        service = yield from _anything_else(desk)
    yield from say("goodbye", prompt("goodbye.said"))


def _welcome(desk: Desk) -> Dialog[None]:
    yield from say("welcome", prompt("welcome.greeting"), prompt("welcome.privacy"))
    hours = desk.hours()
    if not hours.open_now:
        yield from say(
            "welcome.closed", prompt("welcome.closed"), *next_opening(hours), prompt("welcome.by_keypad")
        )


def _main_menu(desk: Desk) -> Dialog[_Service]:
    options = [
        Option("1", _Service.REQUESTS, prompt("main.requests")),
        Option("3", _Service.INFORMATION, prompt("main.information")),
        Option("4", _Service.OTHER, prompt("main.other")),
        # The loop takes 0 in every menu; here it is also said.
        Option(PERSON, _Service.PERSON, prompt("main.operator")),
        Option(LANGUAGE, _Service.LANGUAGE),
    ]
    if desk.appointments.services():
        options.insert(1, Option("2", _Service.APPOINTMENTS, prompt("main.appointments")))
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
    """Put the caller through if it is any use to wait, else offer a call-back or take a message."""
    sorry = () if need is Need.ASKED else (prompt(f"person.{need}"),)
    why = _why_nobody(desk)
    if why is None:
        if not (yield from recall_pending(desk)):
            yield from tell_of_recording(desk.recording)
            yield from transfer("person", *sorry, *told(desk.routing.wait()), prompt("person.transfer"))
    elif not (yield from offer_call_back(desk, *sorry, *why)):
        yield from message(desk)


def _why_nobody(desk: Desk) -> tuple[Prompt, ...] | None:
    """Why it is no use to wait for a person; ``None`` if phones will ring."""
    hours = desk.hours()
    if not hours.open_now:
        return (prompt("person.closed"), *next_opening(hours))
    reach = desk.routing.reach()
    if reach is Reach.RING:
        return None
    return (prompt("person.nobody" if reach is Reach.NOBODY else "person.too_late"),)
