"""``centralino report staffing``: who is needed in the coming weeks, and where one more helps most."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import click

from desk.cli.database import database_of
from desk.db import DatabaseGone, reading
from desk.settings import Settings
from reports.exports import WEEKDAYS
from reports.staffing import sentence
from reports.staffing_plan import Wish, plan
from reports.staffing_rows import NothingRecorded

_WORDS = {
    "it": {
        "expected": "Chiamate attese agli operatori",
        "rests": "Durata media con il dopo chiamata {handling:.0f} s, pazienza media {patience}, telefoni "
        "presenti {logged_in:.1f}, di cui indisponibili {shrinkage:.0f} % del tempo.",
        "endless": "non nota",
        "head": ("Mezz'ora", "Chiamate", "Entro {within:.0f} s", "Con uno in più", "Servono"),
        "error": "Errore delle previsioni nelle ultime 12 settimane (WAPE al giorno): {ours:.0f} %; come la "
        "settimana prima: {naive:.0f} %.",
        "untested": "Previsioni non ancora verificabili: la storia è troppo corta.",
        "deadlines": "Scadenze nel periodo: {names}.",
    },
    "en": {
        "expected": "Calls to expect at the operators",
        "rests": "Handling {handling:.0f} s with wrap-up, patience {patience}, phones there {logged_in:.1f}, "
        "of which {shrinkage:.0f} % of the time not free for calls.",
        "endless": "not known",
        "head": ("Half hour", "Calls", "Within {within:.0f} s", "With one more", "Needed"),
        "error": "Error of the forecasts in the last 12 weeks (WAPE by day): {ours:.0f} %; as the week "
        "before: {naive:.0f} %.",
        "untested": "The forecasts cannot be tested yet: there is too little history.",
        "deadlines": "Deadlines in these weeks: {names}.",
    },
}


@click.command("staffing")
@click.option("--weeks", type=click.IntRange(1, 26), default=4, show_default=True, help="Weeks to come.")
@click.option(
    "--operators",
    type=click.FloatRange(0, 500),
    help="How many are logged in; without it the phones of the desk, less their pauses.",
)
@click.option("--within", type=click.FloatRange(0, 600), default=20, show_default=True, help="Seconds.")
@click.option("--target", type=click.IntRange(1, 99), default=80, show_default=True, help="Percent.")
@click.option(
    "--shrinkage",
    type=click.IntRange(0, 95),
    default=30,
    show_default=True,
    help="Percent of the time for which who is logged in takes no calls.",
)
@click.option("--lang", type=click.Choice(["it", "en"]), default="it")
def staffing(
    weeks: int, operators: float | None, within: float, target: int, shrinkage: int, lang: str
) -> None:
    """Forecast the coming weeks and tell how many operators are needed when."""
    words = _WORDS[lang]
    wish = Wish(weeks, operators, within, target / 100, shrinkage / 100)
    try:
        with reading(database_of(Settings())) as session:
            made = plan(session, wish, now=datetime.now(UTC))
    except (DatabaseGone, NothingRecorded) as e:
        raise click.ClickException(str(e)) from e
    work = made.work
    click.secho(f"{words['expected']}, {made.begins:%d/%m/%Y} + {weeks}", bold=True)
    patience = words["endless"] if math.isinf(work.patience) else f"{work.patience:.0f} s"
    click.echo(
        str(words["rests"]).format(
            handling=work.handling, patience=patience, logged_in=made.logged_in, shrinkage=shrinkage
        )
    )
    head = [word.format(within=within) for word in words["head"]]
    weekday = None
    for one in made.levels:
        if one.slot.weekday != weekday:
            weekday = one.slot.weekday
            click.secho(f"\n{WEEKDAYS[lang][weekday]}", bold=True)
            click.echo("".join(f"{word:>16}" for word in head))
        clock = f"{one.slot.half // 2}:{one.slot.half % 2 * 30:02}"
        needed = "–" if one.needed is None else str(one.needed)
        cells = (clock, f"{one.slot.calls:.1f}", f"{one.now:.0%}", f"{one.one_more:.0%}", needed)
        click.echo("".join(f"{cell:>16}" for cell in cells))
    click.echo("")
    click.secho(sentence(made.advice, lang), bold=True)
    near = [deadline.name_en if lang == "en" else deadline.name_it for deadline in made.near]
    if near:
        click.echo(str(words["deadlines"]).format(names=", ".join(near)))
    if made.errors is None:
        click.echo(str(words["untested"]))
    else:
        ours, naive = made.errors
        click.echo(str(words["error"]).format(ours=ours.wape * 100, naive=naive.wape * 100))
