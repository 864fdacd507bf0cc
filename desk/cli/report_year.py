"""``centralino report year``: the yearly activity report as the town files it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from desk.cli.database import database_of
from desk.db import DatabaseGone, reading
from desk.settings import Settings
from reports.citizen_figures import latest_inhabitants
from reports.year import YearToCome, year_figures

FORMATS = ("html", "pdf")


@click.command("year")
@click.argument("number", metavar="YEAR", type=int)
@click.option("--town", default="Comune di Trezzo sull'Adda", show_default=True, help="Whose report it is.")
@click.option(
    "--format", "forms", type=click.Choice(FORMATS), multiple=True, help="Only this one; else both."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder that the files go to.",
)
def year(number: int, town: str, forms: tuple[str, ...], output: Path) -> None:
    """Write the activity report of a year in Italian, as HTML and PDF."""
    # Type-setting is a second of imports.
    from reports.year_document import as_html, as_pdf

    now = datetime.now(UTC)
    try:
        with reading(database_of(Settings())) as session:
            figures = year_figures(session, number, now=now)
            people = latest_inhabitants(session, figures.period.last)
    except (DatabaseGone, YearToCome, ValueError) as e:
        raise click.ClickException(str(e)) from e
    output.mkdir(parents=True, exist_ok=True)
    for form in forms or FORMATS:
        file = output / f"relazione-{number}.{form}"
        if form == "html":
            file.write_text(as_html(figures, town=town, people=people), encoding="utf-8")
        else:
            file.write_bytes(as_pdf(figures, town=town, people=people))
        click.echo(str(file))
    if figures.quality.days_not_counted:
        click.echo(
            "Calls of some days are not counted yet: the worker does it, or centralino report rebuild.",
            err=True,
        )
