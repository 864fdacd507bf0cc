"""Reference numbers: what a citizen is told, types and spells."""

from __future__ import annotations

import secrets
from random import Random

from stdnum import damm

#: Digits, the last one a check digit (Damm: finds every wrong digit and every pair of swapped neighbours).
LENGTH = 8


def new_reference(random: Random | None = None) -> str:
    """A random reference of :data:`LENGTH` digits that does not begin with 0.

    Nine million are possible: enough to be unguessable together with a second thing the citizen knows.
    """
    random = random or secrets.SystemRandom()
    body = str(random.randrange(10 ** (LENGTH - 2), 10 ** (LENGTH - 1)))
    return body + str(damm.calc_check_digit(body))


def is_reference(text: str) -> bool:
    """Whether ``text`` can be a reference: length, digits, check digit."""
    return (
        len(text) == LENGTH and text.isascii() and text.isdigit() and text[0] != "0" and damm.is_valid(text)
    )
