"""Who asks without being in the register: known by a tax code that SPID, CIE or an operator has verified.

The code itself is kept, not a pseudonym of it: the office finds the person by it in the register of another
town, and the person finds the own requests. It goes when the name and the number go
(:mod:`desk.retention`); what is left then is a pseudonym, so that counts of people stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from codicefiscale import codicefiscale
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from desk.models import Booking, Citizen, Enrolment, Request


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody who is not in the register; the tax code is in capital letters."""

    tax_code: str


#: A citizen, by the number in the register, or somebody outside it.
Whose: TypeAlias = int | Outsider


def outsider_with(tax_code: str) -> Outsider:
    """Who has that tax code, if there can be one. Raises ``ValueError``, which names nobody."""
    plain = tax_code.upper()
    if not codicefiscale.is_valid(plain):
        raise ValueError("not a valid tax code")
    return Outsider(plain)


def has_filed(session: Session, outsider: Outsider) -> bool:
    """Whether anything is kept of that person."""
    return any(
        session.scalar(select(model.id).where(belongs_to(model, outsider)).limit(1)) is not None
        for model in (Request, Booking)
    )


def belongs_to(model: type[Request] | type[Booking], whose: Whose) -> ColumnElement[bool]:
    """The rows of that person."""
    if isinstance(whose, Outsider):
        return model.applicant_tax_code == whose.tax_code
    return model.citizen_id == whose


def person_in_course(whose: Whose) -> str:
    """How that person is named in enrolments."""
    return f"code {whose.tax_code}" if isinstance(whose, Outsider) else f"citizen {whose}"


def numbers_given_by(session: Session, outsider: Outsider) -> set[str]:
    """The contact numbers on all that the person has asked for."""
    return {
        number
        for model in (Request, Booking)
        for number in session.scalars(
            select(model.contact_e164).where(belongs_to(model, outsider), model.contact_e164.is_not(None))
        )
        if number is not None
    }


def adopt(session: Session, citizen: Citizen) -> None:
    """What a new citizen asked for before becoming one is the citizen's; the register has the name now."""
    before = Outsider(citizen.tax_code)
    session.execute(
        update(Request)
        .where(belongs_to(Request, before))
        .values(citizen_id=citizen.id, applicant=None, applicant_key=None, applicant_tax_code=None)
    )
    session.execute(
        update(Booking)
        .where(belongs_to(Booking, before))
        .values(citizen_id=citizen.id, applicant=None, applicant_tax_code=None)
    )
    session.execute(
        update(Enrolment)
        .where(Enrolment.person == person_in_course(before))
        .values(person=person_in_course(citizen.id))
    )
