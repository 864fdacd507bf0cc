"""The database as a command uses it."""

from __future__ import annotations

import click

from desk.db import Sessions, connect, sessions
from desk.settings import Settings


def database_of(settings: Settings) -> Sessions:
    """Sessions on the database of the settings. Their connections are closed when the command ends."""
    engine = connect(settings.url)
    click.get_current_context().call_on_close(engine.dispose)
    return sessions(engine)
