"""Looking a citizen up at the desk: by tax code, telephone number or name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from desk.models import Citizen, PhoneNumber
from desk.phone_numbers import to_e164

#: More are not shown: who gets so many types more of the name.
MOST = 20

_TAX_CODE = re.compile(r"[A-Z0-9]{16}")


def find_citizens(session: Session, typed: str) -> Sequence[Citizen]:
    """The citizens that ``typed`` means, at most :data:`MOST`, by name.

    A tax code is taken whole; a number as it is dialled; of names, the beginnings of last and first name in
    either order.
    """
    where = _meant(" ".join(typed.split()))
    if where is None:
        return ()
    return session.scalars(
        select(Citizen)
        .where(where)
        .options(selectinload(Citizen.phone_numbers))
        .order_by(Citizen.last_name, Citizen.first_name, Citizen.birth_date)
        .limit(MOST)
    ).all()


def _meant(typed: str) -> ColumnElement[bool] | None:
    code = typed.replace(" ", "").upper()
    if _TAX_CODE.fullmatch(code):
        return Citizen.tax_code == code
    if re.search(r"[0-9]", typed):
        number = to_e164(typed)
        return None if number is None else Citizen.phone_numbers.any(PhoneNumber.e164 == number)
    words = typed.split()
    if not words or len(typed) < 2:
        return None
    return or_(
        *(
            _begins(Citizen.last_name, " ".join(last)) & _begins(Citizen.first_name, " ".join(first))
            for split in range(len(words) + 1)
            for last, first in ((words[:split], words[split:]), (words[split:], words[:split]))
        )
    )


def _begins(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    # SQLite folds ASCII letters only; names are written with a capital and small letters.
    return func.lower(column).startswith(text.lower(), autoescape=True)
