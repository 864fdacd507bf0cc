"""``centralino tree`` and ``centralino menu check``: the menus as text, and what is wrong with them."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from desk.db import DatabaseGone, connect, migrate, reading, sessions, transaction
from desk.offer import Offer, read_offer
from desk.settings import Settings
from ivr.rules import broken_rules
from ivr.tree import Node
from ivr.walk import nodes_in_source
from prompts.catalogue import SUFFIXES, Catalogue, load_catalogue
from prompts.own_words import Words
from webhooks.town_menu import FOR_CITIZENS, lines, option, sayable_offer, sentence, town_tree, walk_all


@click.command("tree")
@click.option("--language", type=click.Choice(["it", "en"]), help="Italian or English; both without it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def tree(language: str | None, as_json: bool) -> None:
    """Print the menus of the town's number as text, taken from the dialogs themselves."""
    settings = Settings()
    catalogue = Words(settings.sounds, settings.home).now()
    nodes = town_tree(sayable_offer(_offer(settings), catalogue))
    languages = [language] if language else ["it", "en"]
    if as_json:
        told = {each: [_as_data(node, catalogue, each) for node in nodes] for each in languages}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo("\n\n".join("\n".join(lines(nodes, catalogue, each)) for each in languages))


@click.group()
def menu() -> None:
    """Check the menus."""


@menu.command()
@click.option("--demo", is_flag=True, help="Of the demo town, without a database.")
@click.option("--texts-only", is_flag=True, help="Leave out whether the sound files are there.")
def check(demo: bool, texts_only: bool) -> None:
    """Name all that is wrong with the dialogs, by node. Exit code 1 if anything is."""
    settings = Settings()
    findings = broken_rules(
        walk_all(_demo_offer() if demo else _offer(settings)),
        load_catalogue(settings.sounds) if demo else Words(settings.sounds, settings.home).now(),
        nodes=nodes_in_source(),
        for_citizens=FOR_CITIZENS,
        suffixes=() if texts_only else SUFFIXES,
    )
    for finding in findings:
        click.echo(f"{finding.node}: {finding.problem}")
    click.echo(f"{len(findings)} problems in the menus")
    sys.exit(1 if findings else 0)


def _offer(settings: Settings) -> Offer:
    engine = connect(settings.url)
    try:
        with reading(sessions(engine)) as session:
            return read_offer(session, datetime.now(UTC))
    except DatabaseGone as e:
        raise click.ClickException(f"{e}: run make setup, then centralino prepare --demo") from e
    finally:
        engine.dispose()


def _demo_offer() -> Offer:
    from desk.demo import demo_logins, load_demo
    from desk.keyring import open_keyring

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = Settings(home=home, database_url="").url
        migrate(url)
        engine = connect(url)
        with transaction(sessions(engine)) as session:
            keyring = open_keyring(home, extensions=(), logins=demo_logins())
            load_demo(session, keyring, datetime.now(UTC))
            offer = read_offer(session, datetime.now(UTC))
        engine.dispose()
    return offer


def _as_data(node: Node, catalogue: Catalogue, language: str) -> dict[str, Any]:
    return {
        "node": node.node,
        "kind": node.kind.value,
        "text": sentence(catalogue, language, node),
        **({"again": True} if node.again else {}),
        **(
            {
                "choices": [
                    {
                        "key": choice.key,
                        "text": option(catalogue, language, choice),
                        "then": [_as_data(then, catalogue, language) for then in choice.then],
                    }
                    for choice in node.choices
                ]
            }
            if node.choices
            else {}
        ),
    }
