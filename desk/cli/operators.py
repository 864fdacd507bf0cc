"""``centralino operator``: the first administrator, and the way back in without password or telephone."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session

from desk.cli.changing import changing
from desk.models import Operator, Role
from desk.operators import (
    LoginTaken,
    add_operator,
    all_operators,
    drop_two_step,
    give_password,
    operator_by_login,
    reset_password,
)

#: Who it was, for the audit: whoever has the command has the machine.
_BY = "command line"


@click.group()
def operator() -> None:
    """The operators of the console; daily work is done there, by an administrator."""


@operator.command("add")
@click.argument("login")
@click.option("--name", required=True, help="As it is shown.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ADMIN.value,
    show_default=True,
)
def add(login: str, name: str, role: str) -> None:
    """Add an operator and print a password for the first log-in. It cannot be shown again."""
    try:
        given = give_password()
        with changing() as session:
            add_operator(
                session, given, login=login, name=name, role=Role(role), by=_BY, now=datetime.now(UTC)
            )
    except LoginTaken as e:
        raise click.ClickException(f"There is an operator {login} already.") from e
    except ValueError as e:
        raise click.ClickException(str(e)) from e
    click.echo(given.password)


@operator.command("list")
def list_() -> None:
    """Print all operators with their roles."""
    with changing() as session:
        for each in all_operators(session):
            state = "" if each.active else "  shut out"
            click.echo(f"{each.login}  {each.name}  {each.role}{state}")


@operator.command("reset-password")
@click.argument("login")
def reset(login: str) -> None:
    """Print a new password for one log-in, and end what was open with the old one."""
    given = give_password()
    with changing() as session:
        reset_password(session, _known(session, login), given, by=_BY, now=datetime.now(UTC))
    click.echo(given.password)


@operator.command("drop-two-step")
@click.argument("login")
def drop(login: str) -> None:
    """Ask an operator who lost the telephone for no code any more."""
    with changing() as session:
        drop_two_step(session, _known(session, login), by=_BY, now=datetime.now(UTC))
    click.echo(f"{login} logs in with the password alone.")


def _known(session: Session, login: str) -> Operator:
    found = operator_by_login(session, login)
    if found is None:
        raise click.ClickException(f"There is no operator {login}.")
    return found
