"""Taking in what Asterisk writes down of calls, from its own files, each line once.

``queue_log`` and the call detail records are the durable truth: they grow while the worker is down, and it
goes on where it stopped. What was read and how far are one transaction, so a worker that is killed at any
moment leaves nothing out and takes nothing twice.

A file is known by what it is, not by its name, which a rotation changes: its inode, and its first line, since
inodes are used again. Rotate by renaming (``logger rotate``); what is compressed is not read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from sqlalchemy.orm import Session

from desk.call_records import Leg, close_calls, keep_legs, read_leg
from desk.db import Sessions, one_at_a_time, reading, transaction
from desk.models import IngestPosition
from desk.queue_history import QueueLine, keep_queue_lines, read_queue_line, settle_stays
from desk.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Bytes read in one transaction.
PART = 256 * 1024
#: No first line is longer (bytes): Asterisk's own limit.
_FIRST_LINE = 8192


@dataclass(frozen=True, slots=True)
class Taken:
    """How many lines were taken in, and how many made no sense."""

    lines: int = 0
    broken: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.lines + other.lines, self.broken + other.broken)


@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """A file of Asterisk's that grows line by line: its path below the log folder, and what a line means.

    ``read`` raises ``ValueError`` for a line that makes no sense; ``keep`` gets lines with their places.
    """

    path: str
    read: Callable[[str], T]
    keep: Callable[[Session, str, Sequence[tuple[int, T]], datetime], None]


QUEUE_LOG: Record[QueueLine] = Record("queue_log", read_queue_line, keep_queue_lines)
LEGS: Record[Leg] = Record("cdr-custom/legs.csv", read_leg, keep_legs)


def take_in(sessions: Sessions, settings: Settings, *, now: datetime) -> Taken:
    """Take in all complete lines that were written since the last time. Raises `DatabaseGone`."""
    taken = take_record(sessions, settings.asterisk_log, QUEUE_LOG, now=now)
    taken += take_record(sessions, settings.asterisk_log, LEGS, now=now)
    with transaction(sessions, durable=False) as session:
        settle_stays(session, now=now)
        close_calls(session, now=now)
    return taken


def take_record(sessions: Sessions, folder: Path, record: Record[T], *, now: datetime) -> Taken:
    """Take in what is new of one record, the files that a rotation renamed first."""
    taken = Taken()
    with ExitStack() as opened:
        for file in _files(folder / record.path, opened):
            source = _identity(record, file)
            if source is None or _size(file) <= _position(sessions, source):
                continue
            while (part := _take_part(sessions, record, file, source, now)) is not None:
                taken += part
    return taken


def _take_part(
    sessions: Sessions, record: Record[T], file: BinaryIO, source: str, now: datetime
) -> Taken | None:
    """Take in the next lines of ``file``; ``None`` when no complete one is left."""
    # Not durable: after a power cut position and lines are both as they were before, and are read again.
    with transaction(sessions, durable=False) as session:
        # A second worker by mistake reads after the first one.
        one_at_a_time(session, "ingest")
        reached = session.get(IngestPosition, source)
        start = reached.position if reached else 0
        file.seek(start)
        part = file.read(PART)
        end = part.rfind(b"\n") + 1
        if not end and len(part) < PART:
            # Half a line: the rest is still to be written.
            return None
        lines, broken = _read(record, source, start, part[: end or PART])
        record.keep(session, source, lines, now)
        session.merge(IngestPosition(source=source, position=start + (end or PART), read_at=now))
    return Taken(len(lines), broken)


def _read(record: Record[T], source: str, start: int, part: bytes) -> tuple[list[tuple[int, T]], int]:
    lines, broken, position = [], 0, start
    for raw in part.split(b"\n"):
        # A power cut can leave zeros where the end of the file was.
        text = raw.strip(b"\0\r ").decode("utf-8", "replace")
        if text:
            try:
                lines.append((position, record.read(_clean(text))))
            except ValueError:
                # Only where it is: the line itself may hold a caller's number.
                log.error("%s: the line at byte %d (%s) makes no sense", record.path, position, source)
                broken += 1
        position += len(raw) + 1
    return lines, broken


def _clean(text: str) -> str:
    """``text`` as it is. Raises ``ValueError`` for what a database does not take."""
    if "\0" in text:
        raise ValueError("a zero in the middle")
    return text


def _files(path: Path, opened: ExitStack) -> Iterator[BinaryIO]:
    """The files of a record, oldest first: those a rotation renamed, then the one that grows."""
    found: dict[tuple[int, int], tuple[bool, int, BinaryIO]] = {}
    for name in path.parent.glob(f"{path.name}*"):
        if name.suffix in {".gz", ".bz2", ".xz", ".Z", ".zst"}:
            continue
        try:
            file: BinaryIO = opened.enter_context(name.open("rb"))
        except FileNotFoundError:
            # It was renamed just now; the next run finds it.
            continue
        except OSError as e:
            log.error("%s cannot be read: %s", name, e.strerror)
            continue
        facts = os.fstat(file.fileno())
        # One file under two names was renamed while we looked.
        found.setdefault((facts.st_dev, facts.st_ino), (name == path, facts.st_mtime_ns, file))
    for _, _, file in sorted(found.values(), key=lambda entry: entry[:2]):
        yield file


def _identity(record: Record[T], file: BinaryIO) -> str | None:
    """What the file is known by; ``None`` until its first line is complete."""
    first, newline, _ = file.read(_FIRST_LINE).partition(b"\n")
    if not newline and len(first) < _FIRST_LINE:
        return None
    facts = os.fstat(file.fileno())
    digest = hashlib.sha256(first).hexdigest()[:16]
    return f"{Path(record.path).name}:{facts.st_dev:x}:{facts.st_ino:x}:{digest}"


def _position(sessions: Sessions, source: str) -> int:
    with reading(sessions) as session:
        reached = session.get(IngestPosition, source)
        return reached.position if reached else 0


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size
