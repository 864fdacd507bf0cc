"""The dialogs of a town as they can be walked without a caller, and its menus as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from desk.offer import Offer
from desk.settings import ROME
from ivr.courses import CourseNow, Refused
from ivr.information import CardValidity
from ivr.message import unanswered
from ivr.override import OverrideDesk, override
from ivr.paused import Duty, paused
from ivr.ports import CertificateDraft, CertificateKind, DayHours, Delivery, Desk, Opening, Subject
from ivr.report import CATEGORIES
from ivr.rooms import Part, Purpose, Standing
from ivr.steps import Prompt, prompt
from ivr.supposed import Known, Suppositions
from ivr.survey import Survey, survey
from ivr.switchboard import switchboard
from ivr.tree import Choice, Kind, Node, tree
from ivr.voice_notice import Notice, voice_notice
from ivr.waiting import waiting
from ivr.walk import Walked, World, walk
from prompts.catalogue import Catalogue
from prompts.town_names import COURSES, REPORTS, ROOMS, SERVICES, sayable

#: The dialogs in which 0 must lead to a person. The others are for our own phones.
FOR_CITIZENS = frozenset({"switchboard", "unanswered", "waiting"})


def worlds(offer: Offer) -> Mapping[str, World]:
    """Every dialog, with a desk that has this offer and answers in any way."""
    of = Suppositions(_known(offer))
    return {
        "switchboard": lambda pick: switchboard(of.suppose(Desk, pick)),
        "unanswered": lambda pick: unanswered(of.suppose(Desk, pick)),
        "waiting": lambda pick: waiting(of.suppose(Desk, pick)),
        "override": lambda pick: override(of.suppose(OverrideDesk, pick)),
        "paused": lambda pick: paused(of.suppose(Duty, pick)),
        "survey": lambda pick: survey(of.suppose(Survey, pick)),
        "voice_notice": lambda pick: voice_notice(of.suppose(Notice, pick)),
    }


def walk_all(offer: Offer) -> dict[str, Walked]:
    """Walk every dialog: with all that is on offer while all goes well, and with anything that can happen.

    Services differ in their texts only, so one of each sort is enough for what can go wrong.
    """
    kinds = {kind.civil_status: kind for kind in offer.certificate_kinds}
    little = Offer(
        tuple(kinds.values()),
        offer.services[:1],
        offer.report_categories[:1],
        offer.courses[:1],
        offer.rooms[:1],
        offer.card_validity,
    )
    calm = {name: walk(_calm(world)) for name, world in worlds(offer).items()}
    return {name: walk(world, into=calm[name]) for name, world in worlds(little).items()}


def sayable_offer(offer: Offer, catalogue: Catalogue) -> Offer:
    """``offer`` without what the telephone has no words for, as calls get it."""
    return replace(
        offer,
        services=sayable(catalogue, SERVICES, offer.services),
        report_categories=sayable(catalogue, REPORTS, offer.report_categories)[:CATEGORIES],
        courses=sayable(catalogue, COURSES, offer.courses),
        rooms=sayable(catalogue, ROOMS, offer.rooms),
    )


@lru_cache(maxsize=4)
def town_tree(offer: Offer) -> tuple[Node, ...]:
    """The menus that a citizen meets."""
    return tree(worlds(offer)["switchboard"])


def lines(nodes: tuple[Node, ...], catalogue: Catalogue, language: str, indent: str = "") -> Iterator[str]:
    """The tree as indented text: what is said, and the keys with what follows them."""
    for node in nodes:
        said = sentence(catalogue, language, node)
        if node.again:
            yield f"{indent}= {node.node}"
        elif node.kind is Kind.MENU:
            yield f"{indent}[{node.node}] {said}".rstrip()
        elif said:
            yield f"{indent}{_MARKS[node.kind]} {said}"
        for choice in node.choices:
            yield f"{indent}  {choice.key}  {option(catalogue, language, choice)}"
            yield from lines(choice.then, catalogue, language, f"{indent}     ")


_MARKS = {Kind.SAY: "-", Kind.ASK: "?", Kind.RECORD: "o", Kind.PERSON: ">"}


def option(catalogue: Catalogue, language: str, choice: Choice) -> str:
    """What an option is for. Where the introduction names the key, nothing is left to say."""
    return written(catalogue, language, choice.said).rstrip(",") if choice.said else ""


def written(catalogue: Catalogue, language: str, prompt: Prompt) -> str:
    """A sentence in words; what depends on the caller or the day is left open."""
    return catalogue.written(language, prompt.key, dict(prompt.values))


def sentence(catalogue: Catalogue, language: str, node: Node) -> str:
    """All that is said at a node."""
    said = " ".join(written(catalogue, language, prompt) for prompt in node.prompts)
    # What is left open several times in a row is left open once, and ends no sentence.
    return re.sub(r"…([.,]?( …)*)+\.?", "…", said)


def _calm(world: World) -> World:
    return lambda _pick: world(lambda _question, answers: answers[0])


#: One of each sort of placeholder; what each message says is the tests' business.
_NOTICES = (
    prompt("voice_notice.said.certificate_ready", ref="12345674"),
    prompt("voice_notice.said.appointment_cancelled", ref="12345674", day=date(2026, 11, 25), time=time(9)),
)


def _known(offer: Offer) -> Known:
    """What the types of the answers do not say: which codes there are, and what is usual."""
    codes = tuple(kind.code for kind in offer.certificate_kinds)
    kinds = tuple(
        CertificateKind(kind.code, kind.civil_status, kind.stamp_duty + kind.secretary_fee)
        for kind in offer.certificate_kinds
    )
    drafts = [
        draft
        for code in codes[-1:]
        for draft in (
            CertificateDraft("key", code, exempt=True),
            CertificateDraft("key", code, False, Subject.SELF, copies=2, delivery=Delivery.HOME),
        )
    ]
    workday = DayHours(date(2026, 11, 25), (Opening(time(9), time(12, 45)),), usual=True)
    closed = replace(workday, spans=())
    return {
        "Desk.language": ("it", "en"),
        "Desk.kinds": (kinds, ()),
        "Desk.new_certificate": (CertificateDraft("key"),),
        "Desk.unfinished_certificate": (None, *drafts),
        "Agenda.services": (offer.services, ()),
        "Slot.service": offer.services,
        "ReportDesk.categories": (offer.report_categories,),
        "Hours.week": ((workday, workday), (closed, closed), ()),
        "CallBacks.read": ("+390290901234",),
        "CourseDesk.offered": (offer.courses, ()),
        "CourseDesk.about": (
            *(
                CourseNow(code, datetime(2027, 1, 13, 18, 30, tzinfo=ROME), fee, left, position)
                for code in offer.courses
                for fee, left, position in ((Decimal(85), 3, 1), (Decimal(0), 0, 1), (Decimal(85), 0, None))
            ),
            Refused.CLOSED,
            Refused.OUT_OF_REACH,
        ),
        "CourseDesk.may_enrol": (None, Refused.ALREADY, Refused.NOBODY, Refused.OUT_OF_REACH),
        # Without a room there is nothing to ask for it.
        "RoomDesk.purposes": (tuple(Purpose), ()) if offer.rooms else ((),),
        "RoomDesk.rooms": (offer.rooms, ()),
        "RoomDesk.standing": tuple(dict.fromkeys(Part, standing) for standing in Standing),
        # What is said today comes first: the menus to be read show it.
        "InformationDesk.card_validity": (
            *(each for each in CardValidity if each == offer.card_validity),
            *(each for each in CardValidity if each != offer.card_validity),
            None,
        ),
        "InformationDesk.fee": (None, Decimal("22.21")),
        "FoundRequest.overdue": (False, True),
        "Notices.in_force": ((), (Path("/notice.wav"),)),
        "Notice.said": _NOTICES,
    }
