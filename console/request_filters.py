"""The filters of the list of requests: in the address, so that a list can be kept; nothing personal is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from flask import request

from desk.find_requests import Search, Sort, Standing, Wanted, Whose
from desk.models import Channel, RequestKind, RequestState

#: The largest id PostgreSQL keeps: a larger one in an address is nonsense, not a question for the database.
_LARGEST_ID = 2**31 - 1

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. ``found`` says that it is the list of what was searched for."""

    wanted: Wanted
    found: bool
    after: int | None

    @classmethod
    def of_address(cls) -> Filters:
        """Read the address; nonsense counts as not said. What was searched for is looked for among all."""
        found = request.args.get("found") == "1"
        standing = _member(Standing, "state") or _member(RequestState, "state")
        wanted = Wanted(
            standing=standing or (Standing.ALL if found else Standing.OPEN),
            kind=_member(RequestKind, "kind"),
            channel=_member(Channel, "channel"),
            whose=_member(Whose, "whose") or Whose.ANYBODYS,
            since=_day("since"),
            until=_day("until"),
            sort=_member(Sort, "sort") or (Sort.NEWEST if found else Sort.DUE),
        )
        after = request.args.get("after", type=int)
        return cls(wanted, found, after if after is not None and 0 < after <= _LARGEST_ID else None)

    def searching(self, search: Search | None) -> Wanted:
        """What is wanted, with what was searched for."""
        return replace(self.wanted, search=search) if self.found else self.wanted

    @property
    def are_default(self) -> bool:
        """Whether it is the list as it is first shown."""
        return not self.found and self.wanted == Wanted()

    def address(self, *, after: int | None = None) -> dict[str, Any]:
        """The arguments of the address of this list, from the page that begins after that request."""
        wanted = self.wanted
        plain = Wanted(standing=Standing.ALL, sort=Sort.NEWEST) if self.found else Wanted()
        said: dict[str, str | int | None] = {
            "state": wanted.standing if wanted.standing is not plain.standing else None,
            "kind": wanted.kind,
            "channel": wanted.channel,
            "whose": wanted.whose if wanted.whose is not Whose.ANYBODYS else None,
            "since": wanted.since.isoformat() if wanted.since else None,
            "until": wanted.until.isoformat() if wanted.until else None,
            "sort": wanted.sort if wanted.sort is not plain.sort else None,
            "found": 1 if self.found else None,
            "after": after,
        }
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name, value in said.items()
            if value is not None
        }


def _member(members: type[S], name: str) -> S | None:
    said = request.args.get(name, "")
    return next((member for member in members if member.value == said), None)


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    # Far away, arithmetic with time zones breaks.
    return day if 2000 < day.year < 2100 else None
