"""A desk that answers with whatever its protocol allows: for walking the dialogs without a town behind them.

What an answer can be follows from the types in the protocols, so a service that is added is walked without
anything to be written here. Where a type says too little (a text that must be a code the town has), the
possible answers are given as ``known``, by ``"Protocol.method"`` or ``"Dataclass.field"``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import ivr
from ivr.walk import Pick

Known = Mapping[str, tuple[Any, ...]]

#: A value of each plain type.
_SOME: Mapping[object, tuple[object, ...]] = {
    bool: (True, False),
    int: (1,),
    float: (3.0,),
    str: ("12345674",),
    Decimal: (Decimal("16.52"), Decimal(0)),
    date: (date(2026, 11, 24),),
    time: (time(9),),
    datetime: (datetime(2026, 11, 24, 9, tzinfo=UTC),),
    Path: (Path("/recording.wav"),),
    type(None): (None,),
}
#: How many of the possible members a sequence is given.
_MEMBERS = 3


class Suppositions:
    """Makes desks that are supposed; what their answers can be is found out once."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._answers: dict[str, tuple[object, ...]] = {}

    def suppose(self, protocol: type, pick: Pick) -> Any:
        """Something of that protocol whose answers are picked from all possible ones, friendliest first."""
        return _Supposed(self, protocol, pick)

    def answers(self, question: str, method: Callable[..., object]) -> tuple[object, ...]:
        """What ``method`` can return; ``question`` is its name with that of its protocol."""
        if question not in self._answers:
            found = self._known.get(question)
            self._answers[question] = possible(_returned(method), self._known) if found is None else found
        return self._answers[question]


class _Supposed:
    def __init__(self, of: Suppositions, protocol: type, pick: Pick) -> None:
        self._of, self._protocol, self._pick = of, protocol, pick

    def __repr__(self) -> str:
        return f"<some {self._protocol.__name__}>"

    def __getattr__(self, name: str) -> object:
        # Found once for each name: what is set here is not asked for again.
        member = _member(self._protocol, name)
        if isinstance(member, property):
            assert member.fget is not None
            part: object = _Supposed(self._of, _returned(member.fget), self._pick)
        else:
            question = f"{self._protocol.__name__}.{name}"
            answers, pick = self._of.answers(question, member), self._pick

            def part(*_: object, **__: object) -> object:
                return pick(question, answers)

        setattr(self, name, part)
        return part


@cache
def _member(protocol: type, name: str) -> Any:
    # A walk asks for the same few, millions of times.
    return inspect.getattr_static(protocol, name)


def possible(wanted: Any, known: Known) -> tuple[object, ...]:
    """Values of the type ``wanted``, the friendliest first."""
    if wanted in _SOME:
        return _SOME[wanted]
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return tuple(value for one in inner for value in possible(one, known))
    if origin is tuple and inner[-1:] != (...,):
        return (tuple(possible(one, known)[0] for one in inner),)
    if origin is frozenset:
        return (frozenset(), frozenset(possible(inner[0], known)))
    if origin is not None and issubclass(origin, Sequence):
        members = possible(inner[0], known)
        return (members[:_MEMBERS], ()) if len(members) < 2 else (members[:_MEMBERS], members[:1], ())
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return tuple(wanted)
    if is_dataclass(wanted):
        return _of_dataclass(cast(type, wanted), known)
    raise TypeError(f"nothing is known of {wanted}: name its values")


def _of_dataclass(wanted: type, known: Known) -> tuple[object, ...]:
    """One with the first value of each field, then each other value of a field in it."""
    hints = get_type_hints(wanted, localns=_names())
    values = {}
    for field in fields(wanted):
        found = known.get(f"{wanted.__name__}.{field.name}")
        values[field.name] = possible(hints[field.name], known) if found is None else found
    first = wanted(**{name: options[0] for name, options in values.items()})
    others = (replace(first, **{name: value}) for name, options in values.items() for value in options[1:])
    return (first, *others)


@cache
def _returned(method: Callable[..., object]) -> Any:
    return get_type_hints(method, localns=_names())["return"]


@cache
def _names() -> dict[str, Any]:
    """All that the dialogs' modules define: some names are imported for the type checker only."""
    names: dict[str, Any] = {}
    for module in pkgutil.iter_modules(ivr.__path__):
        names |= vars(importlib.import_module(f"ivr.{module.name}"))
    return names
