"""Tables as files: what is in them is what the figures are, with types and formats."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from desk.cli import main
from desk.db import connect, sessions, transaction
from reports.definitions import Unit
from reports.exports import as_csv, as_json, as_pdf, as_xlsx, in_words, title
from reports.figures import Column, Table
from reports.periods import Period
from reports.rollups import refresh
from tests.reports.tables import TOWN, at, keep_calls, keep_queue, queue_lines

DAY = date(2026, 11, 23)
TABLE = Table(
    "calls",
    Period(DAY, DAY),
    (Column("office"), Column("offered"), Column("service_level"), Column("asa"), Column("mean_days")),
    (
        ('=1+1,"<b>"', 1234, 0.845, 83.4, 2.5),
        ("Ufficio tecnico", 0, None, None, None),
    ),
)


def test_csv() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(TABLE), newline="")))
    assert rows == [
        ["office", "offered", "service_level", "asa", "mean_days"],
        ['=1+1,"<b>"', "1234", "0.845", "83.4", "2.5"],
        ["Ufficio tecnico", "0", "", "", ""],
    ]


def test_json() -> None:
    data = json.loads(as_json(TABLE))
    assert (data["table"], data["from"], data["to"]) == ("calls", "2026-11-23", "2026-11-23")
    assert data["columns"][2] == {"name": "service_level", "unit": "share"}
    assert data["rows"][1] == {
        "office": "Ufficio tecnico",
        "offered": 0,
        "service_level": None,
        "asa": None,
        "mean_days": None,
    }


def test_a_workbook_has_typed_cells() -> None:
    book = load_workbook(io.BytesIO(as_xlsx(TABLE)))
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[1]] == [
        "Ufficio",
        "Chiamate offerte",
        "Livello di servizio",
        "Attesa media",
        "Giorni in media",
    ]
    office, offered, level, asa, days = sheet[2]
    # A text that looks like a formula stays a text.
    assert (office.value, office.data_type) == ('=1+1,"<b>"', "s")
    assert (offered.value, offered.number_format) == (1234, "#,##0")
    assert (level.value, level.number_format) == (0.845, "0.0%")
    assert asa.number_format == "[h]:mm:ss"
    assert asa.value == timedelta(seconds=83, microseconds=400_000)
    assert (days.value, days.number_format) == (2.5, "#,##0.0")
    assert [cell.value for cell in sheet[3]] == ["Ufficio tecnico", 0, None, None, None]
    meaning = [cell.value for cell in book["Definizioni"][3]]
    assert meaning[0] == "Livello di servizio"
    assert meaning[3] == "queue_stays (queue_log)"


def test_moments_in_a_workbook_are_romes() -> None:
    table = Table(
        "calls",
        Period(DAY, DAY),
        (Column("timeline"), Column("day"), Column("weekday")),
        ((at(DAY, "10:00:00"), DAY, 0),),
    )
    first, second, third = load_workbook(io.BytesIO(as_xlsx(table, "en"))).worksheets[0][2]
    assert first.value == datetime(2026, 11, 23, 10)  # noqa: DTZ001  workbooks know no zones
    assert second.value == datetime.combine(DAY, time())
    assert third.value == "Monday"


def inside(pdf: bytes) -> bytes:
    """What a PDF says in its compressed parts."""
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    found = []
    for part in parts:
        try:
            # A last byte that looks like the end of a line is cut off above: what is before it is enough.
            found.append(zlib.decompressobj().decompress(part))
        except zlib.error:
            found.append(part)
    return b"\n".join(found)


def test_a_pdf_is_tagged() -> None:
    data = as_pdf(TABLE)
    assert data.startswith(b"%PDF-")
    text = inside(data)
    assert b"/StructTreeRoot" in text
    assert b"/Marked true" in text
    assert b"<pdfuaid:part>1</pdfuaid:part>" in text.replace(
        b'pdfuaid:part="1"', b"<pdfuaid:part>1</pdfuaid:part>"
    )
    # The heading cells of columns and rows are told to be such.
    assert text.count(b"/S /TH") + text.count(b"/S/TH") >= len(TABLE.columns) + len(TABLE.rows)


@pytest.mark.parametrize(
    ("unit", "value", "italian", "english"),
    [
        (Unit.COUNT, 1234567, "1.234.567", "1,234,567"),
        (Unit.SHARE, 0.8456, "84,6 %", "84.6 %"),
        (Unit.SECONDS, 59.6, "1:00", "1:00"),
        (Unit.SECONDS, 3725, "1:02:05", "1:02:05"),
        (Unit.NUMBER, 2.25, "2,2", "2.2"),
        (Unit.WEEKDAY, 6, "domenica", "Sunday"),
        (Unit.HALF, 19, "09:30", "09:30"),
        (Unit.HOUR, 9, "09:00", "09:00"),
        (Unit.MONTH, date(2026, 1, 1), "gennaio 2026", "January 2026"),
        (Unit.DATE, date(2026, 1, 31), "31/01/2026", "31/01/2026"),
        (
            Unit.MOMENT,
            datetime(2026, 10, 25, 0, tzinfo=UTC),
            "25/10/2026 02:00 +0200",
            "25/10/2026 02:00 +0200",
        ),
        (
            Unit.MOMENT,
            datetime(2026, 10, 25, 1, tzinfo=UTC),
            "25/10/2026 02:00 +0100",
            "25/10/2026 02:00 +0100",
        ),
        (Unit.SHARE, None, "–", "–"),
        (Unit.COUNT, 0, "0", "0"),
        (Unit.TEXT, "x", "x", "x"),
    ],
)
def test_values_in_words(unit: Unit, value: object, italian: str, english: str) -> None:
    assert in_words(unit, value) == italian  # type: ignore[arg-type]
    assert in_words(unit, value, "en") == english  # type: ignore[arg-type]


def test_a_title_names_the_period() -> None:
    assert title(TABLE) == "Chiamate, 23/11/2026 – 23/11/2026"


@pytest.fixture
def filled(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home with a day of two calls, which the command reads."""
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    now = at(DAY, "23:00:00")
    engine = connect(sqlite_url)
    database = sessions(engine)
    with transaction(database) as session:
        keep_calls(
            session,
            DAY,
            f"""
            1.0 | 09:00:00 | 09:02:00 | {TOWN} | - | it | operator | person
            2.0 | 09:10:00 | 09:12:00 | {TOWN} | - | en | operator | person
            """,
        )
        keep_queue(
            session,
            queue_lines(
                DAY,
                """
                09:00:00 | 1.0 | desk | NONE | ENTERQUEUE | | | 1
                09:00:30 | 1.0 | desk | 201 | CONNECT | 30 | 1.1 | 8
                09:02:00 | 1.0 | desk | 201 | COMPLETECALLER | 30 | 90 | 1
                09:10:00 | 2.0 | desk | NONE | ENTERQUEUE | | | 1
                09:10:40 | 2.0 | desk | NONE | ABANDON | 1 | 1 | 40
                """,
            ),
            now,
        )
    refresh(database, now=now)
    engine.dispose()
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["report", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_in_the_terminal(filled: Path) -> None:
    period = ("--from", "2026-11-23", "--to", "2026-11-23")
    text = run("calls", *period)
    assert "Chiamate offerte" in text
    assert "0,0 %" in text
    assert run("calls", *period, "--within", "30", "--lang", "en").count("50.0 %") >= 1
    rows = list(csv.DictReader(io.StringIO(run("calls", *period, "--by", "language", "--format", "csv"))))
    assert [(row["language"], row["answered"], row["asa"]) for row in rows] == [
        ("en", "0", ""),
        ("it", "1", "30.0"),
    ]
    data = json.loads(run("levels", *period, "--format", "json", "--language", "it"))
    assert data["rows"][0]["offered"] == 1
    file = filled / "table.xlsx"
    run("calls", *period, "--by", "hour", "--format", "xlsx", "-o", str(file))
    assert load_workbook(file).worksheets[0].max_row == 25
    assert "1 days made again" in run("rebuild", *period)
    assert run("calls", *period) == text
    assert "Attesa media" in run("explain", "asa")
    assert "queue_stays" in run("explain", "asa", "--lang", "en")


@pytest.mark.parametrize(
    "arguments",
    [
        ("calls", "--from", "yesterday"),
        ("calls", "--from", "2026-11-24", "--to", "2026-11-23"),
        ("calls", "--by", "nonsense"),
        ("explain", "nonsense"),
    ],
)
def test_what_makes_no_sense_is_refused(filled: Path, arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, ["report", *arguments])
    assert done.exit_code != 0
    assert "Traceback" not in done.output


def test_nothing_is_asked_of_the_network() -> None:
    """A picture from outside is not loaded: reports are made on a machine without a way out."""
    from reports.pdf import pdf_of

    assert pdf_of('<img src="http://192.0.2.1/x.png" alt="x">', title="x", language="it").startswith(b"%PDF-")
