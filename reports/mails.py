"""Reports by mail: the main figures beside those of the period before, and the tables as a file.

What :mod:`desk.scheduled_reports` has put into the outbox is reckoned here when it is sent, with no session
held while a file is made or the mail server is waited for.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from desk import outbox
from desk.db import Sessions, reading
from desk.mail.outbox import PATIENCE
from desk.mail.senders import Attached, Mail, Mailer
from desk.models import Every, MessageState, Operator, ReportForm, ReportMail, ScheduledReport
from desk.outbox import Undelivered
from desk.scheduled_reports import may_get
from reports.calls import By, total
from reports.counter_figures import visits_in
from reports.definitions import definitions
from reports.exports import MEDIA_TYPES, as_book, as_document, from_to, in_words
from reports.figures import TABLES, Asked, Table, Value, table
from reports.periods import Period
from reports.request_figures import RequestsBy, request_figures

#: Tables that can be sent; the others are pictures more than tables.
SENT = tuple(name for name in TABLES if name not in ("heat", "paths"))
#: Those that a new report begins with.
USUAL = ("calls", "levels", "lost", "requests", "flow")

#: The figures that stand in the mail itself.
_CALLS = (
    "calls",
    "offered",
    "answered",
    "answered_share",
    "service_level",
    "asa",
    "long_abandons",
    "aht",
    "self_service_share",
)
_REQUESTS = ("filed", "done", "in_time_share")


@dataclass(frozen=True, slots=True)
class _Words:
    """The sentences around the figures."""

    subject: str
    figure: str
    now: str
    before: str
    file: str
    stop: str
    automatic: str


_IT = _Words(
    "Sportello telefonico",
    "Cifra",
    "Periodo",
    "Prima",
    "Tutte le tabelle sono nel file allegato. Che cosa significa ogni cifra è scritto in fondo al file.",
    "Per non ricevere più questo messaggio:",
    "Messaggio automatico: non rispondere.",
)
_EN = _Words(
    "Telephone desk",
    "Figure",
    "Period",
    "Before",
    "All tables are in the attached file. What each figure means stands at its end.",
    "To get this message no more:",
    "Automatic message: do not reply.",
)


@dataclass(frozen=True, slots=True)
class _Letter:
    """What has to be known of a mail for making it."""

    id: str
    to: str
    number: int
    every: Every
    tables: Sequence[str]
    language: str
    form: ReportForm
    period: Period


def send_mails(sessions: Sessions, mailer: Mailer, stop_page: Callable[[int], str], *, now: datetime) -> int:
    """Send the reports that wait; returns how many went out.

    Args:
        sessions: of the database.
        mailer: the way out.
        stop_page: the address that ends the report with a number.
        now: aware.
    """

    def send(letter: _Letter) -> Mapping[str, object]:
        mailer.send(_mail(sessions, letter, stop_page(letter.number), now))
        return {}

    return outbox.send_waiting(sessions, ReportMail, _read, send, PATIENCE, now=now)


def _read(session: Session, row: ReportMail) -> _Letter | None:
    """The letter; ``None`` if it may not go out any more, which the row then says."""
    report = session.get_one(ScheduledReport, row.scheduled_report_id)
    if report.ended_at is not None:
        row.state, row.failure = MessageState.STOPPED, "ended"
        return None
    if not may_get(session.get_one(Operator, report.operator_id)):
        row.state, row.failure = MessageState.FAILED, "not allowed"
        return None
    return _Letter(
        row.id,
        report.to_address,
        report.id,
        report.every,
        report.tables,
        report.language,
        report.form,
        Period(row.first, row.last),
    )


def _mail(sessions: Sessions, letter: _Letter, stop: str, now: datetime) -> Mail:
    with reading(sessions) as session:
        rows = main_figures(session, letter.period, now=now)
        # A table that a newer version lacks is left out: the rest is still wanted.
        tables = [
            table(
                session, name, Asked(letter.period, by=_by(name, letter), language=letter.language), now=now
            )
            for name in letter.tables
            if name in TABLES
        ]
    words = _EN if letter.language == "en" else _IT
    name = f"{words.subject}, {_days(letter.period)}"
    try:
        content = _file(tables, name, letter)
    except Exception as e:
        # Not the fault of the mail server, and no reason to try for days in silence: it is said at once.
        raise Undelivered(f"file not made: {type(e).__name__}", final=True) from e
    return Mail(
        id=letter.id,
        to=letter.to,
        subject=name,
        body=_text(rows, words, letter, stop),
        html=_page(rows, words, letter, stop, name),
        attached=(
            Attached(
                f"centralino-{letter.period.first}-{letter.period.last}.{letter.form}",
                MEDIA_TYPES[letter.form],
                content,
            ),
        ),
        unsubscribe=stop,
    )


def _file(tables: Sequence[Table], name: str, letter: _Letter) -> bytes:
    make = as_document if letter.form is ReportForm.PDF else as_book
    return make(tables, name, letter.language)


def _by(name: str, letter: _Letter) -> str:
    """What a table is told apart by: on paper what fits on it."""
    steps = By.HOUR if letter.every is Every.DAY else By.DAY
    if name == "levels" or (name == "calls" and letter.form is ReportForm.XLSX):
        return steps
    return ""


def main_figures(session: Session, period: Period, *, now: datetime) -> Sequence[tuple[str, Value, Value]]:
    """Name of a figure, its value in ``period`` and in the one before."""
    spans = (period, period.before())
    calls = [total(session, span) for span in spans]
    requests = [request_figures(session, span, now=now, by=RequestsBy.TOTAL)[0][1] for span in spans]
    visits = [visits_in(session, span) for span in spans]
    return [
        *((name, getattr(calls[0], name), getattr(calls[1], name)) for name in _CALLS),
        *((name, getattr(requests[0], name), getattr(requests[1], name)) for name in _REQUESTS),
        ("visits", visits[0], visits[1]),
    ]


def _shown(row: tuple[str, Value, Value], language: str) -> tuple[str, str, str]:
    name, value, before = row
    known = definitions()[name]
    return known.name(language), in_words(known.unit, value, language), in_words(known.unit, before, language)


def _days(period: Period) -> str:
    if len(period) == 1:
        return f"{period.first:%d/%m/%Y}"
    return from_to(period)


def _text(rows: Sequence[tuple[str, Value, Value]], words: _Words, letter: _Letter, stop: str) -> str:
    shown = [(words.figure, words.now, words.before), *(_shown(row, letter.language) for row in rows)]
    widths = [max(len(row[place]) for row in shown) for place in range(3)]
    lines = [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {before:>{widths[2]}}".rstrip()
        for name, value, before in shown
    ]
    return "\n".join(
        [
            f"{words.subject}, {_days(letter.period)}",
            f"{words.before}: {_days(letter.period.before())}",
            "",
            *lines,
            "",
            words.file,
            "",
            words.stop,
            stop,
            "",
            words.automatic,
            "",
        ]
    )


#: Programs for mail know no style sheets.
_CELL = 'style="padding:4px 12px;border-bottom:1px solid #5d7083;text-align:%s"'


def _page(
    rows: Sequence[tuple[str, Value, Value]], words: _Words, letter: _Letter, stop: str, name: str
) -> str:
    left, right = _CELL % "left", _CELL % "right"
    head = (
        f'<tr><th scope="col" {left}>{words.figure}</th><th scope="col" {right}>{_days(letter.period)}</th>'
        f'<th scope="col" {right}>{_days(letter.period.before())}</th></tr>'
    )
    lines = "".join(
        f'<tr><th scope="row" {left}>{html.escape(what)}</th>'
        f"<td {right}><strong>{html.escape(value)}</strong></td>"
        f"<td {right}>{html.escape(before)}</td></tr>"
        for what, value, before in (_shown(row, letter.language) for row in rows)
    )
    return (
        f'<!DOCTYPE html><html lang="{letter.language}"><head><meta charset="utf-8">'
        f"<title>{html.escape(name)}</title></head>"
        '<body style="font-family:Titillium Web,Arial,sans-serif;color:#17324d">'
        f'<h1 style="font-size:20px">{html.escape(name)}</h1>'
        f'<table style="border-collapse:collapse"><thead>{head}</thead><tbody>{lines}</tbody></table>'
        f"<p>{html.escape(words.file)}</p><p>{html.escape(words.stop)} "
        f'<a href="{html.escape(stop)}">{html.escape(stop)}</a></p><p>{html.escape(words.automatic)}</p>'
        "</body></html>"
    )
