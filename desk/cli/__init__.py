"""The command ``centralino``. Each command lives in a module of its own and is imported when it is used."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

#: Command to the module below this package that has it.
COMMANDS = {
    "up": "running",
    "announce": "running",
    "prepare": "preparing",
    "demo": "demo_year",
    "asterisk": "running",
    "agi": "running",
    "web": "running",
    "worker": "running",
    "keep": "keeping",
    "doctor": "health",
    "status": "health",
    "call": "calling",
    "simulate": "simulating",
    "what-if": "what_if",
    "prompts": "prompting",
    "messages": "messaging",
    "notice": "noticing",
    "calendars": "calendars",
    "tree": "menus",
    "menu": "menus",
    "api-key": "web_channel",
    "events": "web_channel",
    "backup": "backing_up",
    "restore": "backing_up",
    "citizen": "citizens",
    "report": "report",
    "operator": "operators",
}


#: Set for processes below ``centralino up``, which puts the time before every line.
UNDER_RUNNER = "CENTRALINO_UNDER_RUNNER"

_SHORT = "%(levelname)s %(name)s: %(message)s"


class _Lazy(click.Group):
    """Importing the whole system for ``--help`` would take a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"desk.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Centralino, the phone desk of a town."""
    logging.basicConfig(
        level=os.environ.get("CENTRALINO_LOG", "INFO").upper(),
        format=_SHORT if UNDER_RUNNER in os.environ else f"%(asctime)s {_SHORT}",
        stream=sys.stderr,
    )
    # Every run of every job, every look at the schema, every page that is set, is no news.
    for chatty in ("apscheduler", "alembic", "weasyprint", "fontTools"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
