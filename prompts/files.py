"""Files that Asterisk reads: below folders that its user may enter, and never half written."""

from __future__ import annotations

import secrets
from pathlib import Path


def open_folder(folder: Path) -> None:
    """Makes the folder and those above it, readable for the user that Asterisk runs as."""
    if not folder.parent.exists():
        open_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    if folder.stat().st_mode & 0o777 != 0o755:
        folder.chmod(0o755)


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable for the user that Asterisk runs as."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(data)
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
