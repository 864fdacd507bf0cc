"""Who is calling? By birth date on a known number, by tax code on the keypad, or by voice for the operator.

Nothing about a person is spoken here or anywhere before this dialog has an answer, and a failed try does not
tell whether the number, the date or the code was the wrong one.
"""

from __future__ import annotations

from datetime import date
from enum import Enum, auto

from ivr.ports import Desk, IdentifiedBy, Identity
from ivr.steps import Dialog, Need, Option, PersonNeeded, ask, choose, prompt, record, say

#: Wrong tries in one call before a person takes over.
WRONG_TRIES = 3
#: Longest spoken name and address, seconds.
SPOKEN = 40


class _Way(Enum):
    BIRTH_DATE = auto()
    TAX_CODE = auto()
    SPOKEN = auto()


def identify(desk: Desk, *, by_voice: bool = True) -> Dialog[Identity]:
    """The caller's identity. Raises :class:`PersonNeeded` after :data:`WRONG_TRIES` wrong tries.

    Without ``by_voice`` only a citizen of the register will do, such as for what is told of a citizen.
    """
    known = desk.number_is_known()
    way = _Way.BIRTH_DATE if known and desk.may_identify() else None
    for _ in range(WRONG_TRIES):
        if way is None:
            way = yield from _choose_way(desk, known, by_voice)
        if way is _Way.SPOKEN:
            return (yield from _spoken())
        identity = yield from (
            _by_birth_date(desk, by_voice) if way is _Way.BIRTH_DATE else _by_tax_code(desk)
        )
        if identity is not None:
            return identity
        way = None
    raise PersonNeeded(Need.NOT_IDENTIFIED)


def _choose_way(desk: Desk, known: bool, by_voice: bool) -> Dialog[_Way]:
    if not desk.may_identify():
        if by_voice:
            return _Way.SPOKEN
        raise PersonNeeded(Need.NOT_IDENTIFIED)
    if not (known or by_voice):
        return _Way.TAX_CODE
    options = [Option("1", _Way.TAX_CODE, prompt("identify.way.tax_code"))]
    if by_voice:
        options.append(Option("2", _Way.SPOKEN, prompt("identify.way.spoken")))
    if known:
        options.append(Option("3", _Way.BIRTH_DATE, prompt("identify.way.birth_date")))
    return (yield from choose("identify.way", prompt("identify.way.intro"), options=options))


def _by_birth_date(desk: Desk, by_voice: bool) -> Dialog[Identity | None]:
    born = yield from ask(
        "identify.birth_date",
        prompt("identify.birth_date"),
        parse=parse_birth_date,
        longest=8,
        secret=True,
        skip=Option("#", date.min),
    )
    if born == date.min:
        # Somebody else at a citizen's telephone: no wrong try, but another way.
        way = yield from _choose_way(desk, known=False, by_voice=by_voice)
        return (yield from (_spoken() if way is _Way.SPOKEN else _by_tax_code(desk)))
    identity = desk.identify_by_birth_date(born)
    if identity is None:
        yield from say("identify.no_match", prompt("identify.no_match"))
    return identity


def _by_tax_code(desk: Desk) -> Dialog[Identity | None]:
    keys = yield from ask(
        "identify.tax_code",
        prompt("identify.tax_code"),
        parse=parse_tax_code_keys,
        longest=16,
        secret=True,
    )
    identity = desk.identify_by_tax_code(keys)
    if identity is None:
        yield from say("identify.no_match", prompt("identify.no_match"))
    return identity


def _spoken() -> Dialog[Identity]:
    recording = yield from record("identify.spoken", prompt("identify.spoken"), longest=SPOKEN)
    return Identity(IdentifiedBy.SPOKEN, spoken=recording)


def parse_birth_date(digits: str) -> date | None:
    """``ddmmyyyy`` as a date from 1900 on, else ``None``."""
    if len(digits) != 8:
        return None
    try:
        born = date(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        return None
    return born if born.year >= 1900 else None


def parse_tax_code_keys(keys: str) -> str | None:
    """Sixteen keys as they are. Letters lie on 2 to 9 and 0 and 1 are digits, so every key can be right."""
    return keys if len(keys) == 16 else None
