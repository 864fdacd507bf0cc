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
    "prepare": "preparing",
    "agi": "running",
    "web": "running",
    "worker": "running",
    "keep": "keeping",
    "doctor": "health",
    "status": "health",
    "call": "calling",
    "simulate": "simulating",
    "prompts": "prompting",
}


class _Lazy(click.Group):
    """Importing the whole system for ``--help`` would take a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"desk.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Centralino, the phone desk of a town."""
    # Below a process runner each line gets the time and the process from it.
    under_runner = "HONCHO_PROCESS_NAME" in os.environ
    logging.basicConfig(
        level=os.environ.get("CENTRALINO_LOG", "INFO").upper(),
        format="%(message)s" if under_runner else "%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # Every run of every job is no news.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
