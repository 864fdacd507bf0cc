"""``centralino messages``: the texts of the SMS, and what somebody has to see to."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click

from desk.cli.database import database_of
from desk.db import DatabaseGone, reading
from desk.settings import ROME, Settings


@click.group()
def messages() -> None:
    """Check the texts of the SMS; list those that did not go out."""


@messages.command()
@click.option("--quiet", is_flag=True, help="Problems only, without the lengths.")
def check(quiet: bool) -> None:
    """Show how long each message gets, and name every problem. Exit code 1 if there is one."""
    from desk.sms.checking import check as find_problems

    lengths, problems = find_problems()
    if not quiet:
        for length in lengths:
            click.echo(
                f"{length.language} {length.name:24} version {length.version}  "
                f"{length.characters:3} characters  {length.parts} SMS"
            )
    for problem in problems:
        click.echo(f"{problem.language}: {problem.name}: {problem.reason}")
    click.echo(f"{len(problems)} problems in {len(lengths)} messages")
    sys.exit(1 if problems else 0)


@messages.command()
@click.option("--days", default=7, show_default=True, help="How far back.")
def troubled(days: int) -> None:
    """List what failed, is in doubt or has to be told by phone, with the number: for the operators."""
    from desk.sms.outbox import troubled as find_troubled

    try:
        with reading(database_of(Settings())) as session:
            rows = find_troubled(session, since=datetime.now(UTC) - timedelta(days=days))
    except DatabaseGone as e:
        raise click.ClickException(str(e)) from e
    for row in rows:
        click.echo(
            f"{row.created_at.astimezone(ROME):%d/%m/%Y %H:%M}  {row.state:12} {row.to_e164:16} "
            f"{row.template}  {row.failure or ''}".rstrip()
        )
    click.echo(f"{len(rows)} messages")
