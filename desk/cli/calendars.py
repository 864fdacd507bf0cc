"""``centralino calendars``: the secret addresses at which offices subscribe to their appointments."""

from __future__ import annotations

import click
from sqlalchemy import select

from desk.calendar_feed import feed_token
from desk.cli.database import database_of
from desk.db import DatabaseGone, reading
from desk.keyring import KeyringError, open_keyring
from desk.models import Office
from desk.settings import Settings


@click.command()
def calendars() -> None:
    """Print each office's calendar address. Whoever has it sees the office's appointments."""
    settings = Settings()
    try:
        keyring = open_keyring(settings.home, extensions=(), logins=())
        with reading(database_of(settings)) as session:
            offices = session.scalars(select(Office).order_by(Office.code)).all()
    except (KeyringError, DatabaseGone) as e:
        raise click.ClickException(str(e)) from e
    base = f"http://{settings.web_address}:{settings.web_port}"
    for office in offices:
        click.echo(
            f"{office.name_it}: {base}/calendars/{office.code}/{feed_token(keyring.web_key, office.code)}.ics"
        )
