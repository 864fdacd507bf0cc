"""The yearly report: the demo year in words, and an empty system that says what is missing."""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from desk import db
from desk.cli import main
from desk.db import Sessions, reading
from desk.demo.loading import load_year, town_facts
from desk.demo.year import make_year
from desk.settings import ROME
from reports.calls import HeatMap
from reports.citizen_figures import latest_inhabitants
from reports.periods import Period
from reports.rollups import rebuild
from reports.year import YearFigures, YearToCome, year_figures
from reports.year_document import _peaks, as_html, as_pdf

TOWN = "Comune di Prova"
SPRING = datetime(2026, 3, 15, 20, tzinfo=ROME)


class _Page(HTMLParser):
    """Text, headings, and whatever a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.headings: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.loaded += [
            value or ""
            for name, value in attrs
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#")
        ]
        if tag == "script" or any(name.startswith("on") for name, _ in attrs):
            self.loaded.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass


def page(html: str) -> _Page:
    read = _Page()
    read.feed(html)
    return read


def words(html: str) -> str:
    return re.sub(r"\s+", " ", " ".join(page(html).text))


@pytest.fixture(scope="module")
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    file = tmp_path_factory.mktemp("year") / "centralino.sqlite"
    shutil.copy(request.getfixturevalue("_town_file"), file)
    engine = db.connect(f"sqlite:///{file}")
    sessions = db.sessions(engine)
    with reading(sessions) as session:
        facts = town_facts(session, "+390200000100")
    load_year(sessions, make_year(2026, facts, seed=1, until=SPRING))
    rebuild(sessions, now=SPRING, period=Period(date(2026, 1, 1), date(2026, 3, 15)))
    yield sessions
    engine.dispose()


@pytest.fixture(scope="module")
def figures(demo: Sessions) -> YearFigures:
    with reading(demo) as session:
        return year_figures(session, 2026, now=SPRING)


def test_the_sections_of_the_towns_report(figures: YearFigures) -> None:
    html = as_html(figures, town=TOWN, people=(date(2025, 12, 31), 12_000))
    read = page(html)
    assert [heading.partition(". ")[2] or heading for heading in read.headings] == [
        "Relazione sull'attività dello sportello 2026",
        "Indice",
        "In sintesi",
        "Servizi allo sportello",
        "Servizi on line e telefonici",
        "Rilevazione del flusso di utenza",
        "Risultati ottenuti",
        "Definizioni e fonti",
    ]
    assert read.loaded == []
    assert html.count("<svg") == html.count("<figcaption") == html.count('role="img"') == 7
    # Bars are named and numbered in the picture itself.
    drawn = words("".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL)))
    for name in (
        "Servizi anagrafici ed elettorali",
        "Certificati",
        "gen",
        "mar",
        "9:00",
        "Passate agli operatori",
    ):
        assert name in drawn, name
    assert len(re.findall(r"\bid=\"chart-", html)) == len(set(re.findall(r"\bid=\"chart-[^\"]*", html)))


def test_figures_become_sentences(figures: YearFigures) -> None:
    told = words(as_html(figures, town=TOWN, people=(date(2025, 12, 31), 12_000)))
    assert "Dati di dimostrazione." in told
    assert "dati dal 1º gennaio 2026 al 15 marzo 2026" in told
    assert figures.visits_a_week is not None
    assert f"circa {round(figures.visits_a_week)} cittadini in media alla settimana" in told
    registry = max(figures.flow, key=lambda one: one.visits)
    assert registry.share is not None
    assert f"il {registry.share * 100:.1f} %: servizi anagrafici ed elettorali;".replace(".", ",", 1) in told
    assert figures.calls_a_day is not None
    assert f"circa {round(figures.calls_a_day)} telefonate per giorno di apertura" in told
    assert "si concentra dalle 9:00 alle 11:30 (lunedì, martedì, mercoledì, giovedì e venerdì)" in told
    assert "dalle 16:30 alle 19:00 (lunedì e mercoledì)" in told
    latest = figures.registered[-1]
    assert f"sono {latest.total}" in told
    assert "12.000 abitanti al 31 dicembre 2025" in told
    assert "lunedì: 09:00–12:45 e 16:00–19:45" in told
    assert "Dato mancante" not in told
    # Each figure that is told has its meaning and its source.
    assert told.count("Fonte:") > 30


def test_figures_add_up(figures: YearFigures) -> None:
    assert sum(figures.visits_by_month.values()) == figures.visits
    assert sum(one.calls for one in figures.calls_by_month.values()) == figures.calls.calls
    assert sum(one.share or 0 for one in figures.flow) == pytest.approx(1)
    assert figures.visits_a_week == pytest.approx(400, rel=0.12)
    assert figures.calls_a_day == pytest.approx(30, rel=0.12)
    assert not figures.is_over
    assert not figures.quality.days_not_counted


def test_what_is_missing_is_said_to_be_missing(sessions: Sessions, now: datetime) -> None:
    with reading(sessions) as session:
        empty = year_figures(session, 2025, now=now)
        assert latest_inhabitants(session, date(2025, 12, 31)) is None
    html = as_html(empty, town=TOWN, people=None)
    told = words(html)
    assert told.count("Dato mancante.") >= 9
    for what in (
        "L'elenco dei servizi allo sportello non è nel sistema.",
        "L'orario di apertura non è nel sistema.",
        "Nessun appuntamento registrato",
        "Nessuna richiesta registrata",
        "Nessuna chiamata al risponditore registrata",
        "Nessun messaggio SMS registrato",
        "Nessun cittadino registrato.",
        "non sono state registrate visite allo sportello",
        "non sono state contate chiamate",
        "Non ci sono dati da cui trarre risultati.",
    ):
        assert what in told, what
    # Nothing is made up: neither a nought nor a percentage stands for what is not known.
    summary = html[html.index("<tbody>") : html.index("</tbody>")]
    assert set(re.findall(r'<td class="number">(.*?)</td>', summary)) == {"–"}
    assert "dimostrazione" not in told
    assert "Anno 2025, dal 1º gennaio 2025 al 31 dicembre 2025" in told


def test_the_pdf_is_tagged_and_loads_nothing(figures: YearFigures) -> None:
    pdf = as_pdf(figures, town=TOWN, people=None)
    assert pdf.startswith(b"%PDF-1.")
    content = pdf + b"".join(
        zlib.decompress(stream)
        for stream in re.findall(rb"/FlateDecode.*?>>\nstream\n(.*?)\nendstream", pdf, re.DOTALL)
    )
    assert b"/MarkInfo" in content
    assert b"pdfuaid" in content
    assert len(re.findall(rb"/Type ?/Page\b", content)) >= 4


def test_peaks_by_hand() -> None:
    days = dict.fromkeys(range(7), 10)
    calm = {(0, half): 10 for half in range(18, 26)}
    busy = {(0, half): 100 for half in range(20, 23)}
    busy |= {(weekday, half): 100 for weekday in (2, 4) for half in range(20, 24)}
    assert _peaks(HeatMap(days, {**calm, **busy})) == "dalle 10:00 alle 12:00 (lunedì, mercoledì e venerdì)"
    assert _peaks(HeatMap(days, {})) == ""


def test_a_year_to_come(sessions: Sessions, now: datetime) -> None:
    with reading(sessions) as session, pytest.raises(YearToCome):
        year_figures(session, 2027, now=now)


def test_the_command(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(request.getfixturevalue("_town_file"), tmp_path / "centralino.sqlite")
    monkeypatch.setenv("CENTRALINO_HOME", str(tmp_path))
    run = CliRunner()
    made = run.invoke(main, ["report", "year", "2026", "--output", str(tmp_path / "out"), "--town", TOWN])
    assert made.exit_code == 0, made.output
    assert TOWN in (tmp_path / "out" / "relazione-2026.html").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "relazione-2026.pdf").read_bytes().startswith(b"%PDF")
    assert run.invoke(main, ["report", "year", "2999"]).exit_code == 1
