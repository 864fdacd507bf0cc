"""The telephone exchange of one system: where Asterisk is, its configuration, how to start and ask it."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from call_routing import names
from call_routing.certificate import self_signed, still_good
from call_routing.plan import PENALTY, rings
from desk.settings import PROJECT, Settings

if TYPE_CHECKING:
    from desk.keyring import Keyring
    from desk.town import Town

#: The account Asterisk runs as when root starts it, as in Debian's package.
ACCOUNT = "asterisk"

OLDEST_ASTERISK = (20,)
OLDEST_SIPP = (3, 7)

#: Where the host's own Asterisk has its files, and its program even if PATH does not say so.
HOST_ROOT = Path("/")
SYSTEM_PROGRAMS = "/usr/sbin"

TEMPLATES = PROJECT / "asterisk-conf"

#: What the town's data is written into, and how Asterisk is told of it. In this order: a phone is known
#: before a queue rings it.
RELOADS: Mapping[str, str] = {
    "pjsip.conf": "module reload res_pjsip.so",
    "queuerules.conf": "module reload app_queue.so",
    "queues.conf": "module reload app_queue.so",
    "extensions.conf": "dialplan reload",
}

#: Between two attempts to ring: the queue takes whole seconds.
_RETRY_SECONDS = 1
#: How long a citizen's telephone rings whom the town calls.
_CALL_BACK_SECONDS = 25
#: A phone's own queue begins to ring it within this time, or gives up; once begun, it rings its full time.
_ATTEMPT_SECONDS = 2
#: The sound of a page stops for this long: it is gone.
_PAGE_GONE_SECONDS = 8
#: A phone in a page registers again within this time.
_WEB_REGISTRATION_SECONDS = 600
#: A message ends after this much silence, and at the latest after this time (seconds).
_MESSAGE_SILENCE_SECONDS = 5
_MESSAGE_SECONDS = 180


class NoAsterisk(RuntimeError):
    """Asterisk or SIPp is missing or unusable; the text says what to do."""


class NotRunning(RuntimeError):
    """Asterisk does not answer."""


@dataclass(frozen=True, slots=True)
class Programs:
    """How to call Asterisk and SIPp, and where Asterisk's own files lie."""

    asterisk: tuple[str, ...]
    sipp: tuple[str, ...]
    modules: Path
    data: Path
    version: str
    sipp_version: str


def find_programs(settings: Settings) -> Programs:
    """The private root if this system has one, else the host's. Raises `NoAsterisk` with the remedy."""
    return _programs(settings.asterisk_program_root)


