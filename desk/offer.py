"""What the town offers by keypad: the data that its menus are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from desk.appointments import services
from desk.identity_card_rules import rule_on
from desk.settings import ROME
from desk.town import CertificateKind, read_town


@dataclass(frozen=True, slots=True)
class Offer:
    """Certificates, and codes of what else there is, in the order it is spoken."""

    certificate_kinds: tuple[CertificateKind, ...]
    services: tuple[str, ...]
    report_categories: tuple[str, ...]
    courses: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    #: The sentence on how long an identity card is valid that is issued today.
    card_validity: str | None = None


def read_offer(session: Session, now: datetime) -> Offer:
    """What is on offer at ``now``."""
    town = read_town(session)
    return Offer(
        town.certificate_kinds,
        tuple(service.code for service in services(session)),
        town.report_categories,
        tuple(course.code for course in town.courses),
        tuple(room.code for room in town.rooms),
        rule_on(now.astimezone(ROME).date()).told,
    )
