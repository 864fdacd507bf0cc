"""Documents that belong to requests: checked, encrypted on the disk, removed when their time is over."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath, PureWindowsPath

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.models import Request, RequestAttachment
from desk.recordings import is_needed
from desk.sealed_files import Unreadable, cipher_of, seal, unseal
from desk.settings import Settings
from desk.spool import write_durably

#: Bytes of one document, and documents of one request.
LARGEST = 10 * 1024 * 1024
MOST = 20
#: How a document of each kind begins: what is taken, whatever its name says.
MEDIA_TYPES: Mapping[bytes, str] = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
_LONGEST_NAME = 120
#: A file that no row tells of for so long (seconds) was left by what broke off.
_LEFT = 24 * 3600


class Attached(StrEnum):
    """What became of a document."""

    ATTACHED = "attached"
    NO_REQUEST = "no_request"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    TOO_MANY = "too_many"


class NoAttachment(Exception):
    """There is no such document, or it cannot be opened."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was attached."""

    name: str
    media_type: str
    data: bytes


def attach(
    sessions: Sessions, settings: Settings, reference: str, *, name: str, data: bytes, by: str, now: datetime
) -> Attached:
    """Keep a document with the request.

    Args:
        sessions: of the database.
        settings: where documents are kept.
        reference: of the request.
        name: what the document is called; folders in it are left out.
        data: the document, whole.
        by: log-in of who attaches it.
        now: the time.

    Raises:
        DatabaseGone: nothing was kept.
        KeyringError: nothing was kept.
    """
    if not data:
        return Attached.EMPTY
    if len(data) > LARGEST:
        return Attached.TOO_LARGE
    media_type = next((kind for begin, kind in MEDIA_TYPES.items() if data.startswith(begin)), None)
    if media_type is None:
        return Attached.WRONG_TYPE
    file = f"{uuid.uuid4()}.enc"
    with transaction(sessions) as session:
        # Locked: two who attach at once must not both find room for one more.
        number = session.scalar(select(Request.id).where(Request.reference == reference).with_for_update())
        if number is None:
            return Attached.NO_REQUEST
        count = select(func.count()).where(RequestAttachment.request_id == number)
        if (session.scalar(count) or 0) >= MOST:
            return Attached.TOO_MANY
        # The file first: a row without its file would promise what is not there.
        settings.attachments.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(settings.attachments / file, seal(cipher_of(settings), data, file))
        session.add(
            RequestAttachment(
                request_id=number,
                file=file,
                name=_plain(name),
                media_type=media_type,
                size=len(data),
                added_at=now,
                by=by,
            )
        )
    return Attached.ATTACHED


def open_attachment(
    sessions: Sessions, settings: Settings, reference: str, number: int, *, by: str, now: datetime
) -> Document:
    """The document ``number`` of the request; that ``by`` takes it out is kept first.

    Raises:
        NoAttachment: see there.
        DatabaseGone: nothing is shown.
    """
    with transaction(sessions) as session:
        row = session.scalar(
            select(RequestAttachment)
            .join(Request, Request.id == RequestAttachment.request_id)
            .where(Request.reference == reference, RequestAttachment.id == number)
        )
        if row is None:
            raise NoAttachment(reference)
        citizen = session.scalar(select(Request.citizen_id).where(Request.id == row.request_id))
        note_look(
            session,
            by=by,
            action=AuditAction.DOWNLOADED,
            now=now,
            citizen_id=citizen,
            request_id=row.request_id,
            detail=f"attachment {row.id}",
        )
    try:
        data = unseal(cipher_of(settings), (settings.attachments / row.file).read_bytes(), row.file)
    except (OSError, Unreadable) as e:
        raise NoAttachment(reference) from e
    return Document(row.name, row.media_type, data)


def attachments_of(session: Session, request_id: int) -> Sequence[RequestAttachment]:
    """The documents of a request, the oldest first."""
    return session.scalars(
        select(RequestAttachment)
        .where(RequestAttachment.request_id == request_id)
        .order_by(RequestAttachment.id)
    ).all()


def remove_attachments(session: Session, settings: Settings, numbers: Collection[int]) -> int:
    """Remove these documents, in the transaction of what wants it; returns how many there were."""
    rows = session.scalars(select(RequestAttachment).where(RequestAttachment.id.in_(numbers))).all()
    for row in rows:
        # The file first: what is to go must not stay because something else failed.
        (settings.attachments / row.file).unlink(missing_ok=True)
        session.delete(row)
    session.flush()
    return len(rows)


def remove_old_attachments(sessions: Sessions, settings: Settings, *, now: datetime) -> int:
    """Remove the documents of requests that are closed for long, and files that no row tells of."""
    before = now - timedelta(days=settings.keep_days.attachments)
    with transaction(sessions) as session:
        old = session.scalars(
            select(RequestAttachment.id)
            .join(Request, Request.id == RequestAttachment.request_id)
            .where(RequestAttachment.added_at < before, ~is_needed(before))
        ).all()
        removed = remove_attachments(session, settings, old)
    lost = [file for file in settings.attachments.glob("*.enc") if file.stat().st_mtime < time.time() - _LEFT]
    if lost:
        with reading(sessions) as session:
            known = set(session.scalars(select(RequestAttachment.file)))
        for file in lost:
            if file.name not in known:
                file.unlink(missing_ok=True)
                removed += 1
    return removed


def _plain(name: str) -> str:
    """The name alone, printable, with its end if it has to be cut."""
    last = PurePosixPath(PureWindowsPath(name).name).name
    plain = "".join(letter for letter in last if letter.isprintable()).strip() or "documento"
    if len(plain) <= _LONGEST_NAME:
        return plain
    end = PurePosixPath(plain).suffix[:10]
    return plain[: _LONGEST_NAME - len(end)] + end