@cache
def _programs(root: Path) -> Programs:
    if root.is_dir():
        asterisk, sipp = _in_root(root, "usr/sbin/asterisk"), _in_root(root, "usr/bin/sipp")
        base = root
    else:
        asterisk, sipp = _on_host("asterisk"), _on_host("sipp")
        base = HOST_ROOT
    modules = _first(base, ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules"), "Asterisk's modules")
    data = _first(base, ("usr/share/asterisk", "var/lib/asterisk"), "Asterisk's data")
    version = _version([*asterisk, "-V"], OLDEST_ASTERISK)
    sipp_version = _version([*sipp, "-v"], OLDEST_SIPP)
    return Programs(asterisk, sipp, modules, data, version, sipp_version)


def write_configuration(settings: Settings, keyring: Keyring, town: Town) -> Path:
    """Fill the templates into ``home/asterisk/etc`` and make the folders Asterisk writes to; returns ``etc``.

    Started by root, the files belong to root and Asterisk's account can only read them.
    """
    state = _state(settings)
    account = _account()
    folders = [
        state,
        *(state / name for name in ("etc", "lib", "lib/keys", "spool", "log", "log/cdr-custom", "run")),
    ]
    written_for_us = (
        settings.messages,
        settings.call_backs,
        settings.voice_notices,
        settings.recordings,
        settings.recorded_calls,
    )
    folders += written_for_us
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for above in (settings.home.resolve(), settings.messages.parent):
        above.chmod(stat.S_IMODE(above.stat().st_mode) | 0o011)
    etc = state / "etc"
    _make_certificate(settings, account)
    texts = _rendered(settings, keyring, town)
    for name, text in texts.items():
        _write(etc / name, text, account)
    for stale in set(etc.iterdir()) - {etc / name for name in texts}:
        stale.unlink()
    if account:
        for folder in folders:
            os.chown(folder, 0 if folder == etc else account.pw_uid, account.pw_gid)
    for folder in folders:
        folder.chmod(0o750)
    # The AGI server and the worker, which may be another user of the group, read and remove recordings.
    for folder in written_for_us:
        folder.chmod(0o2770)
    return etc


def bring_up_to_date(
    settings: Settings, keyring: Keyring, town: Town, ask: Callable[[Settings, str], str]
) -> tuple[str, ...]:
    """Write what the town has changed since, and have the running Asterisk read it; calls go on.

    ``ask`` is :func:`ask`. Returns the names of the files that were written. What Asterisk reads at its
    start only, such as its ports, does not follow from the town's data and is left alone.

    Raises ``OSError`` where this user may not write there: the next start does. Raises `NotRunning`.
    """
    etc = _state(settings) / "etc"
    texts = _rendered(settings, keyring, town)
    changed = [name for name in RELOADS if (etc / name).read_text(encoding="utf-8") != texts[name]]
    old = {name: (etc / name).read_text(encoding="utf-8") for name in changed}
    for name in changed:
        _write(etc / name, texts[name], _account())
    try:
        for command in dict.fromkeys(RELOADS[name] for name in changed):
            ask(settings, command)
    except NotRunning:
        # Put back, so that it is told at the next look.
        for name in changed:
            _write(etc / name, old[name], _account())
        raise
    return tuple(changed)


def _rendered(settings: Settings, keyring: Keyring, town: Town) -> dict[str, str]:
    """The files of the configuration: name to text."""
    state = _state(settings)
    etc = state / "etc"
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  configuration files, not web pages
    )
    environment.filters["line"] = _one_line
    environment.filters["secret"] = _secret
    environment.filters["dialled_as"] = _dialled_as
    environment.filters["web_phone"] = names.web_phone
    values = {
        "settings": settings,
        "keyring": keyring,
        "town": town,
        "trunk_password": settings.trunk_password.get_secret_value() or keyring.trunk_password,
        "programs": find_programs(settings),
        "etc": etc,
        "state": state,
        "sounds": settings.sounds,
        "music": settings.home.resolve() / "moh",
        "messages": settings.messages,
        "call_backs": settings.call_backs,
        "voice_notices": settings.voice_notices,
        "calls": settings.recorded_calls,
        "agi": f"agi://{settings.agi_address}:{settings.agi_port}",
        "penalty": PENALTY,
        "limits": _limits(town),
        "web_phones": names.WEB_PHONES,
        "try_it": names.TRY_IT,
        "tls": _tls(settings),
    }
    files = sorted(template.name for template in TEMPLATES.glob("*.conf"))
    return {name: environment.get_template(name).render(values) for name in files}


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a certificate and its key (PEM)."""

    certificate: Path
    key: Path


def _tls(settings: Settings) -> Tls:
    """The town's own, or the one that we make."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return Tls(settings.tls_certificate.resolve(), settings.tls_key.resolve())
    folder = _state(settings) / "tls"
    return Tls(folder / "certificate.pem", folder / "key.pem")


def _make_certificate(settings: Settings, account: pwd.struct_passwd | None) -> None:
    """Sign one where the town has none of its own, and renew it in time."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return
    tls, folder = _tls(settings), _state(settings) / "tls"
    folder.mkdir(mode=0o750, exist_ok=True)
    if not still_good(tls.certificate, tls.key, now=datetime.now(UTC)):
        made = self_signed(_host_names(settings), now=datetime.now(UTC))
        _write(tls.key, made.key, account)
        _write(tls.certificate, made.certificate, account)
    if account:
        os.chown(folder, 0, account.pw_gid)
    folder.chmod(0o750)


def _host_names(settings: Settings) -> list[str]:
    """The names under which pages may come to us, the likeliest first."""
    outside = [urlsplit(url).hostname for url in (settings.phone_url, settings.web_url)]
    named = [*outside, socket.getfqdn(), "localhost", "127.0.0.1", settings.sip_address]
    return list(dict.fromkeys(name for name in named if name))


def start_command(settings: Settings) -> list[str]:
    """The command that runs Asterisk in the foreground, without a console, as an unprivileged user."""
    command = [
        *find_programs(settings).asterisk,
        "-f",
        "-n",
        "-C",
        str(_state(settings) / "etc" / "asterisk.conf"),
    ]
    if _account():
        command += ["-U", ACCOUNT, "-G", ACCOUNT]
    return command


def ask(settings: Settings, command: str, *, timeout: float = 10) -> str:
    """The answer of the running Asterisk to a console command. Raises `NotRunning`."""
    etc = _state(settings) / "etc" / "asterisk.conf"
    try:
        done = subprocess.run(
            [*find_programs(settings).asterisk, "-C", str(etc), "-rx", command],
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise NotRunning(f"Asterisk did not answer within {timeout:g} s") from e
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise NotRunning((done.stderr.decode(errors="replace") or text).strip())
    return text


def is_running(settings: Settings) -> bool:
    """Whether Asterisk has fully started and answers."""
    try:
        return "fully booted" in ask(settings, "core waitfullybooted").lower()
    except (NotRunning, NoAsterisk):
        return False


def registration(settings: Settings) -> str:
    """How the trunk's registration stands: Asterisk's word, as ``Registered``. Raises `NotRunning`."""
    listed = ask(settings, "pjsip show registrations")
    found = re.search(rf"^\s*{names.TRUNK}/\S+\s+\S+\s+(\w+)", listed, re.MULTILINE)
    return found[1] if found else "unknown"


def unreachable_folder(path: Path) -> Path | None:
    """The first folder on the way to ``path`` that Asterisk's account cannot pass, or None."""
    account = _account()
    if account is None:
        return None
    groups = {account.pw_gid, *(group.gr_gid for group in grp.getgrall() if ACCOUNT in group.gr_mem)}
    path = path.resolve()
    for folder in [*reversed(path.parents), path]:
        if not folder.exists():
            return None
        facts = folder.stat()
        if facts.st_uid == account.pw_uid:
            may = facts.st_mode & stat.S_IXUSR
        elif facts.st_gid in groups:
            may = facts.st_mode & stat.S_IXGRP
        else:
            may = facts.st_mode & stat.S_IXOTH
        if not may:
            return folder
    return None


