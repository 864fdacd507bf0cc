"""A change that a command makes, or the reason why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from desk.cli.database import database_of
from desk.db import DatabaseGone, transaction
from desk.settings import Settings


@contextmanager
def changing() -> Iterator[Session]:
    """A transaction on the database of the settings."""
    try:
        with transaction(database_of(Settings())) as session:
            yield session
    except DatabaseGone as e:
        raise click.ClickException(str(e)) from e
