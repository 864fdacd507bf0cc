"""Where messages go. A sender gets one message at a time and holds no database session."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from desk.outbox import Undelivered


@dataclass(frozen=True, slots=True)
class Text:
    """What a sender needs."""

    id: str
    to: str
    body: str
    created_at: datetime


class Sender(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """What the route is called in rows and settings."""

    @property
    def gives_receipts(self) -> bool:
        """Whether it tells later what became of a message."""

    @property
    def can_find(self) -> bool:
        """Whether it can be asked if it has a message."""

    def send(self, text: Text) -> str:
        """Hand it over and return the provider's name for it.

        Raises:
            Undelivered: it certainly was not taken.
            InDoubt: it may have been taken.
        """

    def find(self, text: Text) -> Sequence[str]:
        """The provider's names for the messages it has that may be this one, the oldest first.

        Raises :class:`~desk.outbox.Undelivered` if it cannot say now.
        """


class FileSender:
    """Writes what would be sent to a file for the owner's eyes only (mode 600)."""

    name = "file"
    gives_receipts = False
    can_find = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, text: Text) -> str:
        try:
            with open(
                os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"
            ) as file:
                file.write(f"To {text.to} ({text.id}):\n{text.body}\n\n")
        except OSError as e:
            raise Undelivered(f"file: {e.strerror}") from e
        return f"file-{text.id}"

    def find(self, text: Text) -> Sequence[str]:
        try:
            with self._path.open(encoding="utf-8") as file:
                written = any(f"({text.id}):" in line for line in file)
        except FileNotFoundError:
            written = False
        except OSError as e:
            raise Undelivered(f"file: {e.strerror}") from e
        return [f"file-{text.id}"] if written else []
