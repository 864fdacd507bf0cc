"""All that is kept about one person: found by following the keys of the tables, so a new table is in it too.

Telephone numbers are followed only where the number is this citizen's alone: what came from a number that a
family shares may be about another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict

from sqlalchemy import ColumnElement, RowMapping, String, Table, and_, func, or_, select, true
from sqlalchemy.orm import Session

from desk.applicants import Outsider, Whose, has_filed, numbers_given_by
from desk.models import Base, Booking, Citizen, PhoneNumber, Request
from desk.pseudonyms import Pseudonyms, is_pseudonym

Rows: TypeAlias = Mapping[str, Sequence[RowMapping]]

#: Columns that hold the telephone number of a citizen, whatever the table.
NUMBER_COLUMNS = frozenset({"e164", "caller_e164", "contact_e164", "to_e164", "caller", "asked_by", "sender"})
#: Columns with Asterisk's name of a call.
CALL_COLUMNS = frozenset({"call_unique_id", "linked_id"})
#: What points to a person but is not about what the person did: who asked for it is told on request, apart.
NOT_FOLLOWED = frozenset({"audit"})
#: What belongs to a call, and so to the person who made it.
_CALLS = "calls"
#: Column with the tax code of who is not in the register.
_CODE = "applicant_tax_code"


@dataclass(frozen=True, slots=True)
class Person:
    """A citizen of the register, or somebody outside it, and the rows about that person by table."""

    who: Citizen | Outsider
    #: First and last name; empty where none was given.
    name: str
    #: Numbers that are this person's alone, and those that others have too.
    own_numbers: Sequence[str]
    shared_numbers: Sequence[str]
    rows: Rows


def citizen_by_tax_code(session: Session, tax_code: str) -> Citizen | None:
    """The citizen with that tax code, however it is written."""
    plain = "".join(tax_code.split()).upper()
    return session.scalar(select(Citizen).where(Citizen.tax_code == plain))


def person_by_tax_code(session: Session, tax_code: str) -> Citizen | Outsider | None:
    """Who has that tax code, however it is written: of the register, or of those who asked for something."""
    citizen = citizen_by_tax_code(session, tax_code)
    if citizen is not None:
        return citizen
    outsider = Outsider("".join(tax_code.split()).upper())
    return outsider if has_filed(session, outsider) else None


class Whom(TypedDict, total=False):
    """Whose record was looked at, as :func:`desk.audit.note_look` wants it."""

    citizen_id: int
    outsider: str


def whom(who: Citizen | Outsider | None, pseudonyms: Pseudonyms) -> Whom:
    """Whose record is looked at; of nobody, nothing."""
    if isinstance(who, Outsider):
        return {"outsider": pseudonyms.of(who.tax_code)}
    return {"citizen_id": who.id} if who else {}


def person_of(session: Session, who: Citizen | Outsider) -> Person:
    """Gather all rows about ``who``."""
    return _outsider(session, who) if isinstance(who, Outsider) else _citizen(session, who)


def _outsider(session: Session, outsider: Outsider) -> Person:
    numbers = {number for number in numbers_given_by(session, outsider) if not is_pseudonym(number)}
    shared = set(session.scalars(select(PhoneNumber.e164).where(PhoneNumber.e164.in_(numbers))))
    for model in (Request, Booking):
        somebody_elses = model.citizen_id.is_not(None) | (model.applicant_tax_code != outsider.tax_code)
        shared |= {
            number
            for number in session.scalars(
                select(model.contact_e164).where(model.contact_e164.in_(numbers), somebody_elses)
            )
            if number is not None
        }
    gathered = _Gathered(session, outsider)
    gathered.follow_person()
    gathered.follow_all(numbers - shared)
    names = [str(row["applicant"]) for row in gathered.named() if row["applicant"]]
    return Person(
        outsider, names[-1] if names else "", sorted(numbers - shared), sorted(shared), gathered.rows
    )


def _citizen(session: Session, citizen: Citizen) -> Person:
    numbers = sorted(number.e164 for number in citizen.phone_numbers)
    shared = set(
        session.scalars(
            select(PhoneNumber.e164)
            .where(PhoneNumber.e164.in_(numbers))
            .group_by(PhoneNumber.e164)
            .having(func.count(PhoneNumber.citizen_id.distinct()) > 1)
        )
    )
    own = [number for number in numbers if number not in shared]
    gathered = _Gathered(session, citizen.id)
    gathered.take(Citizen.__table__, Citizen.__table__.c.id == citizen.id)  # type: ignore[arg-type]
    gathered.follow_person()
    gathered.follow_all(own)
    return Person(citizen, f"{citizen.first_name} {citizen.last_name}", own, sorted(shared), gathered.rows)


class _Gathered:
    """Rows found so far, by table; each once."""

    def __init__(self, session: Session, whose: Whose) -> None:
        self._session = session
        self._whose = whose
        self._found: dict[str, dict[tuple[Any, ...], RowMapping]] = defaultdict(dict)
        self._tables = [table for table in Base.metadata.sorted_tables if table.name not in NOT_FOLLOWED]

    @property
    def rows(self) -> Rows:
        return {name: list(rows.values()) for name, rows in sorted(self._found.items()) if rows}

    def named(self) -> Iterator[RowMapping]:
        """What was filed under a name that is not in the register."""
        for rows in self._found.values():
            yield from (row for row in rows.values() if "applicant" in row)

    def take(self, table: Table, where: ColumnElement[bool]) -> None:
        """Add the rows of ``table`` that are so, but none that is known to be another person's."""
        key = [column.name for column in table.primary_key]
        for row in self._session.execute(
            select(table).where(where, self._not_anothers(table)).order_by(*table.primary_key)
        ).mappings():
            self._found[table.name][tuple(row[name] for name in key)] = row

    def follow_person(self) -> None:
        for table in self._tables:
            if isinstance(self._whose, Outsider):
                if _CODE in table.c:
                    self.take(table, table.c[_CODE] == self._whose.tax_code)
            elif "citizen_id" in table.c:
                self.take(table, table.c.citizen_id == self._whose)

    def follow_all(self, numbers: Iterable[str]) -> None:
        """From the person's own rows and numbers to the rest."""
        self.follow_numbers(numbers)
        self.follow_requests_to_calls()
        self.follow_children()
        self.follow_call_names()

    def follow_numbers(self, numbers: Iterable[str]) -> None:
        own = list(numbers)
        for table in self._tables:
            columns = [
                column
                for column in table.columns
                if column.name in NUMBER_COLUMNS and isinstance(column.type, String)
            ]
            if columns and own:
                self.take(table, or_(*(column.in_(own) for column in columns)))

    def follow_requests_to_calls(self) -> None:
        """The call in which a request was made, also from a number that is shared."""
        calls = Base.metadata.tables[_CALLS]
        ids = {row["call_id"] for rows in self._found.values() for row in rows.values() if "call_id" in row}
        self.take(calls, calls.c.id.in_([number for number in ids if number is not None]))

    def follow_children(self) -> None:
        """Rows that point to rows found: parents come before children in the order of the tables."""
        for table in self._tables:
            for constraint in table.foreign_key_constraints:
                parent = constraint.referred_table.name
                (column,) = constraint.columns
                if parent in ("citizens", table.name) or parent not in self._found:
                    continue
                (referred,) = (element.column.name for element in constraint.elements)
                keys = [row[referred] for row in self._found[parent].values()]
                self.take(table, column.in_(keys))

    def follow_call_names(self) -> None:
        """What the exchange recorded of these calls."""
        names = [row["unique_id"] for row in self._found[_CALLS].values()]
        for table in self._tables:
            columns = [column for column in table.columns if column.name in CALL_COLUMNS]
            if columns:
                self.take(table, or_(*(column.in_(names) for column in columns)))

    def _not_anothers(self, table: Table) -> ColumnElement[bool]:
        citizen, code = (
            (None, self._whose.tax_code) if isinstance(self._whose, Outsider) else (self._whose, None)
        )
        own = {"citizen_id": citizen, _CODE: code}
        return and_(
            true(),
            *(
                or_(table.c[name].is_(None), table.c[name] == value)
                for name, value in own.items()
                if name in table.c
            ),
        )
