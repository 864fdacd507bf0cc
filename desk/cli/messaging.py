"""``centralino messages``: the texts of the SMS."""

from __future__ import annotations

import sys

import click


@click.group()
def messages() -> None:
    """Check the texts of the SMS."""


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
