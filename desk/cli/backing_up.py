"""``centralino backup`` and ``centralino restore``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from desk.archive import ArchiveError
from desk.backup import Refused, put_back, write_backup
from desk.cli.health import system_parts
from desk.cli.running import alone
from desk.db import DatabaseGone
from desk.dumps import DumpError
from desk.settings import ROME, Settings

_ERRORS = (ArchiveError, DumpError, DatabaseGone, Refused, OSError)


@click.command()
def backup() -> None:
    """Write an encrypted backup now, read it back, and remove the oldest ones. The system may be running."""
    settings = Settings()
    new_key = not settings.backup_key_file.exists()
    try:
        written = write_backup(settings, now=datetime.now(UTC))
    except _ERRORS as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{written.path}: {written.size} bytes, {sum(written.rows.values())} rows, read back.")
    if new_key:
        click.echo(f"Its key is new: keep a copy of {settings.backup_key_file} on another machine.")


@click.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="Its key; as set by default.")
@click.option("--force", is_flag=True, help="Put aside what is there already.")
def restore(archive: Path, key: Path | None, force: bool) -> None:
    """Put a backup back. Refused while any part of the system runs, and where a system is there already."""
    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    with alone(settings.home):
        _refuse_if_running(settings)
        try:
            restored = put_back(
                settings, archive, key or settings.backup_key_file, force=force, now=datetime.now(UTC)
            )
        except _ERRORS as e:
            raise click.ClickException(str(e)) from e
    rows = sum(restored.rows.values())
    click.echo(f"The system of {restored.made_at.astimezone(ROME):%d/%m/%Y %H:%M} is back: {rows} rows.")
    if restored.aside:
        click.echo(f"What was there before lies in {restored.aside}.")
    click.echo("Run: centralino prepare")


def _refuse_if_running(settings: Settings) -> None:
    parts = system_parts(settings)
    running = [name for name, part in parts.items() if name != "database" and part.ok]
    if running:
        raise click.ClickException(f"Still running: {', '.join(running)}. Stop all parts first.")
