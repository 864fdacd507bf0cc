"""What an operation of the web channel is: one value says how it is asked, described and carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy.orm import Session

from desk.models import Scope
from webhooks.problems import Kind
from webhooks.schemas import Schema


@dataclass(frozen=True, slots=True)
class Asked:
    """What a handler needs beside body and session."""

    now: datetime
    #: The values in the address, by name.
    path: Mapping[str, str]
    #: Names the change among all channels; empty for what only reads.
    key: str = ""
    #: How the keys of all changes begin that this API key may make.
    holder: str = ""


#: Gets the session, the body (or the query, or ``None``) as its model, and the rest. Raises
#: :class:`~webhooks.problems.Refused`; nothing is changed then.
Handler: TypeAlias = Callable[[Session, Any, Asked], Schema]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. What ``changes`` needs an idempotency key; ``scope`` ``None`` is open to every key."""

    name: str
    method: Literal["GET", "POST"]
    #: Below ``/api/v1``, as OpenAPI writes it: ``/requests/{reference}``.
    path: str
    summary: str
    scope: Scope | None
    answer: type[Schema]
    handler: Handler
    body: type[Schema] | None = None
    query: type[Schema] | None = None
    status: int = 200
    changes: bool = False
    #: Whether it shows what is kept of a person, by the tax code in the body or the reference in the address.
    #: Every such look is in the audit.
    looks: bool = False
    #: What it may refuse for, beside what all may.
    problems: tuple[Kind, ...] = ()
