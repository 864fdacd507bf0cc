"""What pages of figures are made of: tables with a chart, values by the names that people know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.texts import Language, Texts
from desk.models import DirectLine, Office, Phone
from reports.definitions import Unit, definitions
from reports.exports import in_words
from reports.figures import Asked, Column, Table, Value, table
from reports.questions import Question

Row: TypeAlias = Sequence[Value]
#: The address behind a value of a row, if there is one.
Link: TypeAlias = Callable[[Row, str], str | None]

#: Groups of texts that name what is kept as a code, by column.
_GROUPS: Mapping[str, str] = {
    "kind": "kind",
    "channel": "channel",
    "state": "state",
    "language": "language",
    "purpose": "consent_for",
    "template": "message_name",
    "node": "node",
    "origin": "node",
    "target": "node",
    "tier": "tier",
    "text_kind": "text_kind",
    "end": "call_end",
}


def no_link(_row: Row, _column: str) -> str | None:
    """Nothing lies behind the values."""
    return None


@dataclass(frozen=True, slots=True)
class Names:
    """How codes of the town are called."""

    texts: Texts
    language: Language
    phones: Mapping[str, str]
    offices: Mapping[str, str]
    #: The office of a line of its own.
    lines: Mapping[str, str]

    @classmethod
    def read(cls, session: Session, texts: Texts, language: Language) -> Names:
        """Those of today."""
        english = language is Language.ENGLISH
        return cls(
            texts,
            language,
            {phone.extension: phone.label for phone in session.scalars(select(Phone))},
            {
                office.code: office.name_en if english else office.name_it
                for office in session.scalars(select(Office))
            },
            {line.e164: line.office for line in session.scalars(select(DirectLine))},
        )

    def of(self, column: str, value: Value) -> Value:
        """What a value of that column is called; the value itself if it is no code."""
        if not isinstance(value, str):
            return value
        if column in _GROUPS:
            return self.texts.label(self.language, _GROUPS[column], value)
        if column == "operator" and value in self.phones:
            return f"{value} · {self.phones[value]}"
        if column == "office":
            return self.offices.get(value, value)
        if column == "line" and value in self.lines:
            return f"{value} · {self.offices.get(self.lines[value], self.lines[value])}"
        return value

    def named(self, made: Table) -> Table:
        """The table with names in place of codes."""
        rows = tuple(
            tuple(self.of(column.name, value) for column, value in zip(made.columns, row, strict=True))
            for row in made.rows
        )
        return replace(made, rows=rows)


@dataclass(frozen=True, slots=True)
class Asking:
    """All that the making of a page needs."""

    session: Session
    question: Question
    #: The arguments of the address, for what is no part of every question.
    said: Mapping[str, str]
    now: datetime
    language: Language
    names: Names
    say: Callable[..., str]

    def table(self, name: str, by: str = "") -> Table:
        """A table of :data:`reports.figures.TABLES`, as it was asked for."""
        question = self.question
        asked = Asked(
            question.period,
            by,
            question.where,
            question.limits,
            self.language.value,
            question.kind,
            question.channel,
        )
        return table(self.session, name, asked, now=self.now)

    def words(self, unit: Unit, value: Value) -> str:
        """A value as people read it."""
        return in_words(unit, value, self.language.value)

    def name(self, figure: str) -> str:
        """The name of a figure."""
        return definitions()[figure].name(self.language.value)


@dataclass(frozen=True, slots=True)
class Piece:
    """A table on a page, with the chart that shows the same."""

    table: Table
    #: An ``<svg>``.
    chart: str = ""
    link: Link = no_link
    #: One row of figures is told as a list, not as a table.
    as_facts: bool = False
    #: A sentence below the heading.
    note: str = ""
    #: A long table that the chart mostly stands for: it is unfolded by who wants it.
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown."""

    text: str
    number: bool
    link: str | None


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a figure, and what it means."""

    name: str
    text: str
    meaning: str
    number: bool


def heading_of(figure: str, language: Language) -> Heading:
    """How a figure is introduced."""
    known = definitions()[figure]
    meaning = known.definition(language.value)
    if known.formula:
        meaning = f"{meaning} ({known.formula})"
    return Heading(figure, known.name(language.value), meaning, known.unit not in _LEFT)


def cells_of(piece: Piece, names: Names) -> Sequence[tuple[Sequence[Cell], Row]]:
    """The rows of a table as they are shown."""
    shown = []
    for plain in piece.table.rows:
        cells = [
            Cell(
                in_words(column.unit, names.of(column.name, value), names.language.value),
                column.unit not in _LEFT,
                piece.link(plain, column.name),
            )
            for column, value in zip(piece.table.columns, plain, strict=True)
        ]
        shown.append((cells, plain))
    return shown


#: What is written from the left.
_LEFT = (Unit.TEXT, Unit.WEEKDAY, Unit.MONTH, Unit.DATE, Unit.MOMENT, Unit.HOUR, Unit.HALF)


def only(made: Table, columns: Sequence[str], names: tuple[str, str] | None = None) -> Table:
    """Some columns of a table, in the order of ``columns``."""
    places = [[column.name for column in made.columns].index(name) for name in columns]
    return replace(
        made,
        columns=tuple(Column(name) for name in columns),
        rows=tuple(tuple(row[place] for place in places) for row in made.rows),
        names=names or made.names,
    )


def column_of(made: Table, name: str) -> list[Any]:
    """All values of a column."""
    place = [column.name for column in made.columns].index(name)
    return [row[place] for row in made.rows]
