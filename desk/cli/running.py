"""``centralino up`` and the processes it starts."""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path

import click
from honcho.manager import Manager

from call_routing.exchange import start_command
from desk.cli import UNDER_RUNNER
from desk.cli.health import examine, system_parts
from desk.cli.preparing import prepare_system
from desk.db import connect, reading, sessions, transaction
from desk.demo import demo_logins
from desk.keyring import open_keyring
from desk.settings import Settings
from desk.town import read_town

log = logging.getLogger(__name__)

#: Seconds a start may take before the parts that are missing are named.
START_SECONDS = 60
#: Seconds between two looks for notices that have no voice yet, and at the lamp.
NOTICES, LAMP = 5, 5
#: Seconds between two looks for phones and rules that Asterisk is to be told of.
EXCHANGE = 5
#: Seconds between two looks for events to tell, and for what the web channel need not remember any more.
EVENTS, FORGETTING = 5, 3600
#: Seconds between two looks for what is new in the figures, and when the last weeks are made again.
FIGURES, FIGURES_AT_NIGHT = 60, time_of_day(1, 15)
#: When the reports by mail of the day are due (Rome), and seconds between two looks for those that wait.
REPORTS_DUE, REPORTS_BY_MAIL = time_of_day(7), 15


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo town if the database is empty.")
def up(demo: bool) -> None:
    """Prepare what is not ready and run all parts in the foreground with one log. Ctrl-C stops them."""
    settings = Settings()
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        _lock_of(settings.home).touch()
    except OSError as e:
        raise click.ClickException(
            f"{settings.home} cannot be written ({e.strerror}): give it to the user who starts the system, "
            "or set CENTRALINO_HOME."
        ) from e
    with alone(settings.home):
        _run(settings, demo)


def _run(settings: Settings, demo: bool) -> None:
    prepare_system(settings, demo=demo)
    wrong = [finding for finding in examine(settings) if not finding.ok]
    if wrong:
        raise click.ClickException("\n".join(f"{f.what}: {f.detail}. To mend it, {f.remedy}." for f in wrong))
    manager = Manager()
    for name, command in processes().items():
        manager.add_process(
            name, shlex.join(command), env={**os.environ, UNDER_RUNNER: "1"}, cwd=str(Path.cwd())
        )
    # Not a thread: the runner forks, and its children would keep open what a thread asks other programs by.
    subprocess.Popen([sys.executable, "-m", "desk.cli", "announce", *(["--demo"] if demo else [])])
    manager.loop()
    sys.exit(0 if manager.returncode in (0, 130) else manager.returncode)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Two systems on one home folder would take each other's ports and files."""
    with _lock_of(home).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise click.ClickException(
                f"A system is already running on {home}. Stop it with Ctrl-C, or set CENTRALINO_HOME."
            ) from e
        yield


def _lock_of(home: Path) -> Path:
    return home / "running.lock"


def processes() -> dict[str, list[str]]:
    """Name to command of each part. Each is kept alive on its own: one that fails takes no other down."""
    ours = [sys.executable, "-m", "desk.cli"]
    return {name: [*ours, "keep", *ours, name] for name in ("asterisk", "agi", "web", "worker")}


@click.command()
def asterisk() -> None:
    """Run Asterisk in the foreground with the configuration that ``prepare`` wrote."""
    command = start_command(Settings())
    os.execv(command[0], command)  # noqa: S606  a known program, with its arguments as a list


@click.command()
def agi() -> None:
    """Serve the dialogs to Asterisk (FastAGI)."""
    from agi_scripts.serve import serve

    serve(Settings())


@click.command()
def web() -> None:
    """Serve the web pages."""
    from webhooks.server import serve

    serve(Settings())


@click.command()
def worker() -> None:
    """Run the scheduled jobs (outbox, spool, notices, lamp), watch the queue, and call citizens."""
    work(Settings())


