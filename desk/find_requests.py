"""Finding requests: the list by what is wanted of it, page by page, and the search for a person's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, tuple_, union
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from desk.calendar import midnight
from desk.due_dates import is_open
from desk.models import Channel, Citizen, PhoneNumber, Request, RequestKind, RequestState, folded, unindexed
from desk.phone_numbers import to_e164
from desk.references import is_reference
from desk.settings import ROME

S = TypeVar("S", bound=StrEnum)

#: A name is searched for from so many letters on.
SHORTEST_NAME = 2
#: Words of a name that are looked at.
_WORDS = 5
#: Sorts after every name.
_LAST = "\U0010ffff"


class Standing(StrEnum):
    """Which requests by their state: all that are open, or only those that are late."""

    OPEN = "open"
    OVERDUE = "overdue"
    DUE_TODAY = "due_today"
    ALL = "all"


class Whose(StrEnum):
    """Whose work they are."""

    ANYBODYS = "anybodys"
    MINE = "mine"
    NOBODYS = "nobodys"


class Sort(StrEnum):
    """In which order: what is due first, or what came last."""

    DUE = "due"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class ByReference:
    """The request with that reference."""

    reference: str


@dataclass(frozen=True, slots=True)
class ByNumber:
    """Requests that came from a telephone number (E.164), or from a citizen who has it."""

    e164: str


@dataclass(frozen=True, slots=True)
class ByName:
    """Requests of whom is called so: the last name or its beginning, the first name before or after it."""

    words: tuple[str, ...]


Search: TypeAlias = ByReference | ByNumber | ByName


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list should show; days are those on which requests were filed, on Rome's calendar."""

    standing: Standing | RequestState = Standing.OPEN
    kind: RequestKind | None = None
    channel: Channel | None = None
    whose: Whose = Whose.ANYBODYS
    since: date | None = None
    until: date | None = None
    sort: Sort = Sort.DUE
    search: Search | None = None


def search_of(typed: str) -> Search | None:
    """What somebody looks for who typed that: a reference, a number or a name; ``None``: too little."""
    plain = "".join(typed.split())
    if is_reference(plain):
        return ByReference(plain)
    number = to_e164(typed.strip())
    if number is not None:
        return ByNumber(number)
    words = tuple(folded(typed).split())[:_WORDS]
    if len("".join(words)) < SHORTEST_NAME or any(word.isdecimal() for word in words):
        return None
    return ByName(words)


def find(
    session: Session, wanted: Wanted, *, by: str, limit: int, after: int | None = None, now: datetime
) -> Sequence[Request]:
    """The requests that are wanted, with their citizens, after the one with the id ``after`` in their order.

    Args:
        session: may only read.
        wanted: see there.
        by: the log-in whose requests are "mine".
        limit: at most so many.
        after: where the page before ended; one that is not there (any more) is the beginning.
        now: the time, which tells what is late.
    """
    query = select(Request).where(*_conditions(wanted, by, now.astimezone(ROME).date()))
    begin = session.get(Request, after) if after is not None else None
    query = _sorted(query, wanted.sort, begin).limit(limit).options(selectinload(Request.citizen))
    return session.scalars(query).all()


def named(column: InstrumentedAttribute[str | None], words: Sequence[str]) -> ColumnElement[bool]:
    """Whether the folded name in ``column`` has words that begin so, and begins with one of them."""
    tried = [
        and_(
            column.between(first, first + _LAST),
            *(column.contains(f" {word}") for at, word in enumerate(words) if at != place),
        )
        for place, first in enumerate(words)
    ]
    return or_(*tried) if tried else false()


def _conditions(wanted: Wanted, by: str, today: date) -> Iterator[ColumnElement[bool]]:
    def is_so(column: InstrumentedAttribute[S], value: S) -> ColumnElement[bool]:
        # What is searched for is found by name or number, and is little.
        return (column if wanted.search is None else unindexed(column)) == value

    match wanted.standing:
        case Standing.ALL:
            pass
        case Standing.OPEN:
            yield is_open()
        case Standing.OVERDUE:
            yield is_open()
            yield Request.due_on < today
        case Standing.DUE_TODAY:
            yield is_open()
            yield Request.due_on == today
        case state:
            yield is_so(Request.state, state)
    if wanted.kind is not None:
        yield is_so(Request.kind, wanted.kind)
    if wanted.channel is not None:
        yield is_so(Request.channel, wanted.channel)
    if wanted.whose is Whose.MINE:
        yield Request.assignee == by
    elif wanted.whose is Whose.NOBODYS:
        yield Request.assignee.is_(None)
    if wanted.since is not None:
        yield Request.filed_at >= midnight(wanted.since)
        # Nothing is due before it was filed: so what is sorted by due date is not looked for from the first
        # day on.
        yield Request.due_on >= wanted.since
    if wanted.until is not None:
        yield Request.filed_at < midnight(wanted.until + timedelta(days=1))
    if wanted.search is not None:
        yield _found(wanted.search)


def _found(search: Search) -> ColumnElement[bool]:
    if isinstance(search, ByReference):
        return Request.reference == search.reference
    if isinstance(search, ByNumber):
        citizens = select(PhoneNumber.citizen_id).where(PhoneNumber.e164 == search.e164)
        direct = Request.contact_e164 == search.e164
    else:
        citizens = select(Citizen.id).where(named(Citizen.name_key, search.words))
        direct = named(Request.applicant_key, search.words)
    # Each half by its own index: with OR a database reads the whole table.
    return Request.id.in_(
        union(
            select(Request.id).where(Request.citizen_id.in_(citizens)),
            select(Request.id).where(direct),
        )
    )


def _sorted(query: Select[Request], sort: Sort, begin: Request | None) -> Select[Request]:
    if sort is Sort.NEWEST:
        if begin is not None:
            query = query.where(tuple_(Request.filed_at, Request.id) < tuple_(begin.filed_at, begin.id))
        return query.order_by(Request.filed_at.desc(), Request.id.desc())
    if begin is not None:
        query = query.where(tuple_(Request.due_on, Request.id) > tuple_(begin.due_on, begin.id))
    return query.order_by(Request.due_on, Request.id)
