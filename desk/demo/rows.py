"""What a demo year is made of: rows by table, which name each other by keys instead of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from desk.demo.shape import Span

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pattern:
    """When a service receives by appointment: a span of a weekday, cut into slots for so many citizens."""

    weekday: int
    begins: time
    ends: time
    minutes: int
    places: int


@dataclass(frozen=True, slots=True)
class TownFacts:
    """What the year must know of the town it happens in."""

    line: str
    hours: Sequence[Span]
    back_office: Sequence[str]
    counters: Sequence[str]
    offices: Sequence[str]
    operators: Sequence[str]
    #: Code to (free of charge, stamp duty and fee, working days).
    certificates: Mapping[str, tuple[bool, Decimal, int]]
    #: Code to (competent office, working days).
    report_categories: Mapping[str, tuple[str, int]]
    courses: Sequence[str]
    rooms: Sequence[str]
    #: Appointment services: when they receive, and where, as it is written in messages.
    services: Mapping[str, Sequence[Pattern]]
    places: Mapping[str, str]
    counter_services: frozenset[str]
    flow_categories: frozenset[str]
    #: Who hangs up sooner is not counted as lost, seconds.
    short_abandon_seconds: int
    #: What is taken already: references, tax codes, places of slots.
    references: frozenset[str] = frozenset()
    tax_codes: frozenset[str] = frozenset()
    slots: frozenset[tuple[str, datetime, int]] = frozenset()


@dataclass(slots=True)
class DemoYear:
    """A year's rows. ``call``, ``request``, ``booking`` and ``citizen`` name the row that one belongs to.

    ``queue_lines`` and ``leg_lines`` are lines as Asterisk writes them, in the order of its files.
    """

    year: int
    citizens: list[Row] = field(default_factory=list)
    phone_numbers: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    call_events: list[Row] = field(default_factory=list)
    queue_lines: list[str] = field(default_factory=list)
    leg_lines: list[str] = field(default_factory=list)
    requests: list[Row] = field(default_factory=list)
    periods: list[Row] = field(default_factory=list)
    lost_calls: list[Row] = field(default_factory=list)
    call_backs: list[Row] = field(default_factory=list)
    survey_answers: list[Row] = field(default_factory=list)
    bookings: list[Row] = field(default_factory=list)
    booking_changes: list[Row] = field(default_factory=list)
    slot_places: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    visits: list[Row] = field(default_factory=list)


def mark(year: int | None = None) -> str:
    """What all keys of a demo year begin with (of any year)."""
    return "demo-year-" if year is None else f"demo-year-{year}-"
