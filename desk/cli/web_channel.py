"""``centralino api-key`` and ``centralino events``: which systems ask us, and which ones we tell."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import click

from desk.api_keys import PER_MINUTE, BadKey, api_keys, create_api_key, revoke_api_key
from desk.cli.changing import changing
from desk.db import Sessions, transaction
from desk.event_poster import HttpPoster
from desk.events import (
    BadAddress,
    UnknownSubscription,
    deliver_events,
    forget_events,
    signing_secret,
    subscribe,
    subscriptions,
    unsubscribe,
)
from desk.kept_answers import forget_answers
from desk.keyring import KeyringError, open_keyring
from desk.models import EventKind, Scope
from desk.settings import ROME, Settings

log = logging.getLogger(__name__)


@click.group("api-key")
def api_key() -> None:
    """Keys with which other systems use the web channel."""


@api_key.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; can be given several times.",
)
@click.option("--per-minute", default=PER_MINUTE, show_default=True, type=click.IntRange(1, 100_000))
def create_key(name: str, scopes: tuple[str, ...], per_minute: int) -> None:
    """Make a key for the system NAME and print it. It cannot be shown again."""
    with changing() as session:
        key = create_api_key(
            session,
            name=name,
            scopes=[Scope(scope) for scope in scopes],
            per_minute=per_minute,
            now=datetime.now(UTC),
        )
    click.echo(key)


@api_key.command("list")
def list_keys() -> None:
    """Print all keys by the part that is no secret, with their scopes and last use."""
    with changing() as session:
        for key in api_keys(session):
            used = f"used {_day(key.used_at)}" if key.used_at else "never used"
            state = f"revoked {_day(key.revoked_at)}" if key.revoked_at else f"{key.per_minute}/min"
            click.echo(f"{key.prefix}  {key.name}  {', '.join(key.scopes)}  {used}  {state}")


@api_key.command("revoke")
@click.argument("prefix")
def revoke_key(prefix: str) -> None:
    """End the key that begins with ctl_PREFIX, at once."""
    try:
        with changing() as session:
            revoke_api_key(session, prefix, now=datetime.now(UTC))
    except BadKey as e:
        raise click.ClickException(f"No key in force begins with ctl_{prefix}.") from e
    click.echo(f"ctl_{prefix}_... is revoked.")


@click.group()
def events() -> None:
    """Other systems that are told when something happens."""


@events.command("subscribe")
@click.argument("url")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in EventKind]),
    help="What of; can be given several times. Default: everything.",
)
def subscribe_(url: str, kinds: tuple[str, ...]) -> None:
    """Send events to URL (https) from now on; prints the secret that they are signed with."""
    settings = Settings()
    try:
        keyring = open_keyring(settings.home, extensions=(), logins=())
        with changing() as session:
            wanted = [EventKind(kind) for kind in kinds] or list(EventKind)
            made = subscribe(session, url=url, kinds=wanted, now=datetime.now(UTC))
    except (BadAddress, KeyringError) as e:
        raise click.ClickException(str(e)) from e
    click.echo(f"{made}\nSecret: {signing_secret(keyring.web_key, made)}")


@events.command("list")
def list_subscriptions() -> None:
    """Print the subscriptions in force."""
    with changing() as session:
        for subscription in subscriptions(session):
            click.echo(f"{subscription.id}  {subscription.url}  {', '.join(subscription.kinds)}")


@events.command("unsubscribe")
@click.argument("subscription")
def unsubscribe_(subscription: str) -> None:
    """End a subscription; what waits for it is not sent any more."""
    try:
        with changing() as session:
            unsubscribe(session, subscription, now=datetime.now(UTC))
    except UnknownSubscription as e:
        raise click.ClickException("There is no such subscription.") from e
    click.echo("Ended.")


def tell_others(database: Sessions, settings: Settings) -> None:
    """Send the events that wait."""
    keyring = open_keyring(settings.home, extensions=(), logins=())
    poster = HttpPoster(keyring.web_key, clock=lambda: datetime.now(UTC))
    told = deliver_events(database, poster, now=datetime.now(UTC))
    if told:
        log.info("%d events told to other systems", told)


def forget_old(database: Sessions) -> None:
    """Remove kept answers and delivered events that nobody needs any more."""
    now = datetime.now(UTC)
    with transaction(database, durable=False) as session:
        forget_answers(session, now=now)
        forget_events(session, now=now)


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(ROME):%d/%m/%Y %H:%M}"