def _limits(town: Town) -> dict[str, int]:
    """Times of the dialplan and the queue, in seconds."""
    tiers = rings(town.phones)
    first = tiers[0].seconds if tiers else 0
    return {
        "back_office": first,
        # The queue pauses between two tiers.
        "ring": first + _RETRY_SECONDS + sum(tier.seconds for tier in tiers[1:]),
        "retry": _RETRY_SECONDS,
        "attempt": _ATTEMPT_SECONDS,
        "round": town.routing.announce_seconds,
        "wait": town.routing.longest_wait_seconds,
        "call_back": _CALL_BACK_SECONDS,
        "notice": _CALL_BACK_SECONDS + names.NOTICE_SECONDS,
        "first_command": names.FIRST_COMMAND_SECONDS,
        "silence": _MESSAGE_SILENCE_SECONDS,
        "message": _MESSAGE_SECONDS,
        "page_gone": _PAGE_GONE_SECONDS,
        "web_registration": _WEB_REGISTRATION_SECONDS,
    }


def _state(settings: Settings) -> Path:
    return settings.home.resolve() / "asterisk"


def _account() -> pwd.struct_passwd | None:
    """Asterisk's account if we may change to it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError as e:
        raise NoAsterisk(f"The user {ACCOUNT} is missing: run asterisk-conf/obtain") from e


def _write(path: Path, text: str, account: pwd.struct_passwd | None) -> None:
    """Whole or not at all: a running Asterisk may be told to reload at any moment."""
    part = path.with_name(f".{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(text, encoding="utf-8")
    if account:
        os.chown(part, 0, account.pw_gid)
    part.chmod(0o640)
    part.replace(path)


def _one_line(text: str) -> str:
    """A label as Asterisk can hold it: no quotes, semicolons (comments) or line ends."""
    return re.sub(r"[^\w .'-]", " ", text)


def _secret(text: str) -> str:
    """Somebody else's password as Asterisk reads it. Raises ``ValueError`` for one that no line can hold."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("the trunk's password has line ends, or blanks around it")
    return text.replace(";", r"\;")


def _dialled_as(e164: str) -> list[str]:
    """The forms in which a trunk may send one of our numbers."""
    country, national = e164[1:3], e164[3:]
    return [e164, f"00{country}{national}", f"{country}{national}", national]


def _in_root(root: Path, program: str) -> tuple[str, ...]:
    """A program of the private root, run by the root's own loader with the root's own libraries."""
    loader = _first(root, ("usr/lib/*-linux-gnu*/ld-linux*.so.*",), "The program loader")
    if not (root / program).exists():
        raise NoAsterisk(f"{root / program} is missing: remove {root} and run asterisk-conf/obtain")
    return (str(loader), "--library-path", str(loader.parent), str(root / program))


def _on_host(program: str) -> tuple[str, ...]:
    path = os.environ.get("PATH", os.defpath) + os.pathsep + SYSTEM_PROGRAMS
    found = shutil.which(program, path=path)
    if not found:
        raise NoAsterisk(f"{program} was not found: run asterisk-conf/obtain")
    return (found,)


def _first(base: Path, patterns: Sequence[str], what: str) -> Path:
    for pattern in patterns:
        for found in sorted(base.glob(pattern)):
            return found
    raise NoAsterisk(f"{what} not found below {base}: run asterisk-conf/obtain")


def _version(command: Sequence[str], oldest: tuple[int, ...]) -> str:
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    text = done.stdout.decode(errors="replace")
    found = re.search(r"(?:Asterisk |SIPp v)(\d+(?:\.\d+)*)", text)
    if not found:
        raise NoAsterisk(
            f"{command[-2]} does not run: {done.stderr.decode(errors='replace').strip() or text.strip()}"
        )
    if tuple(int(part) for part in found[1].split(".")) < oldest:
        needed = ".".join(map(str, oldest))
        raise NoAsterisk(
            f"{command[-2]} is {found[1]}, at least {needed} is needed: run asterisk-conf/obtain"
        )
    return found[1]
