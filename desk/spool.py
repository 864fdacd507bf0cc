"""What could not be written to the database, safe on disk until it can.

One file per item, written whole (temporary file, fsync, rename, fsync of the folder) or not at all. The
item's key is the idempotency key of what it stands for, so filing it twice does no harm.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits: its kind, its payload (JSON values) and the moment it was put there."""

    kind: str
    key: str
    payload: dict[str, Any]
    at: datetime
    path: Path


class Spool:
    """The spool in ``folder``; safe to use by several processes at once."""

    def __init__(self, folder: Path) -> None:
        self._waiting = folder / "waiting"
        self._broken = folder / "broken"

    def put(self, kind: str, key: str, payload: BaseModel, *, now: datetime) -> None:
        """Keep an item; on return it survives a power cut. Raises ``OSError`` if the disk refuses it."""
        self._make_folder()
        text = json.dumps(
            {"kind": kind, "key": key, "at": now.isoformat(), "payload": payload.model_dump(mode="json")}
        )
        # The key may come from outside, the name of a file must not.
        name = hashlib.sha256(f"{kind}:{key}".encode()).hexdigest()[:32]
        path = self._waiting / f"{name}.json"
        write_durably(path, text.encode())

    def waiting(self) -> Iterator[Item]:
        """The items, oldest first. What cannot be read is put aside and reported in the log."""
        files = []
        for path in self._waiting.glob("*.json"):
            try:
                files.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue
        for _, path in sorted(files):
            item = self._read(path)
            if item is not None:
                yield item

    def done(self, item: Item) -> None:
        """Remove an item that has been filed."""
        item.path.unlink(missing_ok=True)
        sync_folder(self._waiting)

    def put_aside(self, item: Item) -> None:
        """Keep an item that can never be filed for somebody to look at."""
        self._set_aside(item.path)

    def _make_folder(self) -> None:
        if not self._waiting.is_dir():
            self._waiting.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The folder's own name must survive a power cut, too.
            sync_folder(self._waiting.parent)
            sync_folder(self._waiting.parent.parent)

    def _read(self, path: Path) -> Item | None:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return Item(
                str(data["kind"]),
                str(data["key"]),
                dict(data["payload"]),
                datetime.fromisoformat(data["at"]),
                path,
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            self._set_aside(path)
            return None

    def _set_aside(self, path: Path) -> None:
        self._broken.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            path.replace(self._broken / path.name)
        except FileNotFoundError:
            # Another process was faster.
            return
        log.error("the spool had an item that cannot be filed: see %s", self._broken / path.name)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, readable by us only; on return it survives a power cut."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.{threading.get_ident()}")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed or removed in ``folder`` stays so after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
