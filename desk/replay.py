"""Filing what calls had to leave on disk: the spool, and messages that the dialplan recorded by itself."""

from __future__ import annotations

import logging
import shutil
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from desk.call_backs import CallBackLimits, CallBackOrder, ask_call_back
from desk.call_log import CallRecord, log_call
from desk.certificates import CertificateOrder, file_certificate
from desk.complaints import ReportOrder, file_report
from desk.db import DatabaseGone, Sessions, transaction
from desk.phone_numbers import to_e164
from desk.provider_news import Receipt, TextOfCitizen, note_news, take_news
from desk.requests import MessageOrder, file_message
from desk.rooms import RoomOrder, ask_for_room
from desk.settings import Settings
from desk.spool import Item, Spool

log = logging.getLogger(__name__)

#: No message lasts that long: one that was not ended by then never will be.
NEVER_ENDED = timedelta(minutes=10)
#: Bytes before the sound in a recording of Asterisk's.
WAV_HEAD = 44

CALL, CERTIFICATE, MESSAGE, REPORT, ROOM = "call", "certificate", "message", "report", "room"
CALL_BACK = "call_back"
_USUAL = CallBackLimits()
RECEIPT, TEXT = "receipt", "text"


def replay_spool(sessions: Sessions, spool: Spool, limits: CallBackLimits = _USUAL) -> int:
    """File all items of the spool; returns how many. Each is removed only after its transaction.

    Raises:
        DatabaseGone: the database is still out of reach; what is left waits on.
    """
    filed = 0
    # Calls first: the requests that came of them point to their rows.
    for item in sorted(spool.waiting(), key=lambda item: item.kind != CALL):
        try:
            with transaction(sessions) as session:
                _file(session, item, limits)
        except DatabaseGone:
            raise
        except Exception:
            # Whatever is wrong with one item, the citizens behind it must not wait for it.
            log.exception("an item of the spool cannot be filed")
            spool.put_aside(item)
            continue
        spool.done(item)
        filed += 1
    return filed


def _file(session: Session, item: Item, limits: CallBackLimits) -> None:
    # The citizen confirmed when the item was put into the spool, not now.
    if item.kind == CERTIFICATE:
        file_certificate(session, CertificateOrder.model_validate(item.payload), now=item.at)
    elif item.kind == MESSAGE:
        file_message(session, MessageOrder.model_validate(item.payload), now=item.at)
    elif item.kind == CALL:
        log_call(session, CallRecord.model_validate(item.payload))
    elif item.kind == REPORT:
        file_report(session, ReportOrder.model_validate(item.payload), now=item.at)
    elif item.kind == ROOM:
        # The caller was told that it would be filed, so it is: the office says if the room is gone by now.
        ask_for_room(session, RoomOrder.model_validate(item.payload), now=item.at, even_if_taken=True)
    elif item.kind == CALL_BACK:
        ask_call_back(session, CallBackOrder.model_validate(item.payload), limits=limits, now=item.at)
    elif item.kind == RECEIPT:
        note_news(session, Receipt.model_validate(item.payload), now=item.at)
    elif item.kind == TEXT:
        take_news(session, TextOfCitizen.model_validate(item.payload), now=item.at)
    else:
        raise ValueError("a kind of item that this version does not know")


def replay_messages(sessions: Sessions, settings: Settings, *, now: datetime) -> int:
    """File the messages that the dialplan recorded while the AGI server was down; returns how many.

    The dialplan writes ``<uniqueid>.begun`` with the time (seconds since 1970) and the calling number, then
    the recording ``<uniqueid>.wav`` and, when the caller has hung up, ``<uniqueid>.txt`` like the first one.
    A recording whose note never comes (Asterisk was killed meanwhile) is filed after :data:`NEVER_ENDED`.
    Raises :class:`~desk.db.DatabaseGone`.
    """
    filed = 0
    for note in sorted(settings.messages.glob("*.txt")):
        recording = note.with_suffix(".wav")
        if recording.exists():
            _file_recording(sessions, settings, recording, note)
            filed += 1
        # The notes are removed last: a run that was cut short comes back here.
        _forget(note)
    for recording in sorted(settings.messages.glob("*.wav")):
        if _written_at(recording) < now - NEVER_ENDED:
            begun = recording.with_suffix(".begun")
            _end(recording)
            _file_recording(sessions, settings, recording, begun)
            _forget(begun)
            filed += 1
    for begun in settings.messages.glob("*.begun"):
        # The caller hung up before there was anything to record.
        if not begun.with_suffix(".wav").exists() and _written_at(begun) < now - NEVER_ENDED:
            _forget(begun)
    return filed


def _file_recording(sessions: Sessions, settings: Settings, recording: Path, note: Path) -> None:
    seconds, _, number = _text(note).strip().partition(" ")
    # Names of its own: the AGI server may have taken another message in the same call.
    kept = settings.recordings / f"{recording.stem}-dialplan.wav"
    settings.recordings.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        part = kept.with_suffix(".part")
        shutil.copyfile(recording, part)
        part.replace(kept)
    order = MessageOrder(
        recording=kept,
        caller=to_e164(number),
        idempotency_key=f"dialplan-{recording.stem}",
        call_unique_id=recording.stem,
    )
    with transaction(sessions) as session:
        file_message(session, order, now=_moment(seconds) or _written_at(recording))
    recording.unlink()


def _end(recording: Path) -> None:
    """Let the head of a recording say how long it is: Asterisk does that when it ends one."""
    data = recording.read_bytes()[WAV_HEAD:]
    with wave.open(str(recording), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(data[: len(data) // 2 * 2])


def _forget(note: Path) -> None:
    note.with_suffix(".begun").unlink(missing_ok=True)
    note.unlink(missing_ok=True)


def _text(note: Path) -> str:
    try:
        return note.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _moment(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
