"""``centralino what-if``: what a caller would meet at some time, without a call and without a trace.

The dialog, the desk and the rules are the real ones on the real database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime

import click

from agi_scripts.call_desk import CallDesk
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from agi_scripts.rehearsal import without_a_trace
from call_routing.hours import OpeningHours
from call_routing.plan import rings
from desk.cli.moments import is_shown_twice, read_moment
from desk.cli.simulating import TextLine, Told, caller_number
from desk.db import DatabaseGone, connect, sessions
from desk.settings import Settings
from desk.spool import Spool
from ivr.conversation import Conversation, Happening, Outcome
from ivr.switchboard import switchboard
from prompts.catalogue import load_catalogue

#: Keys on a telephone, a silence, and hanging up.
KEYS = frozenset("0123456789*#-h")


@dataclass
class Step:
    """A node of the dialog: what the caller hears there, and presses."""

    node: str
    hears: list[str] = field(default_factory=list)
    presses: str = ""


@dataclass(frozen=True)
class Ringing:
    """Phones that ring after so many seconds."""

    after: int
    phones: tuple[str, ...]


@dataclass
class Met:
    """What a caller of that moment meets. Times are ISO 8601 on Rome's clock."""

    at: str
    open: bool
    by_hand: bool
    closes_at: str | None
    next_opening: str | None
    steps: list[Step]
    #: ``done``, ``operator`` or ``hung_up``, and the last node.
    outcome: str
    node: str
    #: The phones that ring for a caller who is put through.
    rings: list[Ringing]


@click.command("what-if")
@click.argument("moment")
@click.option(
    "--keys", default="", help='Keys to press, as "1,2"; "-" is a silence. Then the caller hangs up.'
)
@click.option("--caller", default=None, help="The calling number, as 3331234567 or +39...; withheld without.")
@click.option("--language", type=click.Choice(["it", "en"]), help="As if the caller had chosen it before.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def what_if(moment: str, keys: str, caller: str | None, language: str | None, as_json: bool) -> None:
    """Print what a caller would meet at MOMENT, as "2026-12-24 13:10" (Italian time). Nothing is written."""
    try:
        at = read_moment(moment)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="MOMENT") from e
    if is_shown_twice(at) and not as_json:
        click.echo(f"The clocks show this time twice; taken for the one at {at:%z}.", err=True)
    pressed = keys.replace(",", "").replace(" ", "")
    if not set(pressed) <= KEYS:
        raise click.BadParameter(f"only {' '.join(sorted(KEYS))}", param_hint="--keys")
    number = caller_number(caller)
    with _house(Settings()) as real, without_a_trace(real, at) as house:
        met = _call(house, at, pressed, number, language)
    click.echo(json.dumps(asdict(met), ensure_ascii=False, indent=2) if as_json else "\n".join(_told(met)))


class _Transcript:
    """Keeps what a conversation notes and what its line tells, node by node."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def note(self, node: str, happening: Happening, detail: str = "") -> None:
        if happening is Happening.ENTERED:
            self.steps.append(Step(node))

    def tell(self, what: Told, text: str) -> None:
        if what is Told.HEARD:
            self.steps[-1].hears.append(text)
        elif what is Told.PRESSED:
            self.steps[-1].presses += text


def _call(house: House, at: datetime, keys: str, number: str | None, language: str | None) -> Met:
    town = house.town()
    if town is None:
        raise click.ClickException("There is no database yet: run make setup, then centralino prepare --demo")
    hours, transcript = OpeningHours.of(town), _Transcript()
    journal = CallJournal(house, "what-if", number, "what-if")
    desk = CallDesk(house, journal, number, language=language)
    line = TextLine(house.catalogue, keys, transcript.tell)
    ending = Conversation(line, transcript, language=desk.language(), pace=desk.pace).run(switchboard(desk))
    closes, opens = hours.closes_at(at), hours.next_opening(at)
    return Met(
        at=at.isoformat(),
        open=hours.is_open(at),
        by_hand=hours.in_force(at) is not None,
        closes_at=closes.isoformat() if closes else None,
        next_opening=opens.isoformat() if opens else None,
        steps=transcript.steps,
        outcome=ending.outcome.value,
        node=ending.node,
        rings=[Ringing(rung.after, rung.extensions) for rung in rings(town.phones)]
        if ending.outcome is Outcome.PERSON
        else [],
    )


@contextmanager
def _house(settings: Settings) -> Iterator[House]:
    engine = connect(settings.url)
    try:
        yield House(
            settings,
            sessions(engine),
            Spool(settings.home / "spool"),
            load_catalogue(settings.sounds),
        )
    except DatabaseGone as e:
        raise click.ClickException(f"{e}: run make setup, then centralino prepare --demo") from e
    finally:
        engine.dispose()


def _told(met: Met) -> Iterator[str]:
    at = datetime.fromisoformat(met.at)
    state = f"open until {_clock(met.closes_at)}" if met.open else "closed"
    yield f"{at:%A %d %B %Y, %H:%M}: {state}{', by hand' if met.by_hand else ''}"
    yield f"next opening: {_clock(met.next_opening)}"
    for step in met.steps:
        yield f"\n[{step.node}]"
        yield from (f"  {text}" for text in step.hears)
        if step.presses:
            yield f"> {step.presses}"
    yield ""
    for ringing in met.rings:
        yield f"  -> after {ringing.after} s rings {', '.join(ringing.phones)}"
    if met.rings:
        yield "  -> nobody answers: a message is taken"
    yield f"[{met.outcome} at {met.node}]"


def _clock(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment):%A %d %B %Y, %H:%M}" if moment else "none within a year"
