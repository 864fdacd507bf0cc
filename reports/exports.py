"""Tables of figures as files: CSV, XLSX with typed cells, JSON, PDF; and their values in words.

CSV and JSON are for programs: plain numbers, seconds, shares from 0 to 1, ISO dates, nothing for nothing.
XLSX cells are numbers with a format. What people read is written the Italian or the English way.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from desk.settings import ROME
from prompts.speaking import english, italian
from reports.definitions import Definition, Unit, definitions
from reports.figures import Column, Table, Value
from reports.periods import Period

#: The types of the files, by how their names end.
MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
#: What is shown where there is nothing to count.
NOTHING = "–"
#: Columns that fit on a page held upright.
_MOST_UPRIGHT = 8
WEEKDAYS = {"it": italian.WEEKDAYS, "en": english.WEEKDAYS}
MONTHS = {"it": italian.MONTHS, "en": english.MONTHS}


def in_words(unit: Unit, value: Value, language: str = "it") -> str:
    """A value as people read it."""
    if value is None:
        return NOTHING
    if unit is Unit.SECONDS and isinstance(value, int | float):
        return _duration(round(value))
    if unit is Unit.SHARE and isinstance(value, int | float):
        return f"{_number(value * 100, 1, language)} %"
    if unit is Unit.NUMBER and isinstance(value, int | float):
        return _number(value, 1, language)
    if unit is Unit.COUNT and isinstance(value, int | float):
        return _number(value, 0, language)
    if unit is Unit.WEEKDAY and isinstance(value, int):
        return WEEKDAYS[language][value]
    if unit is Unit.HOUR and isinstance(value, int):
        return f"{value:02}:00"
    if unit is Unit.HALF and isinstance(value, int):
        return f"{value // 2:02}:{value % 2 * 30:02}"
    if isinstance(value, datetime):
        # The offset tells the two hours apart that the clock shows twice.
        return f"{value.astimezone(ROME):%d/%m/%Y %H:%M %z}"
    if isinstance(value, date):
        if unit is Unit.MONTH:
            return f"{MONTHS[language][value.month - 1]} {value.year}"
        return f"{value:%d/%m/%Y}"
    return str(value)


def from_to(period: Period) -> str:
    """First and last day."""
    return f"{period.first:%d/%m/%Y} – {period.last:%d/%m/%Y}"


def title(table: Table, language: str = "it") -> str:
    """The table's name and its period."""
    return f"{table.title(language)}, {from_to(table.period)}"


