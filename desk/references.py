"""Reference numbers: what a citizen is told, types and spells."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from random import Random
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from stdnum import damm

from desk.models import Base, Booking, Request

#: Digits, the last one a check digit (Damm: finds every wrong digit and every pair of swapped neighbours).
LENGTH = 8
#: Tries to find a reference that nobody has.
_TRIES = 20

Row = TypeVar("Row", bound=Base)


def new_reference(random: Random | None = None) -> str:
    """A random reference of :data:`LENGTH` digits that does not begin with 0.

    Nine million are possible: enough to be unguessable together with a second thing the citizen knows.
    """
    random = random or secrets.SystemRandom()
    body = str(random.randrange(10 ** (LENGTH - 2), 10 ** (LENGTH - 1)))
    return body + str(damm.calc_check_digit(body))


def add_with_reference(session: Session, new: Callable[[str], Row]) -> Row:
    """Add the row that ``new`` makes of a reference, one that neither a request nor an appointment has.

    A citizen types the number without saying of what it is. Raises ``IntegrityError`` where the row cannot be
    added for another reason; nothing is added then.
    """
    for _ in range(_TRIES):
        reference = new_reference()
        if _is_taken(session, reference):
            continue
        row = new(reference)
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            # Only a reference that somebody has taken meanwhile is worth another try.
            if not _is_taken(session, reference):
                raise
        else:
            return row
    raise RuntimeError(f"no free reference after {_TRIES} tries")


def _is_taken(session: Session, reference: str) -> bool:
    taken = (select(model.id).where(model.reference == reference) for model in (Request, Booking))
    return any(session.scalar(query) is not None for query in taken)


def is_reference(text: str) -> bool:
    """Whether ``text`` can be a reference: length, digits, check digit."""
    return (
        len(text) == LENGTH and text.isascii() and text.isdigit() and text[0] != "0" and damm.is_valid(text)
    )
