"""``centralino call``: a citizen of the demo town phones the running system over SIP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from call_routing.exchange import find_programs
from call_routing.trial import sipp
from call_routing.trial.rtp import NotHeard, Sound
from desk.call_log import call_story
from desk.cli.database import database_of
from desk.cli.health import system_parts
from desk.consents import Purpose, has_consent
from desk.db import reading
from desk.drafts import unfinished_draft
from desk.models import Call, CallEvent, Citizen, Message, PhoneNumber, Request
from desk.phone_numbers import is_mobile
from desk.settings import ROME, Settings
from prompts.catalogue import Catalogue, UnknownPrompt, load_catalogue

#: Seconds to listen before a key cuts a prompt short.
LISTEN = 2.0
#: Seconds for the reference number, spoken twice, the last menu and the goodbye.
REST = 90


@dataclass(frozen=True, slots=True)
class Caller:
    """A citizen who phones, and the keys that lead to a certificate."""

    number: str
    keys: tuple[str, ...]


@click.command()
def call() -> None:
    """Phone the running system as a demo citizen, ask for a certificate, and show what came of it."""
    settings = Settings()
    down = [name for name, part in system_parts(settings).items() if not part.ok]
    if down:
        raise click.ClickException(f"Not running: {', '.join(down)}. Start the system first: make run")
    database = database_of(settings)
    with reading(database) as session:
        caller = find_caller(session, settings)
    click.echo(f"Calling {settings.town_number} as {caller.number} ...")
    started = datetime.now(UTC)
    phone(settings, caller)
    catalogue = load_catalogue(settings.sounds)
    # The AGI server writes the end of the call when the line is already down.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with reading(database) as session:
            if tell(session, caller, started, catalogue):
                return
        time.sleep(0.2)
    raise click.ClickException("The call left no trace in the database: see the log of make run.")


def find_caller(session: Session, settings: Settings) -> Caller:
    """A citizen with a mobile number of his own, and his way through the menus as it is today."""
    rows = session.execute(
        select(PhoneNumber.e164, Citizen)
        .join(Citizen, Citizen.id == PhoneNumber.citizen_id)
        .order_by(Citizen.id)
    ).all()
    numbers = [e164 for e164, _ in rows]
    own = ((e164, citizen) for e164, citizen in rows if numbers.count(e164) == 1 and is_mobile(e164))
    e164, citizen = next(own, (None, None))
    if e164 is None or citizen is None:
        raise click.ClickException("No citizen has a mobile number: load the demo town with make run.")
    now, hours = datetime.now(UTC), settings.draft_hours
    keys = ["1", "1"]
    if unfinished_draft(session, e164, kind="certificate", now=now, hours=hours):
        keys.append("2")
    keys += ["1", "1", f"{citizen.birth_date:%d%m%Y}", "1", "1"]
    if not has_consent(session, e164, Purpose.RECEIPTS):
        keys.append("1")
    return Caller(e164, (*keys, "1"))


def phone(settings: Settings, caller: Caller) -> None:
    """Place the call, press the keys, listen to the end."""
    with (
        Sound() as sound,
        sipp.call(
            find_programs(settings).sipp,
            (settings.sip_address, settings.sip_port),
            number=settings.town_number,
            caller=caller.number,
            sound=sound.address,
        ) as line,
    ):
        try:
            line.wait_for("answered", 10)
            click.echo("The town has answered.")
            for keys in caller.keys:
                time.sleep(LISTEN)
                sound.press(keys)
                sound.sent()
            click.echo("Listening to the reference number ...")
            line.wait_for("ended", REST)
        except (sipp.CallFailed, NotHeard) as e:
            raise click.ClickException(f"The call failed: {e}. See the log of make run.") from e
        click.echo(f"The town has hung up; {len(sound.heard()) / 8000:.0f} s of speech were heard.\n")


def tell(session: Session, caller: Caller, started: datetime, catalogue: Catalogue) -> bool:
    """Print the conversation node by node and the request; ``False`` if the call is not in the log yet."""
    found = session.scalars(
        select(Call)
        .where(Call.caller_e164 == caller.number, Call.ended_at.is_not(None))
        .order_by(Call.id.desc())
    ).first()
    if found is None or found.started_at < started:
        return False
    story = call_story(session, found.unique_id)
    assert story is not None
    for event in story.events:
        seconds = (event.at - story.started_at).total_seconds()
        click.echo(f"{seconds:6.1f} s  {event.node:24} {_shown(event, catalogue)}")
    request = session.scalars(select(Request).where(Request.call_id == found.id)).first()
    if request is None:
        click.echo("\nNo request came of it.")
        return True
    click.echo(f"\nRequest {request.reference}: {request.kind} by {request.channel}, {request.state}")
    click.echo(f"  filed {request.filed_at.astimezone(ROME):%d/%m/%Y %H:%M}, due {request.due_on:%d/%m/%Y}")
    click.echo(f"  {request.details.model_dump_json(exclude_none=True)}")
    for message in session.scalars(select(Message).where(Message.request_id == request.id)):
        click.echo(f"  SMS {message.state}: {message.body}")
    return True


def _shown(event: CallEvent, catalogue: Catalogue) -> str:
    if event.event != "entered":
        return f"<- {event.event} {event.detail}".rstrip()
    for key in (event.node, f"{event.node}.intro"):
        try:
            if not catalogue.placeholders("it", key):
                return f"-> {catalogue.text('it', key)}"
        except UnknownPrompt:
            continue
    return "->"
