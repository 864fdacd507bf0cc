"""A change that a command makes, or the reason why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from desk.db import DatabaseGone, connect, sessions, transaction
from desk.settings import Settings


@contextmanager
def changing() -> Iterator[Session]:
    """A transaction on the database of the settings."""
    try:
        with transaction(sessions(connect(Settings().url))) as session:
            yield session
    except DatabaseGone as e:
        raise click.ClickException(str(e)) from e
