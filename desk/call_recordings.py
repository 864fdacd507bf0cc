"""Recorded talks: encrypted as soon as they are over, kept for some days, opened for few and never unseen.

Asterisk leaves ``<unique id>.wav`` and, when the call is over, the note ``<unique id>.txt`` beside it. Then
the encrypted file is safe on the disk, the recording goes, the row is written, the note goes: whatever
happens between two of these steps, the next run goes on from there. Nothing is lost, and no recording lies
open for longer than one run takes, also while the database is away.
"""

from __future__ import annotations

import io
import logging
import re
import time
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.db import Sessions, insert, reading, transaction
from desk.models import CallRecording, RecordingAccess, RoutingRules
from desk.operators import operator_by_login
from desk.permissions import Permission, roles_that_may
from desk.sealed_files import Unreadable, cipher_of, seal, unseal
from desk.settings import Settings
from desk.spool import sync_folder, write_durably

log = logging.getLogger(__name__)

#: Who may listen.
READERS = roles_that_may(Permission.HEAR_TALKS)
#: A recording that was not written to for so long (seconds) and has no note is what a crash of Asterisk left.
ABANDONED = 3600
#: Days kept where the town's rules are missing.
_DAYS = 30
#: What Asterisk calls a call, and so what a file of ours may be called.
_UNIQUE_ID = re.compile(r"[\w.-]{1,80}", re.ASCII)


class NotAllowed(Exception):
    """This log-in may not listen to recorded talks."""


class NoRecording(Exception):
    """There is no such recording, or it cannot be opened."""


def keep_recorded_calls(sessions: Sessions, settings: Settings, *, now: datetime) -> int:
    """Encrypt the recordings that are complete; returns how many were.

    Raises:
        DatabaseGone: the rows are written when it is back. Nothing lies open meanwhile.
    """
    folder = settings.recorded_calls
    _note_abandoned(folder)
    notes = [note for note in sorted(folder.glob("*.txt")) if _UNIQUE_ID.fullmatch(note.stem)]
    if not notes:
        return 0
    cipher = cipher_of(settings)
    kept = [note for note in notes if _encrypt(cipher, settings, note.with_suffix(".wav"))]
    for note in kept:
        sealed = _sealed(settings, note.stem)
        seconds = _seconds(cipher, sealed, note.stem)
        with transaction(sessions) as session:
            _keep_row(session, note.stem, sealed.name, seconds, _moment(note), now)
        note.unlink()
    return len(kept)


def delete_expired(sessions: Sessions, settings: Settings, *, now: datetime) -> int:
    """Delete the recordings whose time is over, each with its row; returns how many."""
    with reading(sessions) as session:
        expired = session.scalars(select(CallRecording).where(CallRecording.until <= now)).all()
    for recording in expired:
        # The file first: a row without its file is tried again, a file without its row would stay for ever.
        (settings.call_recordings / recording.file).unlink(missing_ok=True)
        with transaction(sessions) as session:
            row = session.get(CallRecording, recording.call_unique_id)
            if row is not None:
                session.delete(row)
    return len(expired)


def open_recording(
    sessions: Sessions, settings: Settings, call_unique_id: str, *, by: str, now: datetime
) -> bytes:
    """The talk as a WAV file, for the operator with the log-in ``by``; that it was asked for is kept first.

    Raises:
        NotAllowed: this log-in may not.
        NoRecording: there is none (any more), or it was tampered with.
    """
    with transaction(sessions) as session:
        reader = operator_by_login(session, by)
        allowed = reader is not None and reader.active and reader.role in READERS
        session.add(RecordingAccess(call_unique_id=call_unique_id[:80], by=by[:40], at=now, allowed=allowed))
        row = session.get(CallRecording, call_unique_id)
    if not allowed:
        raise NotAllowed(by)
    if row is None:
        raise NoRecording(call_unique_id)
    return _decrypt(cipher_of(settings), settings.call_recordings / row.file, call_unique_id)


def _note_abandoned(folder: Path) -> None:
    """Write the note that a crash kept Asterisk from writing."""
    for recording in folder.glob("*.wav"):
        written = recording.stat().st_mtime
        if written < time.time() - ABANDONED:
            note = recording.with_suffix(".txt")
            if not note.exists():
                note.write_text(f"{written:.0f}\n", encoding="ascii")


def _encrypt(cipher: AESGCM, settings: Settings, recording: Path) -> bool:
    """Put the encrypted recording in its place and remove the open one; whether there is an encrypted one."""
    sealed = _sealed(settings, recording.stem)
    if recording.exists():
        sealed.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(sealed, seal(cipher, recording.read_bytes(), recording.stem))
        recording.unlink()
        sync_folder(recording.parent)
    if not sealed.exists():
        log.error("a note speaks of a recorded call that is not there")
        recording.with_suffix(".txt").unlink()
        return False
    return True


def _decrypt(cipher: AESGCM, sealed: Path, unique_id: str) -> bytes:
    try:
        return unseal(cipher, sealed.read_bytes(), unique_id)
    except (OSError, Unreadable) as e:
        raise NoRecording(unique_id) from e


def _sealed(settings: Settings, unique_id: str) -> Path:
    return settings.call_recordings / f"{unique_id}.enc"


def _keep_row(
    session: Session, unique_id: str, file: str, seconds: int, recorded_at: datetime, now: datetime
) -> None:
    rules = session.get(RoutingRules, 1)
    days = rules.recordings_days if rules else _DAYS
    session.execute(
        insert(session.get_bind().dialect.name, CallRecording.__table__)
        .values(
            call_unique_id=unique_id,
            file=file,
            seconds=seconds,
            recorded_at=recorded_at,
            until=now + timedelta(days=days),
        )
        .on_conflict_do_nothing(index_elements=["call_unique_id"])
    )


def _seconds(cipher: AESGCM, sealed: Path, unique_id: str) -> int:
    try:
        with wave.open(io.BytesIO(_decrypt(cipher, sealed, unique_id))) as sound:
            frames, rate = int(sound.getnframes()), int(sound.getframerate())
    except (NoRecording, wave.Error, EOFError):
        # A crash can leave it without a proper head; what was said is in it all the same.
        return 0
    return round(frames / rate)


def _moment(note: Path) -> datetime:
    try:
        return datetime.fromtimestamp(int(note.read_text(encoding="ascii").strip()), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(note.stat().st_mtime, UTC)
