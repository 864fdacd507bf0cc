"""What callers said: which recordings belong to what, which are still needed, and removing the others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from desk.due_dates import OPEN
from desk.models import Booking, BookingState, Request, RequestDetails, RequestPeriod
from desk.settings import Settings

log = logging.getLogger(__name__)


def recordings_of(details: RequestDetails) -> Iterator[Path]:
    """The recordings that a request of any kind names."""
    for value in details.model_dump().values():
        if isinstance(value, Path):
            yield value


def is_needed(since: datetime) -> ColumnElement[bool]:
    """Requests that are open, or were closed after ``since``."""
    closed_lately = (
        select(RequestPeriod.request_id)
        .where(RequestPeriod.ended_at.is_(None), RequestPeriod.started_at >= since)
        .scalar_subquery()
    )
    return or_(Request.state.in_(OPEN), Request.id.in_(closed_lately))


def is_to_come(since: datetime) -> ColumnElement[bool]:
    """Appointments that are not over for long."""
    return Booking.ends_at >= since


def needed_recordings(session: Session, *, since: datetime) -> Iterator[Path]:
    """The recordings of what is open, to come, or was closed after ``since``."""
    for details in session.scalars(select(Request.details).where(is_needed(since))):
        yield from recordings_of(details)
    spoken = select(Booking.identity_recording).where(
        Booking.identity_recording.is_not(None),
        is_to_come(since),
        Booking.state == BookingState.BOOKED,
    )
    for path in session.scalars(spoken):
        yield Path(str(path))


def remove_old_recordings(settings: Settings, needed: Iterable[Path], *, before: datetime) -> int:
    """Remove the recordings made before that moment which nobody needs; returns how many.

    What lies in the spool is not filed yet, or never could be: its recordings are needed.
    """
    home, folder = settings.home.resolve(), settings.recordings
    kept = {(home / path).resolve() for path in needed}
    spooled = "\n".join(
        file.read_text(encoding="utf-8", errors="replace") for file in (home / "spool").rglob("*.json")
    )
    removed = 0
    for file in folder.rglob("*"):
        # A link could lead out of the folder.
        if file.is_symlink() or not file.is_file() or file.name in spooled or file.resolve() in kept:
            continue
        if file.stat().st_mtime < before.timestamp():
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def remove_recordings(settings: Settings, paths: Iterable[Path]) -> int:
    """Remove exactly these, as far as they are recordings of ours; returns how many there were."""
    home = settings.home.resolve()
    removed = 0
    for path in paths:
        file = (home / path).resolve()
        if file.is_relative_to(settings.recordings) and file.is_file():
            file.unlink()
            removed += 1
    return removed