def as_csv(table: Table) -> str:
    """Comma-separated, with a line of the columns' own names; lines end as RFC 4180 wants."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(column.name for column in table.columns)
    writer.writerows([_plain(value) for value in row] for row in table.rows)
    return written.getvalue()


def as_json(table: Table) -> str:
    """The table with the units of its columns."""
    return json.dumps(as_data(table), ensure_ascii=False, indent=2)


def as_data(table: Table) -> dict[str, Any]:
    """The table as values that JSON has."""
    return {
        "table": table.name,
        "from": table.period.first.isoformat(),
        "to": table.period.last.isoformat(),
        "columns": [{"name": column.name, "unit": column.unit.value} for column in table.columns],
        "rows": [
            {column.name: _plain(value) for column, value in zip(table.columns, row, strict=True)}
            for row in table.rows
        ],
    }


def as_xlsx(table: Table, language: str = "it") -> bytes:
    """A workbook: the figures with typed and formatted cells, and a sheet that says what they mean."""
    return as_book([table], title(table, language), language)


def as_book(tables: Sequence[Table], name: str, language: str = "it") -> bytes:
    """A workbook with a sheet for each table, and one that says what the figures mean."""
    import xlsxwriter

    written = io.BytesIO()
    # In memory: nothing is left behind when something fails. Texts are no formulas, no links.
    book = xlsxwriter.Workbook(
        written, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    formats = {unit: book.add_format({"num_format": shown}) for unit, shown in _CELLS.items()}
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for table in tables:
        sheet = book.add_worksheet(table.title(language)[:31].replace("/", "-"))
        for place, column in enumerate(table.columns):
            sheet.write_string(0, place, column.heading(language), head)
            sheet.set_column(place, place, 14, formats.get(column.unit))
        for number, row in enumerate(table.rows, 1):
            for place, (column, value) in enumerate(zip(table.columns, row, strict=True)):
                cell = _cell(column, value, language)
                if cell is not None:
                    sheet.write(number, place, cell, formats.get(column.unit))
        sheet.freeze_panes(1, 1)
        if table.rows:
            sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
    meanings = book.add_worksheet("Definitions" if language == "en" else "Definizioni")
    meanings.set_column(0, 0, 28)
    meanings.set_column(1, 3, 60, wrapped)
    for number, known in enumerate(_defined(tables)):
        meanings.write_row(
            number, 0, (known.name(language), known.definition(language), known.formula, known.source)
        )
    book.set_properties({"title": name, "author": "Centralino"})
    book.close()
    return written.getvalue()


def _defined(tables: Iterable[Table]) -> list[Definition]:
    """The definitions of all columns, each once."""
    names = dict.fromkeys(column.name for table in tables for column in table.columns)
    return [definitions()[name] for name in names]


def as_html(table: Table, language: str = "it") -> str:
    """The table as an HTML table with headings for its columns and rows, and no page around it."""
    head = "".join(
        f'<th scope="col">{html.escape(column.heading(language))}</th>' for column in table.columns
    )
    rows = []
    for row in table.rows:
        cells = [
            (in_words(column.unit, value, language), column.unit)
            for column, value in zip(table.columns, row, strict=True)
        ]
        first, *rest = cells
        line = f'<th scope="row">{html.escape(first[0])}</th>'
        line += "".join(
            f"<td{'' if unit is Unit.TEXT else _RIGHT}>{html.escape(text)}</td>" for text, unit in rest
        )
        rows.append(f"<tr>{line}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def as_pdf(table: Table, language: str = "it") -> bytes:
    """The table on A4 pages, tagged (PDF/UA) so that a screen reader can read it."""
    body = f"<h1>{html.escape(title(table, language))}</h1>{as_html(table, language)}"
    return _pdf([table], body, title(table, language), language, wide=len(table.columns) > _MOST_UPRIGHT)


def as_document(tables: Sequence[Table], name: str, language: str = "it") -> bytes:
    """Several tables, one after the other, as one such document; a table of one row is told line by line."""
    body, wide = f"<h1>{html.escape(name)}</h1>", False
    for table in tables:
        body += f"<h2>{html.escape(table.title(language))}</h2>"
        if not table.rows:
            body += f"<p>{NOTHING}</p>"
        elif len(table.rows) == 1:
            body += _by_line(table, language)
        else:
            body += as_html(table, language)
            wide = wide or len(table.columns) > _MOST_UPRIGHT
    return _pdf(tables, body, name, language, wide=wide)


def _pdf(tables: Sequence[Table], body: str, name: str, language: str, *, wide: bool) -> bytes:
    from reports.pdf import pdf_of

    meanings = "".join(
        f"<dt>{html.escape(known.name(language))}</dt><dd>{html.escape(known.definition(language))}</dd>"
        for known in _defined(tables)
        if known.source
    )
    heading = "What the figures mean" if language == "en" else "Che cosa significano le cifre"
    if meanings:
        body += f"<h2>{heading}</h2><dl>{meanings}</dl>"
    return pdf_of(body, title=name, language=language, wide=wide, style="dl { columns: 2; column-gap: 16pt }")


def _by_line(table: Table, language: str) -> str:
    """A table of one row, with a line for each of its figures."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(column.heading(language))}</th>'
        f"<td{_RIGHT}>{html.escape(in_words(column.unit, value, language))}</td></tr>"
        for column, value in zip(table.columns, table.rows[0], strict=True)
    )
    return f"<table><tbody>{lines}</tbody></table>"


_RIGHT = ' class="number"'
#: Formats of cells. Durations are parts of a day in a workbook.
_CELLS = {
    Unit.COUNT: "#,##0",
    Unit.NUMBER: "#,##0.0",
    Unit.SECONDS: "[h]:mm:ss",
    Unit.SHARE: "0.0%",
    Unit.DATE: "dd/mm/yyyy",
    Unit.MONTH: "mm/yyyy",
    Unit.MOMENT: "dd/mm/yyyy hh:mm",
}


def _cell(column: Column, value: Value, language: str) -> Value:
    if column.unit is Unit.SECONDS and isinstance(value, int | float):
        return value / 86400
    if column.unit is Unit.MOMENT and isinstance(value, datetime):
        # Workbooks have no time zones.
        return value.astimezone(ROME).replace(tzinfo=None)
    if column.unit in (Unit.WEEKDAY, Unit.HOUR, Unit.HALF):
        return in_words(column.unit, value, language)
    return value


def _plain(value: Value) -> int | float | str | None:
    if isinstance(value, datetime):
        return value.astimezone(ROME).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _number(value: float, places: int, language: str) -> str:
    text = f"{value:,.{places}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
