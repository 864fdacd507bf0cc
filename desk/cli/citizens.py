"""``centralino citizen``: what is kept about a person, taken out or erased."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from desk.citizen_export import export_citizen
from desk.db import DatabaseGone, connect, sessions, transaction
from desk.erasure import StillNeeded, erase_citizen
from desk.models import Citizen
from desk.operators import NotAllowed, administrator
from desk.person import citizen_by_tax_code
from desk.pseudonyms import pseudonyms_of
from desk.settings import Settings

_TAX_CODE = click.option(
    "--tax-code", prompt=True, help="Of the citizen. Without it you are asked, so that no shell keeps it."
)
_BY = click.option("--by", required=True, help="Log-in of the administrator who does it, for the audit.")


@click.group()
def citizen() -> None:
    """Hand out or erase what is kept about a citizen. Both leave a row in the audit."""


@citizen.command()
@_TAX_CODE
@_BY
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A new file, of mode 600.")
def export(tax_code: str, by: str, to: Path) -> None:
    """Write all that is kept about a citizen as JSON."""
    settings = Settings()
    with _found(settings, tax_code, by) as (session, found):
        data = export_citizen(session, found, settings, by=by, how="command", now=datetime.now(UTC))
        # Inside the transaction: a file that cannot be written is no export.
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    click.echo(f"{to}: {len(data)} bytes.")


@citizen.command()
@_TAX_CODE
@_BY
@click.option("--yes", is_flag=True, help="Do not ask again.")
def erase(tax_code: str, by: str, yes: bool) -> None:
    """Erase a citizen, except what has to be kept."""
    settings = Settings()
    if not yes:
        click.confirm("This cannot be undone. Erase this citizen?", abort=True)
    with _found(settings, tax_code, by) as (session, found):
        erased = erase_citizen(
            session, found, settings, pseudonyms_of(settings), by=by, how="command", now=datetime.now(UTC)
        )
    for table, count in sorted(erased.rows.items()):
        click.echo(f"erased  {table}: {count}")
    click.echo(f"erased  recordings: {erased.recordings}")
    for table, (count, reason) in erased.kept.items():
        click.echo(f"kept    {table}: {count} without the name ({reason}, see docs/privacy.md)")


@contextmanager
def _found(settings: Settings, tax_code: str, by: str) -> Iterator[tuple[Session, Citizen]]:
    """A transaction and the citizen; whatever goes wrong is said without naming anybody."""
    try:
        with transaction(sessions(connect(settings.url))) as session:
            administrator(session, by)
            found = citizen_by_tax_code(session, tax_code)
            if found is None:
                raise click.ClickException("No citizen has that tax code.")
            yield session, found
    except (NotAllowed, StillNeeded, DatabaseGone) as e:
        raise click.ClickException(f"Nothing was done: {e}") from e
    except OSError as e:
        raise click.ClickException(f"Nothing was done: {e.strerror}") from e
