"""``centralino doctor`` (can it start?) and ``centralino status`` (is it running?)."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click

from call_routing import exchange
from desk.db import DatabaseGone, connect, schema_is_current
from desk.jobs import SILENT, heartbeat_file
from desk.keyring import KeyringError, open_keyring
from desk.settings import PROJECT, Settings
from desk.sms.ways import NotSet, senders_of
from prompts.catalogue import load_catalogue
from prompts.checking import missing_sounds

#: Asterisk's word for a trunk that has let us in.
REGISTERED = "Registered"
#: Free space below which recordings and the database are in danger, bytes.
LEAST_SPACE = 200_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """Whether one part of the system is well, and what to know about it."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What the doctor found, and the remedy where something is wrong."""

    what: str
    ok: bool
    detail: str
    remedy: str = ""


@click.command()
def doctor() -> None:
    """Check everything a start needs and name the remedy for what is missing."""
    findings = list(examine(Settings()))
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
        click.echo(f"{mark}  {finding.what}: {finding.detail}")
        if not finding.ok:
            click.echo(f"      -> {finding.remedy}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings for ``settings``, in the order of a start."""
    yield _asterisk(settings)
    yield _host_name()
    yield _reachable(settings)
    yield _space(settings)
    yield _database(settings)
    yield _secrets(settings)
    yield _browser_parts()
    yield _prompts(settings)
    yield _sms(settings)
    yield _trunk(settings)
    yield from _ports(settings)


def _asterisk(settings: Settings) -> Finding:
    try:
        programs = exchange.find_programs(settings)
    except exchange.NoAsterisk as e:
        return Finding("Asterisk", ok=False, detail=str(e), remedy="run asterisk-conf/obtain (as root)")
    return Finding("Asterisk", ok=True, detail=f"{programs.version}, SIPp {programs.sipp_version}")


def _browser_parts() -> Finding:
    # The last thing that the build does is to put the whole folder in its place.
    built = (PROJECT / "console" / "static" / "vendor" / "frame.js").is_file()
    return Finding(
        "console",
        ok=built,
        detail="style, fonts and scripts are there" if built else "its style and scripts were not built",
        remedy="run ./bootstrap (it needs npm and, this once, the network)",
    )


def _sms(settings: Settings) -> Finding:
    try:
        names = ", ".join(sender.name for sender in senders_of(settings))
    except NotSet as e:
        return Finding("SMS", ok=False, detail=str(e), remedy="set it, or CENTRALINO_SMS_SENDER=file")
    printed = " (printed, not sent)" if settings.sms_sender[0] == "file" else ""
    return Finding("SMS", ok=True, detail=f"by {names}{printed}")


def _trunk(settings: Settings) -> Finding:
    """Where calls come from and go to; of a trunk that wants a password, whether it lets us in."""
    out = settings.trunk_uri or "no way out"
    if not settings.trunk_user:
        return Finding("trunk", ok=True, detail=f"from {', '.join(settings.trunk_addresses)}; {out}")
    given = bool(settings.trunk_password.get_secret_value())
    where = "CENTRALINO_TRUNK_PASSWORD" if given else "keyring.toml (trunk)"
    detail = f"{settings.trunk_user} at {settings.trunk_domain}, password from {where}"
    if not settings.trunk_register:
        return Finding("trunk", ok=True, detail=f"{detail}, not registered")
    try:
        state = exchange.registration(settings)
    except (exchange.NotRunning, exchange.NoAsterisk):
        return Finding("trunk", ok=True, detail=f"{detail}; registers when Asterisk runs")
    return Finding(
        "trunk",
        ok=state == REGISTERED,
        detail=f"{detail}: {state}",
        remedy=f"put the provider's password for {settings.trunk_user} into {where} and start again; is "
        f"{settings.trunk_domain} reachable?",
    )


def _host_name() -> Finding:
    name = socket.gethostname()
    try:
        started = time.monotonic()
        socket.getaddrinfo(name, None)
        seconds = time.monotonic() - started
    except OSError:
        seconds = float("inf")
    # Asterisk resolves the host's name in every call: a slow answer delays all callers.
    return Finding(
        "host name",
        ok=seconds < 1,
        detail=f"{name} resolves" if seconds < 1 else f"{name} does not resolve quickly",
        remedy=f"add the line '127.0.0.1 {name}' to /etc/hosts",
    )


def _reachable(settings: Settings) -> Finding:
    blocked = exchange.unreachable_folder(settings.home)
    return Finding(
        "home folder",
        ok=blocked is None,
        detail=str(settings.home.resolve()) if blocked is None else f"Asterisk's user cannot pass {blocked}",
        remedy=f"chmod o+x {blocked}, or set CENTRALINO_HOME to another folder",
    )


def _space(settings: Settings) -> Finding:
    folder = settings.home.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Finding(
        "disk",
        ok=free > LEAST_SPACE,
        detail=f"{free // 1_000_000} MB free",
        remedy=f"free some space on the disk of {folder}",
    )


def _is_current(settings: Settings) -> bool:
    engine = connect(settings.url)
    try:
        return schema_is_current(engine)
    finally:
        engine.dispose()


def _database(settings: Settings) -> Finding:
    remedy = "run: centralino prepare"
    try:
        current = _is_current(settings)
    except DatabaseGone as e:
        return Finding("database", ok=False, detail=str(e), remedy=f"{remedy}; on PostgreSQL, is it running?")
    return Finding("database", ok=current, detail="up to date" if current else "old schema", remedy=remedy)


def _secrets(settings: Settings) -> Finding:
    file = settings.home / "keyring.toml"
    if not file.exists():
        return Finding("secrets", ok=False, detail="none yet", remedy="run: centralino prepare")
    try:
        open_keyring(settings.home.resolve(), extensions=(), logins=())
    except KeyringError as e:
        return Finding("secrets", ok=False, detail=str(e), remedy=f"chmod 600 {file}, or restore it")
    return Finding("secrets", ok=True, detail=f"{file}, mode 600")


def _prompts(settings: Settings) -> Finding:
    missing = missing_sounds(load_catalogue(settings.sounds))
    return Finding(
        "prompts",
        ok=not missing,
        detail=f"{len(missing)} sound files are missing" if missing else "all rendered",
        remedy="run: centralino prompts render",
    )


def _ports(settings: Settings) -> Iterator[Finding]:
    """A port is well if it is free, or if our own part already answers on it."""
    running = system_parts(settings)
    ports = {
        "asterisk": [
            ("SIP port", settings.sip_address, settings.sip_port, socket.SOCK_DGRAM),
            ("AMI port", "127.0.0.1", settings.ami_port, socket.SOCK_STREAM),
            ("WS port", "127.0.0.1", settings.ws_port, socket.SOCK_STREAM),
            ("WSS port", settings.sip_address, settings.wss_port, socket.SOCK_STREAM),
        ],
        "agi": [("AGI port", settings.agi_address, settings.agi_port, socket.SOCK_STREAM)],
        "web": [("web port", settings.web_address, settings.web_port, socket.SOCK_STREAM)],
    }
    for part, wanted in ports.items():
        for what, address, port, kind in wanted:
            ours = running[part].ok
            free = ours or _is_free(address, port, kind)
            variable = f"CENTRALINO_{what.upper().replace(' ', '_')}"
            yield Finding(
                what,
                ok=free,
                detail=f"{port} {'is ours' if ours else 'is free' if free else 'is in use'}",
                remedy=f"stop the program that uses it, or set {variable} to another port",
            )


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Say how each part of the running system does. Exit code 1 unless all are well."""
    parts = system_parts(Settings())
    well = all(part.ok for part in parts.values())
    if as_json:
        click.echo(json.dumps({"ok": well, "parts": {name: asdict(part) for name, part in parts.items()}}))
    else:
        for name, part in parts.items():
            mark = click.style("up  ", fg="green") if part.ok else click.style("DOWN", fg="red")
            click.echo(f"{mark}  {name:9}  {part.detail}")
    sys.exit(0 if well else 1)


def system_parts(settings: Settings) -> dict[str, Part]:
    """The health of every part, asked now."""
    checks: dict[str, Callable[[Settings], Part]] = {
        "database": _database_part,
        "asterisk": _asterisk_part,
        "agi": _agi_part,
        "web": _web_part,
        "worker": _worker_part,
    }
    if settings.trunk_user and settings.trunk_register:
        checks["trunk"] = _trunk_part
    return {name: check(settings) for name, check in checks.items()}


def _database_part(settings: Settings) -> Part:
    try:
        current = _is_current(settings)
    except DatabaseGone as e:
        return Part(ok=False, detail=str(e))
    return Part(current, "reachable" if current else "the schema is not up to date")


def _asterisk_part(settings: Settings) -> Part:
    if not exchange.is_running(settings):
        return Part(ok=False, detail="does not answer")
    calls = exchange.ask(settings, "core show calls").splitlines()
    return Part(ok=True, detail=calls[0].strip() if calls else "answers")


def _trunk_part(settings: Settings) -> Part:
    try:
        state = exchange.registration(settings)
    except (exchange.NotRunning, exchange.NoAsterisk):
        return Part(ok=False, detail="Asterisk does not answer")
    return Part(state == REGISTERED, f"{settings.trunk_user} at {settings.trunk_domain}: {state}")


def _agi_part(settings: Settings) -> Part:
    try:
        with socket.create_connection((settings.agi_address, settings.agi_port), timeout=2):
            return Part(ok=True, detail="takes calls")
    except OSError:
        return Part(ok=False, detail="does not answer")


def _web_part(settings: Settings) -> Part:
    connection = http.client.HTTPConnection(settings.web_address, settings.web_port, timeout=3)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse().status
    except OSError:
        return Part(ok=False, detail="does not answer")
    finally:
        connection.close()
    return Part(answer == 200, f"answers {answer}")


def _worker_part(settings: Settings) -> Part:
    try:
        age = time.time() - heartbeat_file(settings).stat().st_mtime
    except FileNotFoundError:
        return Part(ok=False, detail="never ran")
    return Part(age < SILENT, f"last sign of life {age:.0f} s ago")
