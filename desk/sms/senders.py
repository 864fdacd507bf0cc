"""Where messages go. A sender gets one message at a time and holds no database session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from desk.outbox import Undelivered


class Sender(Protocol):
    """A way out. ``send`` returns the provider's name for the message, or raises
    :class:`~desk.outbox.Undelivered`."""

    def send(self, message_id: str, to: str, body: str) -> str: ...


class FileSender:
    """Writes what would be sent to a file for the owner's eyes only (mode 600)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message_id: str, to: str, body: str) -> str:
        try:
            with open(
                os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
            ) as file:
                file.write(f"To {to} ({message_id}):\n{body}\n\n")
        except OSError as e:
            raise Undelivered(f"file: {e.strerror}") from e
        return f"file-{message_id}"
