"""``centralino demo``: a year of invented life for the demo town, and the way back."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click

from desk.cli.database import database_of
from desk.db import DatabaseGone, reading
from desk.demo.loading import NotTheDemoTown, ThereAlready, load_year, remove_years, town_facts
from desk.demo.year import make_year
from desk.settings import ROME, Settings
from reports.periods import Period, day_in_rome
from reports.rollups import rebuild


@click.command()
@click.option(
    "--year",
    is_flag=False,
    flag_value="0",
    type=int,
    help="Make a year, up to now if it is not over; without a number the present one.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same year.")
@click.option("--remove", is_flag=True, help="Take out all that demo years brought.")
def demo(year: int | None, seed: int, remove: bool) -> None:
    """Fill the demo town with a plausible year, or empty it again."""
    if remove == (year is not None):
        raise click.UsageError("Say either --year or --remove.")
    settings, now = Settings(), datetime.now(UTC)
    database = database_of(settings)
    try:
        if remove:
            counts = remove_years(database)
            rebuild(database, now=now)
        else:
            with reading(database) as session:
                town = town_facts(session, settings.town_number)
            number = year or now.astimezone(ROME).year
            counts = load_year(database, make_year(number, town, seed=seed, until=now))
            # The worker would see to it, day by day; here somebody wants to look at it now.
            last = min(day_in_rome(now), date(number, 12, 31))
            rebuild(database, now=now, period=Period(date(number, 1, 1), last))
    except (DatabaseGone, NotTheDemoTown, ThereAlready) as e:
        raise click.ClickException(str(e)) from e
    for table, rows in sorted(counts.items()):
        click.echo(f"{table:18}{rows:8}")
