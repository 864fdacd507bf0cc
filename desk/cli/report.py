"""``centralino report``: any table of the managers' figures, in the terminal or as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from desk.cli.database import database_of
from desk.cli.report_staffing import staffing
from desk.cli.report_year import year
from desk.db import DatabaseGone, reading
from desk.settings import Settings
from reports.calls import Level, Limits, Where
from reports.definitions import Unit, definitions
from reports.exports import as_csv, as_json, as_pdf, as_xlsx, in_words, title
from reports.figures import TABLES, Asked, NoSuchTable, Table, TableKind, table
from reports.periods import Period, day_in_rome
from reports.rollups import made_until, rebuild

FORMATS = ("text", "csv", "json", "xlsx", "pdf")


class _Day(click.ParamType):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f'{value!r} does not look like "2026-11-23"', param, ctx)


@click.group()
def report() -> None:
    """The figures of the desk. Without a period: the last thirty days."""


def _command(name: str, kind: TableKind) -> click.Command:
    options: list[Callable[[Any], Any]] = [
        click.option("--from", "first", type=_Day(), help='First day, as "2026-11-01".'),
        click.option("--to", "last", type=_Day(), help="Last day; today without it."),
        click.option("--by", type=click.Choice(kind.by), help="What to tell apart.") if kind.by else _same,
        click.option("--line", help="Only calls to this number."),
        click.option("--office", help="Only calls to this office's own number."),
        click.option("--language", help="Only calls in this language."),
        click.option(
            "--within", default=20, show_default=True, help="Service level: answered within seconds."
        ),
        click.option("--short", default=5, show_default=True, help="Abandons before are short (seconds)."),
        click.option(
            "--level",
            type=click.Choice([level.value for level in Level]),
            default=Level.WITHOUT_SHORT.value,
            show_default=True,
            help="Which service level.",
        ),
        click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True),
        click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file."),
        click.option("--lang", type=click.Choice(["it", "en"]), default="it", help="Of headings and words."),
    ]

    def run(
        first: date | None,
        last: date | None,
        line: str | None,
        office: str | None,
        language: str | None,
        within: int,
        short: int,
        level: str,
        form: str,
        output: Path | None,
        lang: str,
        by: str | None = None,
    ) -> None:
        now = datetime.now(UTC)
        last = last or day_in_rome(now)
        try:
            asked = Asked(
                Period(first or last - timedelta(days=29), last),
                by=by or "",
                where=Where(line=line, office=office, language=language),
                limits=Limits(within, short, Level(level)),
                language=lang,
            )
            with reading(database_of(Settings())) as session:
                made = table(session, name, asked, now=now)
                made_at = made_until(session)
        except (DatabaseGone, NoSuchTable, ValueError) as e:
            raise click.ClickException(str(e)) from e
        _put(made, form, output, lang)
        if form == "text" and made_at is None:
            click.echo(
                "No sums were made yet: the worker makes them, or centralino report rebuild.", err=True
            )

    for option in reversed(options):
        run = option(run)
    return click.command(name, help=f"{kind.name_en}.")(run)


def _same(function: Any) -> Any:
    return function


for _name, _kind in TABLES.items():
    report.add_command(_command(_name, _kind))


report.add_command(staffing)
report.add_command(year)


@report.command("rebuild")
@click.option("--from", "first", type=_Day(), help='First day, as "2026-11-01"; all days without it.')
@click.option("--to", "last", type=_Day(), help="Last day; today without it.")
def rebuild_sums(first: date | None, last: date | None) -> None:
    """Make the sums again from the raw rows. Nothing is lost by it; the worker need not be stopped."""
    now = datetime.now(UTC)
    try:
        period = Period(first, last or day_in_rome(now)) if first else None
        days = rebuild(database_of(Settings()), now=now, period=period)
    except (DatabaseGone, ValueError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{days} days made again.")


@report.command("explain")
@click.argument("figure", required=False)
@click.option("--lang", type=click.Choice(["it", "en"]), default="it")
def explain(figure: str | None, lang: str) -> None:
    """What a figure means and how it is reckoned; without a name, all of them."""
    known = definitions()
    if figure is not None and figure not in known:
        raise click.ClickException(f"There is no figure {figure!r}.")
    for name in [figure] if figure else known:
        one = known[name]
        click.secho(f"{name}: {one.name(lang)}", bold=True)
        click.echo(f"  {one.definition(lang)}")
        if one.formula:
            click.echo(f"  = {one.formula}  [{one.source}]")


def _put(made: Table, form: str, output: Path | None, lang: str) -> None:
    if form in ("xlsx", "pdf"):
        data = as_xlsx(made, lang) if form == "xlsx" else as_pdf(made, lang)
    else:
        data = (
            _text(made, lang) if form == "text" else as_csv(made) if form == "csv" else as_json(made)
        ).encode()
    if output is not None:
        output.write_bytes(data)
        click.echo(f"{output}", err=True)
    elif form in ("xlsx", "pdf") and sys.stdout.isatty():
        raise click.UsageError(f"--format {form} needs --output, or a pipe.")
    elif form == "text":
        # Rich has coloured it for the terminal already.
        click.echo(data.decode(), nl=False)
    else:
        click.get_binary_stream("stdout").write(data)


def _text(made: Table, lang: str) -> str:
    """A table for the terminal; one row is told line by line."""
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console()
    grid = Grid(title=title(made, lang), title_justify="left")
    words = [
        [in_words(column.unit, value, lang) for column, value in zip(made.columns, row, strict=True)]
        for row in made.rows
    ]
    if len(made.rows) == 1 and len(made.columns) > 6:
        grid.show_header = False
        grid.add_column()
        grid.add_column(justify="right")
        for column, text in zip(made.columns, words[0], strict=True):
            grid.add_row(column.heading(lang), text)
    else:
        for column in made.columns:
            left = column.unit in (Unit.TEXT, Unit.WEEKDAY, Unit.MONTH)
            grid.add_column(column.heading(lang), justify="left" if left else "right", overflow="fold")
        for row in words:
            grid.add_row(*row)
    with console.capture() as captured:
        console.print(grid)
    return captured.get()
