"""``centralino citizen``: what is kept about a person, taken out or erased."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from desk.applicants import Outsider
from desk.audit import AuditAction, note_look
from desk.citizen_export import export_citizen
from desk.citizens import withdraw_consents_of
from desk.cli.database import database_of
from desk.db import DatabaseGone, transaction
from desk.erasure import StillNeeded, erase_citizen
from desk.identity_card_rules import NoRule
from desk.identity_cards import register_card
from desk.models import Channel, Citizen, DocumentKind, Operator, Purpose
from desk.operators import NotAllowed, active_operator, administrator
from desk.person import person_by_tax_code, whom
from desk.phone_numbers import is_mobile, to_e164
from desk.pseudonyms import pseudonyms_of
from desk.settings import ROME, Settings
from desk.telling import tell_passport_arrived

_TAX_CODE = click.option(
    "--tax-code", prompt=True, help="Of the citizen. Without it you are asked, so that no shell keeps it."
)
_AT_COUNTER = click.option("--by", required=True, help="Log-in of the operator who does it, for the audit.")
_BY = click.option("--by", required=True, help="Log-in of the administrator who does it, for the audit.")


@click.group()
def citizen() -> None:
    """Hand out or erase what is kept about a citizen; note what the counter does. All is in the audit."""


@citizen.command()
@_TAX_CODE
@_BY
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A new file, of mode 600.")
def export(tax_code: str, by: str, to: Path) -> None:
    """Write all that is kept about a citizen, or about who asked from outside the register, as JSON."""
    settings = Settings()
    with _person(settings, tax_code, by) as (session, found):
        data = export_citizen(
            session, found, settings, pseudonyms_of(settings), by=by, how="command", now=datetime.now(UTC)
        )
        # Inside the transaction: a file that cannot be written is no export.
        with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    click.echo(f"{to}: {len(data)} bytes.")


@citizen.command()
@_TAX_CODE
@_BY
@click.option("--yes", is_flag=True, help="Do not ask again.")
def erase(tax_code: str, by: str, yes: bool) -> None:
    """Erase a citizen, or who asked from outside the register, except what has to be kept."""
    settings = Settings()
    if not yes:
        click.confirm("This cannot be undone. Erase this citizen?", abort=True)
    with _person(settings, tax_code, by) as (session, found):
        erased = erase_citizen(
            session, found, settings, pseudonyms_of(settings), by=by, how="command", now=datetime.now(UTC)
        )
    for table, count in sorted(erased.rows.items()):
        click.echo(f"erased  {table}: {count}")
    click.echo(f"erased  recordings: {erased.recordings}")
    for table, (count, reason) in erased.kept.items():
        click.echo(f"kept    {table}: {count} without the name ({reason}, see docs/privacy.md)")


@citizen.command()
@_TAX_CODE
@_AT_COUNTER
@click.option("--kind", type=click.Choice([kind.value for kind in DocumentKind]), default="electronic")
@click.option("--issued", type=click.DateTime(["%Y-%m-%d"]), help="Day of issue; without it, today.")
def card(tax_code: str, by: str, kind: str, issued: datetime | None) -> None:
    """Note an identity card that was issued; its holder is told before it expires."""
    now, settings = datetime.now(UTC), Settings()
    with _found(settings, tax_code, by, active_operator) as (session, found):
        _note_search(session, found, by, now, "identity card", settings)
        day = issued.date() if issued else now.astimezone(ROME).date()
        try:
            document = register_card(session, found, kind=DocumentKind(kind), issued_on=day)
        except NoRule as e:
            raise click.ClickException("Nothing was done: no card can have been issued on that day.") from e
        expires_on = document.expires_on
    click.echo(f"Noted: valid until {expires_on:%d/%m/%Y}.")


@citizen.command()
@_TAX_CODE
@_AT_COUNTER
def passport(tax_code: str, by: str) -> None:
    """Tell a citizen that the passport has arrived, by SMS or, at a landline, by voice."""
    now, settings = datetime.now(UTC), Settings()
    with _found(settings, tax_code, by, active_operator) as (session, found):
        _note_search(session, found, by, now, "passport", settings)
        message = tell_passport_arrived(session, found.id, now=now)
    if message is None:
        raise click.ClickException("No number of this citizen has agreed to messages: somebody has to phone.")
    click.echo("The message is written." if is_mobile(message.to_e164) else "The landline will be called.")


@citizen.command("withdraw-consent")
@_TAX_CODE
@_AT_COUNTER
@click.option(
    "--purpose", type=click.Choice([purpose.value for purpose in Purpose]), help="Else of all kinds."
)
@click.option("--number", help="Else at all numbers of the citizen.")
def withdraw_consent(tax_code: str, by: str, purpose: str | None, number: str | None) -> None:
    """Send a citizen no more messages, as wished at the counter."""
    now = datetime.now(UTC)
    e164 = to_e164(number)
    if number and e164 is None:
        raise click.ClickException("That is no telephone number.")
    settings = Settings()
    with _person(settings, tax_code, by, active_operator) as (session, found):
        _note_search(session, found, by, now, "consent", settings)
        ended = withdraw_consents_of(
            session,
            found,
            how=Channel.COUNTER.value,
            by=by,
            now=now,
            purpose=Purpose(purpose) if purpose else None,
            e164=e164,
        )
    click.echo(f"{ended} consents ended.")


def _note_search(
    session: Session, found: Citizen | Outsider, by: str, now: datetime, what: str, settings: Settings
) -> None:
    about = whom(found, pseudonyms_of(settings))
    note_look(session, by=by, action=AuditAction.SEARCHED, now=now, detail=what, **about)


@contextmanager
def _found(
    settings: Settings, tax_code: str, by: str, allowed: Callable[[Session, str], Operator]
) -> Iterator[tuple[Session, Citizen]]:
    """The same for what only citizens of the register have."""
    with _person(settings, tax_code, by, allowed) as (session, who):
        if not isinstance(who, Citizen):
            raise click.ClickException("No citizen has that tax code.")
        yield session, who


@contextmanager
def _person(
    settings: Settings,
    tax_code: str,
    by: str,
    allowed: Callable[[Session, str], Operator] = administrator,
) -> Iterator[tuple[Session, Citizen | Outsider]]:
    """A transaction and the person; whatever goes wrong is said without naming anybody."""
    try:
        with transaction(database_of(settings)) as session:
            allowed(session, by)
            found = person_by_tax_code(session, tax_code)
            if found is None:
                raise click.ClickException("No citizen has that tax code.")
            yield session, found
    except (NotAllowed, StillNeeded, DatabaseGone) as e:
        raise click.ClickException(f"Nothing was done: {e}") from e
    except OSError as e:
        raise click.ClickException(f"Nothing was done: {e.strerror}") from e
