"""``centralino prepare``: from a fresh checkout to a start, each step only where it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from call_routing.exchange import NoAsterisk, write_configuration
from desk.cli.database import database_of
from desk.db import DatabaseGone, migrate, reading, transaction
from desk.demo import demo_logins, load_demo
from desk.keyring import Keyring, KeyringError, logins_of, open_keyring
from desk.settings import Settings
from desk.town import read_town


class Unprepared(click.ClickException):
    """A step failed; the message says which one and what to do."""


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo town if the database is empty.")
def prepare(demo: bool) -> None:
    """Migrate the database, render the prompts and write Asterisk's configuration."""
    prepare_system(Settings(), demo=demo)


def prepare_system(settings: Settings, *, demo: bool) -> Keyring:
    """Bring ``settings.home`` to the point where a start needs nothing more. Raises :class:`Unprepared`."""
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    logins = demo_logins() if demo else ()
    database = database_of(settings)
    with _step("The database", "Is it running, and is its URL right?", DatabaseGone):
        migrate(settings.url)
    with _step("The secrets", "Set the mode with chmod 600, or restore the file.", KeyringError):
        new_passwords = set(logins) - logins_of(home)
        keyring = open_keyring(home, extensions=(), logins=logins)
    with _step("The town's data", "Is the database still running?", DatabaseGone):
        if demo:
            with transaction(database) as session:
                load_demo(session, keyring, datetime.now(UTC), new_passwords=new_passwords)
        with reading(database) as session:
            town = read_town(session)
        keyring = open_keyring(
            home,
            extensions=[phone.extension for phone in town.phones],
            logins=logins,
            overriding=[phone.extension for phone in town.phones if phone.may_override],
        )
    render_prompts(settings)
    with _step("Asterisk's configuration", "Run asterisk-conf/obtain.", NoAsterisk, OSError):
        write_configuration(settings, keyring, town)
    return keyring


def render_prompts(settings: Settings) -> None:
    """Render what is missing and prove that no sound a dialog can play is. Raises :class:`Unprepared`."""
    # Numeric libraries that only rendering needs.
    from prompts.catalogue import load_catalogue
    from prompts.checking import missing_sounds
    from prompts.engines import choose_engines
    from prompts.hold_music import render_hold_music
    from prompts.own_words import read_own, recordings
    from prompts.progress import show_progress
    from prompts.rendering import render

    home = settings.home.resolve()
    catalogue = load_catalogue(settings.sounds, own=read_own(home))
    with show_progress() as progress:
        report = render(
            catalogue, choose_engines(settings.voice), home / "prompt-cache", progress, town=recordings(home)
        )
    click.echo(str(report), err=True)
    render_hold_music(home / "moh")
    missing = missing_sounds(catalogue)
    if missing:
        raise Unprepared(
            f"{len(missing)} prompts have no sound, the first is {missing[0].name}. Is there space on the "
            "disk? Then run: centralino prompts render"
        )


@contextmanager
def _step(what: str, remedy: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as e:
        raise Unprepared(f"{what}: {e}. {remedy}") from e
