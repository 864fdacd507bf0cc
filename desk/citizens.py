"""The register of citizens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from codicefiscale import codicefiscale
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.applicants import Outsider, adopt, numbers_given_by
from desk.consents import has_consent, withdraw_consent
from desk.models import Citizen, Consent, PhoneNumber, Purpose
from desk.phone_numbers import is_mobile

_KEYS = {
    letter: key
    for key, letters in {
        "2": "ABC", "3": "DEF", "4": "GHI", "5": "JKL", "6": "MNO", "7": "PQRS", "8": "TUV", "9": "WXYZ",
    }.items()
    for letter in letters
}  # fmt: skip


def keypad_pattern(tax_code: str) -> str:
    """The keys that type ``tax_code`` with one press per character."""
    return "".join(_KEYS.get(character, character) for character in tax_code.upper())


def register_citizen(
    session: Session,
    *,
    tax_code: str,
    first_name: str,
    last_name: str,
    birth_date: date,
    address: str,
    phone_numbers: Sequence[str],
    now: datetime,
) -> Citizen:
    """Add a citizen with numbers in E.164; what was filed under the tax code before is the citizen's now.

    Raises ``ValueError`` for a tax code that cannot be.
    """
    tax_code = tax_code.upper()
    if not codicefiscale.is_valid(tax_code):
        raise ValueError("not a valid tax code")
    citizen = Citizen(
        tax_code=tax_code,
        tax_code_keys=keypad_pattern(tax_code),
        first_name=first_name,
        last_name=last_name,
        birth_date=birth_date,
        address=address,
        registered_at=now,
        phone_numbers=[PhoneNumber(e164=number) for number in phone_numbers],
    )
    session.add(citizen)
    session.flush()
    adopt(session, citizen)
    return citizen


def change_citizen(
    session: Session, citizen: Citizen, *, first_name: str, last_name: str, address: str
) -> None:
    """Change what changes in a life. Tax code and birth date say who it is and stay."""
    citizen.first_name, citizen.last_name, citizen.address = first_name, last_name, address
    session.flush()


def add_number(session: Session, citizen: Citizen, e164: str) -> bool:
    """Note that the number is the citizen's; whether that is new."""
    if any(number.e164 == e164 for number in citizen.phone_numbers):
        return False
    citizen.phone_numbers.append(PhoneNumber(e164=e164))
    session.flush()
    return True


def remove_number(session: Session, citizen: Citizen, e164: str, *, by: str, now: datetime) -> bool:
    """The number is not the citizen's any more, and what the citizen agreed to for it ends; whether it was.

    A family's number keeps the consents that others of the family have given.
    """
    number = next((number for number in citizen.phone_numbers if number.e164 == e164), None)
    if number is None:
        return False
    session.delete(number)
    session.execute(
        update(Consent)
        .where(Consent.citizen_id == citizen.id, Consent.e164 == e164, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=now, withdrawn_how="number_removed", withdrawn_by=by)
    )
    session.flush()
    session.expire(citizen, ["phone_numbers"])
    return True


def citizens_with_number(session: Session, e164: str) -> Sequence[Citizen]:
    """The citizens who have that number: a family may share one."""
    return session.scalars(select(Citizen).join(PhoneNumber).where(PhoneNumber.e164 == e164)).all()


def citizen_with_tax_code(session: Session, tax_code: str) -> Citizen | None:
    """The citizen of the register with that tax code, in whatever case it is written."""
    return session.scalar(select(Citizen).where(Citizen.tax_code == tax_code.upper()))


def withdraw_consents_of(
    session: Session,
    whose: Citizen | Outsider,
    *,
    how: str,
    by: str,
    now: datetime,
    purpose: Purpose | None = None,
    e164: str | None = None,
) -> int:
    """Withdraw what a person's numbers have agreed to; returns how many consents ended.

    Of all numbers and purposes, or of those named. A number that is not the person's is left alone; one that
    a family shares is the person's as well: whoever answers it may end what comes to it. The numbers of
    somebody outside the register are those given with requests and appointments.
    """
    if isinstance(whose, Outsider):
        numbers = numbers_given_by(session, whose)
    else:
        numbers = set(
            session.scalars(
                select(PhoneNumber.e164)
                .where(PhoneNumber.citizen_id == whose.id)
                .union(select(Consent.e164).where(Consent.citizen_id == whose.id))
            )
        )
    ended = 0
    for number in sorted(numbers if e164 is None else numbers & {e164}):
        for each in Purpose if purpose is None else (purpose,):
            if has_consent(session, number, each):
                withdraw_consent(session, e164=number, purpose=each, how=how, by=by, now=now)
                ended += 1
    return ended


def number_to_text(session: Session, citizen_id: int, purpose: Purpose) -> str | None:
    """The citizen's number that consents to messages for ``purpose``; a mobile one if there is any."""
    numbers = session.scalars(
        select(PhoneNumber.e164).where(PhoneNumber.citizen_id == citizen_id).order_by(PhoneNumber.id)
    )
    agreed = [number for number in numbers if has_consent(session, number, purpose)]
    return next(iter(sorted(agreed, key=is_mobile, reverse=True)), None)