def work(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """The worker. ``clock`` decides when citizens are called."""
    from call_routing.exchanging import Exchanging
    from call_routing.lamp import Lamp
    from call_routing.watch import Watch
    from desk.cli.noticing import render_notices
    from desk.cli.web_channel import forget_old, tell_others
    from desk.jobs import mailer_of, run_worker
    from desk.schedule import Daily
    from desk.scheduled_reports import stop_token, write_mails
    from desk.scheduler import Job
    from prompts.rewording import Rewording
    from reports.mails import send_mails
    from reports.rollups import make_again_at_night, refresh
    from reports.today import FIGURES_JOB

    database = sessions(connect(settings.url))
    lamp = Lamp(settings, database)
    rewording, exchanging = Rewording(settings, database), Exchanging(settings, database)
    keyring = open_keyring(settings.home, extensions=(), logins=())

    def write_reports() -> None:
        with transaction(database) as session:
            write_mails(session, now=datetime.now(UTC))

    def send_reports() -> None:
        sent = send_mails(
            database,
            mailer_of(settings),
            lambda number: settings.stop_report_page(number, stop_token(keyring.web_key, number)),
            now=datetime.now(UTC),
        )
        if sent:
            log.info("%d reports by mail", sent)

    with Watch(settings, database, keyring.ami_password, keyring.console_password, clock).at_work():
        run_worker(
            settings,
            {
                "notices": Job(
                    NOTICES, lambda: render_notices(database, settings, now=datetime.now(UTC)), here=True
                ),
                "prompts": Job(NOTICES, rewording.keep_up, here=True),
                "exchange": Job(EXCHANGE, exchanging.keep_up, here=True),
                "lamp": Job(LAMP, lambda: lamp.keep(clock()), here=True),
                "events": Job(EVENTS, lambda: tell_others(database, settings)),
                "forgetting": Job(FORGETTING, lambda: forget_old(database)),
                FIGURES_JOB: Job(FIGURES, lambda: refresh(database, now=datetime.now(UTC))),
                "reports due": Job(Daily(REPORTS_DUE), write_reports),
                "reports by mail": Job(REPORTS_BY_MAIL, send_reports),
                "figures at night": Job(
                    Daily(FIGURES_AT_NIGHT), lambda: make_again_at_night(database, now=datetime.now(UTC))
                ),
            },
        )


@click.command()
@click.option("--demo", is_flag=True, help="Tell the demo's log-ins, too.")
def announce(demo: bool) -> None:
    """Once all parts are well, tell how to use them; after a while, which one is missing."""
    settings = Settings()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        parts = system_parts(settings)
        if all(part.ok for part in parts.values()):
            click.echo(_welcome(settings, demo), err=True)
            return
        time.sleep(0.5)
    missing = ", ".join(f"{name} ({part.detail})" for name, part in parts.items() if not part.ok)
    click.secho(f"Not ready after {START_SECONDS} s: {missing}. See the log above.", fg="red", err=True)


def _welcome(settings: Settings, demo: bool) -> str:
    with reading(sessions(connect(settings.url))) as session:
        phones = read_town(session).phones
    lines = [
        "",
        click.style("Centralino is ready.", bold=True),
        f"  Web pages    http://{settings.web_address}:{settings.web_port}/console/",
    ]
    if demo:
        passwords = open_keyring(settings.home, extensions=(), logins=()).operator_passwords
        logins = "   ".join(f"{login} / {passwords[login]}" for login in demo_logins())
        lines.append(f"  Log-ins      {logins}")
    overriding = ", ".join(phone.extension for phone in phones if phone.may_override)
    sip = f"{settings.sip_address}:{settings.sip_port}"
    lines += [
        f"  Call         sip:{settings.town_number}@{sip}  (UDP, no password from this machine)",
        f"  Phones       {', '.join(p.extension for p in phones)} at {sip}",
        f"               with the passwords in {settings.home / 'keyring.toml'}",
        f"  Open, close  *21 from {overriding or 'no phone'}, with the PIN in the same file",
        "  Try          make call     (a citizen asks for a certificate)",
        "  Stop         Ctrl-C",
        "",
    ]
    return "\n".join(lines)
