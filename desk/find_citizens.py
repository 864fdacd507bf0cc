"""Finding somebody in the register: by tax code, by name and birth date, or by telephone number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.citizens import citizens_with_number
from desk.find_requests import named
from desk.models import Citizen, folded
from desk.person import citizen_by_tax_code
from desk.phone_numbers import to_e164

#: Citizens shown at most.
MOST = 20


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """Who is looked for. The first that is said counts: tax code, name with birth date, number."""

    tax_code: str = ""
    name: str = ""
    born: date | None = None
    phone: str = ""

    @property
    def says_enough(self) -> bool:
        """Whether one can look: a name alone would show a whole family to whoever is curious."""
        return bool(self.tax_code.strip() or (folded(self.name) and self.born) or to_e164(self.phone.strip()))


def find_citizens(session: Session, query: PersonQuery) -> Sequence[Citizen]:
    """Who is in the register and is meant, by name; nobody where too little is said."""
    if query.tax_code.strip():
        citizen = citizen_by_tax_code(session, query.tax_code)
        return [citizen] if citizen else []
    words = folded(query.name).split()
    if words and query.born:
        return session.scalars(
            select(Citizen)
            .where(named(Citizen.name_key, words), Citizen.birth_date == query.born)
            .order_by(Citizen.name_key, Citizen.id)
            .limit(MOST)
        ).all()
    number = to_e164(query.phone.strip())
    if number is None:
        return []
    found = citizens_with_number(session, number)
    return sorted(found, key=lambda citizen: (citizen.name_key or "", citizen.id))[:MOST]
