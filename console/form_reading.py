"""Reading a form field by field: a value of its type, or a sentence that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from desk.phone_numbers import to_e164
from desk.settings import ROME

E = TypeVar("E", bound=StrEnum)

#: Says the text with that key in the visitor's language.
Say = Callable[..., str]

#: Spaces and a prefix included.
_LONGEST_NUMBER = 30
_SPAN = re.compile(r"(\d{1,2})[:.](\d{2})\s*[-–]\s*(\d{1,2})[:.](\d{2})")


class Form:
    """One form that was sent. Each reading notes under the field's name what is wrong with it.

    What is longer than can be kept is refused, never cut: nobody would notice what is missing. What a reading
    returns is of use only while :attr:`errors` is empty: a value in place of a wrong one keeps the type.
    """

    def __init__(self, fields: Mapping[str, str], say: Say) -> None:
        self.fields = fields
        self.errors: dict[str, str] = {}
        self._say = say

    def __getitem__(self, name: str) -> str:
        """What was typed, stripped; empty where nothing was. A database keeps no control characters."""
        typed = self.fields.get(name, "").replace("\r\n", "\n")
        return "".join(letter for letter in typed if letter >= " " or letter in "\n\t").strip()

    def wrong(self, name: str, key: str, **values: object) -> None:
        """Note that a field is wrong; the first reason is the one that is told."""
        self.errors.setdefault(name, self._say(key, **values))

    def text(self, name: str, longest: int, *, required: bool = True) -> str:
        """A text with its white space as single spaces."""
        return self._text(name, " ".join(self[name].split()), longest, required)

    def lines(self, name: str, longest: int, *, required: bool = True) -> str:
        """A text that may have several lines."""
        return self._text(name, self[name], longest, required)

    def code(self, name: str, longest: int = 40) -> str:
        """A code of ours: small letters, digits and ``_``, beginning with a letter."""
        typed = self.text(name, longest)
        if typed and not re.fullmatch(r"[a-z][a-z0-9_]*", typed):
            self.wrong(name, "form.not_a_code")
        return typed

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``."""
        typed = self[name]
        if not re.fullmatch(r"\d{1,9}", typed, re.ASCII) or not least <= int(typed) <= most:
            self.wrong(name, "form.not_between", least=least, most=most)
            return least
        return int(typed)

    def euro(self, name: str) -> Decimal:
        """An amount from 0, with a comma or a point."""
        typed = self[name].replace(",", ".")
        try:
            value = Decimal(typed)
        except InvalidOperation:
            value = Decimal(-1)
        if not value.is_finite() or not 0 <= value < 100_000 or value != value.quantize(Decimal("0.01")):
            self.wrong(name, "form.not_euro")
            return Decimal(0)
        return value.quantize(Decimal("0.01"))

    def day(self, name: str) -> date:
        """A date from 1900 to 2099, as the browser sends it or as it is written here (23/11/2026)."""
        typed = self[name]
        for form in ("%Y-%m-%d", "%d/%m/%Y"):
            try:
                day = datetime.strptime(typed, form).date()  # noqa: DTZ007 - a date has no zone
            except ValueError:
                continue
            if 1900 <= day.year < 2100:
                return day
        self.wrong(name, "form.not_a_day")
        return date.max

    def day_if_any(self, name: str) -> date | None:
        """The same; ``None`` where nothing was typed, or nonsense."""
        day = self.day(name) if self[name] else None
        return None if name in self.errors else day

    def number(self, name: str, *, required: bool = True) -> str | None:
        """A telephone number as it is dialled, in E.164; ``None`` where nothing, or none, was typed."""
        typed = self.text(name, _LONGEST_NUMBER, required=required)
        number = to_e164(typed) if typed else None
        if typed and number is None:
            self.wrong(name, "form.not_a_number")
        return number

    def clock(self, name: str) -> time:
        """A time of day."""
        typed = self[name].replace(".", ":")
        try:
            return time.fromisoformat(typed.zfill(5))
        except ValueError:
            self.wrong(name, "form.not_a_time")
            return time()

    def moment(self, day: str, clock: str) -> datetime:
        """A date and a time in two fields, on Rome's clock."""
        return datetime.combine(self.day(day), self.clock(clock), ROME)

    def spans(self, name: str) -> tuple[tuple[time, time], ...]:
        """Spans of a day as they are written: ``09:00-12:45, 16:00-19:45``; nothing is none."""
        found: list[tuple[time, time]] = []
        for part in re.split(r"[,;]", self.fields.get(name, "")):
            if not part.strip():
                continue
            match = _SPAN.fullmatch(part.strip())
            try:
                hours = [int(group) for group in match.groups()] if match else [99]
                begins, ends = time(hours[0], hours[1]), time(hours[2], hours[3])
            except (ValueError, IndexError):
                self.wrong(name, "form.not_spans")
                return ()
            found.append((begins, ends))
        found.sort()
        if any(begins >= ends for begins, ends in found):
            self.wrong(name, "form.span_backwards")
        if any(later[0] < earlier[1] for earlier, later in pairwise(found)):
            self.wrong(name, "form.spans_overlap")
        return tuple(found)

    def chosen(self, name: str, members: type[E]) -> E:
        """One of a closed set."""
        typed = self.fields.get(name, "")
        for member in members:
            if member.value == typed:
                return member
        self.wrong(name, "form.not_chosen")
        return next(iter(members))

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.fields.get(name) == "yes"

    def _text(self, name: str, typed: str, longest: int, required: bool) -> str:
        if required and not typed:
            self.wrong(name, "form.missing")
        if len(typed) > longest:
            self.wrong(name, "form.too_long", longest=longest)
        return typed


def written_spans(spans: list[tuple[time, time]]) -> str:
    """The spans of a day as :meth:`Form.spans` reads them."""
    return ", ".join(f"{begins:%H:%M}-{ends:%H:%M}" for begins, ends in spans)
