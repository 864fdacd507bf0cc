"""``centralino prompts``: check, render, and the script for a human speaker."""

from __future__ import annotations

import sys

import click

from desk.settings import Settings
from prompts.catalogue import load_catalogue


@click.group()
def prompts() -> None:
    """Check and render what is spoken."""


@prompts.command()
@click.option("--texts-only", is_flag=True, help="Leave out whether the sound files are there.")
def check(texts_only: bool) -> None:
    """Name every problem of the texts and sounds. Exit code 1 if there is one."""
    from prompts.checking import check as find_problems

    settings = Settings()
    problems = find_problems(load_catalogue(settings.sounds), sounds=not texts_only)
    for problem in problems:
        click.echo(f"{problem.language}: {problem.key}: {problem.reason}")
    click.echo(f"{len(problems)} problems in the prompts")
    sys.exit(1 if problems else 0)


@prompts.command()
def render() -> None:
    """Render what is missing or has changed."""
    from desk.cli.preparing import render_prompts

    render_prompts(Settings())


@prompts.command()
@click.argument("language", default="it")
def script(language: str) -> None:
    """Print every text of LANGUAGE as a script for a human speaker."""
    from prompts.script import script as speaker_script

    click.echo(speaker_script(load_catalogue(Settings().sounds), language))
