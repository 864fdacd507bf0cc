"""``centralino simulate``: the dialog of a call in a terminal, on the real database, without Asterisk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path

import click

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import open_house
from agi_scripts.journal import CallJournal
from desk.cli.database import database_of
from desk.phone_numbers import to_e164
from desk.settings import Settings
from ivr.conversation import Conversation, HungUp
from ivr.steps import Prompt, Recording
from ivr.switchboard import switchboard
from prompts.catalogue import Catalogue

HELP = "Type keys (0-9 * #) and Enter; Enter alone is silence; h hangs up."


class Told(Enum):
    """What a line of text tells."""

    HEARD = auto()
    PRESSED = auto()
    RINGS = auto()


#: Shows what happens on a line.
Tell = Callable[[Told, str], None]


def print_told(what: Told, text: str) -> None:
    """Show it on the terminal."""
    if what is Told.HEARD:
        click.echo(f"  {text}")
    elif what is Told.PRESSED:
        click.secho(f"> {text}", fg="green")
    else:
        click.secho(f"  -> {text}", fg="yellow")


class TextLine:
    """A telephone line of text: prompts are told, keys are typed, or given beforehand."""

    def __init__(self, catalogue: Catalogue, keys: str | None, tell: Tell = print_told) -> None:
        self._catalogue = catalogue
        self._typed = list(keys or "")
        self._interactive = keys is None
        self._tell = tell

    def play(self, prompts: Sequence[Prompt], language: str, seconds: float = 0.0) -> str:
        for prompt in prompts:
            self._tell(Told.HEARD, self._catalogue.text(language, prompt.key, dict(prompt.values)))
        return self.collect(seconds) if seconds else ""

    def collect(self, seconds: float, most: int = 1) -> str:
        if not self._typed and self._interactive:
            self._typed += self._ask()
            if not self._typed:
                return ""
        if not self._typed:
            raise HungUp
        key = self._typed.pop(0)
        if key == "h":
            raise HungUp
        if not self._interactive:
            self._tell(Told.PRESSED, key)
        return "" if key == "-" else key

    def record(self, name: str, longest: int, least: float) -> Recording | None:
        said = (
            click.prompt("  (beep) say something", default="", show_default=False)
            if self._interactive
            else "-"
        )
        return Recording(Path(f"{name}.wav"), max(1.0, len(said) / 15)) if said else None

    def dial(self) -> None:
        self._tell(Told.RINGS, "a person's phone rings")

    def _ask(self) -> list[str]:
        while True:
            try:
                line = input("> ").strip()
            except EOFError as e:
                raise HungUp from e
            if set(line) <= set("0123456789*#h"):
                return list(line)
            click.echo(HELP)


def caller_number(typed: str | None) -> str | None:
    """The calling number as typed at ``--caller``; ``None`` is a withheld one."""
    number = to_e164(typed)
    if typed and number is None:
        raise click.BadParameter("not a telephone number", param_hint="--caller")
    return number


@click.command()
@click.option(
    "--caller", default=None, help="The calling number, as 3331234567 or +39...; withheld if absent."
)
@click.option(
    "--keys", default=None, help="Keys to press one after the other ('-' is silence), then hang up."
)
def simulate(caller: str | None, keys: str | None) -> None:
    """Hold the switchboard's dialog in this terminal."""
    settings = Settings()
    house = open_house(settings, database=database_of(settings))
    if house.town() is None:
        raise click.ClickException("There is no database yet: run make setup, then centralino prepare --demo")
    number = caller_number(caller)
    if keys is None:
        click.echo(HELP)
    journal = CallJournal(house, f"simulated-{datetime.now(UTC):%Y%m%d%H%M%S%f}", number, "simulated")
    desk = CallDesk(house, journal, number)
    line = TextLine(house.catalogue, keys)
    ending = Conversation(line, journal, language=desk.language(), pace=desk.pace).run(switchboard(desk))
    journal.close(ending)
    click.echo(f"\n[{ending.outcome} at {ending.node}]")
