"""All that is kept about one person: found by following the keys of the tables, so a new table is in it too.

Telephone numbers are followed only where the number is this citizen's alone: what came from a number that a
family shares may be about another one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, RowMapping, String, Table, func, or_, select, true
from sqlalchemy.orm import Session

from desk.models import Base, Citizen, PhoneNumber

Rows: TypeAlias = Mapping[str, Sequence[RowMapping]]

#: Columns that hold the telephone number of a citizen, whatever the table.
NUMBER_COLUMNS = frozenset({"e164", "caller_e164", "contact_e164", "to_e164", "caller", "asked_by", "sender"})
#: Columns with Asterisk's name of a call.
CALL_COLUMNS = frozenset({"call_unique_id", "linked_id"})
#: What points to a person but is not about what the person did: who asked for it is told on request, apart.
NOT_FOLLOWED = frozenset({"audit"})
#: What belongs to a call, and so to the person who made it.
_CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Person:
    """A citizen, and the rows about him by table."""

    citizen: Citizen
    #: Numbers that are this citizen's alone, and those that others have too.
    own_numbers: Sequence[str]
    shared_numbers: Sequence[str]
    rows: Rows


def citizen_by_tax_code(session: Session, tax_code: str) -> Citizen | None:
    """The citizen with that tax code, however it is written."""
    plain = "".join(tax_code.split()).upper()
    return session.scalar(select(Citizen).where(Citizen.tax_code == plain))


def person_of(session: Session, citizen: Citizen) -> Person:
    """Gather all rows about ``citizen``."""
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
    gathered.follow_citizen()
    gathered.follow_numbers(own)
    gathered.follow_requests_to_calls()
    gathered.follow_children()
    gathered.follow_call_names()
    return Person(citizen, own, sorted(shared), gathered.rows)


class _Gathered:
    """Rows found so far, by table; each once."""

    def __init__(self, session: Session, citizen_id: int) -> None:
        self._session = session
        self._citizen_id = citizen_id
        self._found: dict[str, dict[tuple[Any, ...], RowMapping]] = defaultdict(dict)
        self._tables = [table for table in Base.metadata.sorted_tables if table.name not in NOT_FOLLOWED]

    @property
    def rows(self) -> Rows:
        return {name: list(rows.values()) for name, rows in sorted(self._found.items()) if rows}

    def take(self, table: Table, where: ColumnElement[bool]) -> None:
        """Add the rows of ``table`` that are so, but none that is known to be another citizen's."""
        key = [column.name for column in table.primary_key]
        for row in self._session.execute(
            select(table).where(where, self._not_anothers(table)).order_by(*table.primary_key)
        ).mappings():
            self._found[table.name][tuple(row[name] for name in key)] = row

    def follow_citizen(self) -> None:
        for table in self._tables:
            if "citizen_id" in table.c:
                self.take(table, table.c.citizen_id == self._citizen_id)

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
        if "citizen_id" not in table.c:
            return true()
        return or_(table.c.citizen_id.is_(None), table.c.citizen_id == self._citizen_id)
