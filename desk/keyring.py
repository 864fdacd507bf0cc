"""The secrets of one system: a TOML file with mode 600 under its home folder, made at the first start."""

from __future__ import annotations

import json
import os
import secrets
import stat
import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FILE = "keyring.toml"

_LETTERS = string.ascii_letters + string.digits
_LENGTH = 24
#: A PIN is typed on a telephone; whoever guesses is locked out (desk/overrides.py).
_PIN_LENGTH = 6


class KeyringError(Exception):
    """The file cannot be used: readable by others, broken, or not writable."""


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Passwords of letters and digits only, so that they fit into any configuration file. Never printed."""

    #: Extension to SIP password.
    phone_passwords: Mapping[str, str]
    trunk_password: str
    ami_password: str
    #: Signs sessions of the web pages.
    web_key: str
    #: Log-in to first password: only the demo town's operators are here.
    operator_passwords: Mapping[str, str]
    #: Extension to the PIN with which the desk is opened and closed from there.
    override_pins: Mapping[str, str] = field(default_factory=dict)
    #: The console's way into Asterisk's manager interface.
    console_password: str = ""
    #: What recorded calls are encrypted with. Who loses it loses the recordings.
    recordings_key: str = ""


def open_keyring(
    home: Path, *, extensions: Sequence[str], logins: Sequence[str], overriding: Sequence[str] = ()
) -> Keyring:
    """Read the keyring of ``home``; what it lacks for these extensions and log-ins is made and kept.

    ``overriding`` are the extensions from which the desk can be opened and closed.

    Raises:
        KeyringError: the file is readable by others than its owner, is broken, or cannot be written.
    """
    path = home / FILE
    kept = _read(path)
    keyring = Keyring(
        phone_passwords=_filled(kept.get("phones"), extensions),
        trunk_password=_text(kept, "trunk"),
        ami_password=_text(kept, "ami"),
        web_key=_text(kept, "web"),
        operator_passwords=_filled(kept.get("operators"), logins),
        override_pins=_filled(kept.get("override_pins"), overriding, _pin),
        recordings_key=_text(kept, "recordings"),
        console_password=_text(kept, "console"),
    )
    wanted = _written(keyring)
    if not path.exists() or path.read_text(encoding="utf-8") != wanted:
        _write(path, wanted)
    return keyring


def override_pin(home: Path, extension: str) -> str | None:
    """The PIN of that phone as the file has it now; ``None`` without one. Raises :class:`KeyringError`.

    PINs are here and not, as hashes, in the database: six digits are found from any hash within hours, and
    copies of a database travel further than this file.
    """
    pins = _read(home / FILE).get("override_pins")
    pin = pins.get(extension) if isinstance(pins, dict) else None
    return pin if isinstance(pin, str) and pin else None


def logins_of(home: Path) -> frozenset[str]:
    """The log-ins whose first password is kept already. Raises :class:`KeyringError`."""
    kept = _read(home / FILE).get("operators")
    return frozenset(kept) if isinstance(kept, dict) else frozenset()


def _read(path: Path) -> dict[str, object]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise KeyringError(f"{path} can be read by others (mode {mode:o})")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise KeyringError(f"{path} cannot be read") from e


def _filled(kept: object, names: Sequence[str], make: Callable[[], str] | None = None) -> dict[str, str]:
    filled = {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}
    for name in names:
        filled.setdefault(name, (make or _password)())
    return filled


def _text(kept: dict[str, object], name: str) -> str:
    value = kept.get(name)
    return value if isinstance(value, str) and value else _password()


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def _pin() -> str:
    return "".join(secrets.choice(string.digits) for _ in range(_PIN_LENGTH))


def _written(keyring: Keyring) -> str:
    lines = [
        "# Secrets. Keep the mode of this file at 600 and the file out of backups that others can read.",
        f"trunk = {_quoted(keyring.trunk_password)}",
        f"ami = {_quoted(keyring.ami_password)}",
        f"web = {_quoted(keyring.web_key)}",
        f"recordings = {_quoted(keyring.recordings_key)}",
        f"console = {_quoted(keyring.console_password)}",
    ]
    for table, values in (
        ("phones", keyring.phone_passwords),
        ("operators", keyring.operator_passwords),
        ("override_pins", keyring.override_pins),
    ):
        lines += [
            "",
            f"[{table}]",
            *(f"{_quoted(name)} = {_quoted(value)}" for name, value in values.items()),
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # Strings of JSON are strings of TOML.
    return json.dumps(text, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as e:
        raise KeyringError(f"{path} cannot be written: {e.strerror}") from e
