"""Filing what calls had to leave on disk: the spool, and messages that the dialplan recorded by itself."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime

from sqlalchemy.orm import Session

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

CALL, CERTIFICATE, MESSAGE, REPORT, ROOM = "call", "certificate", "message", "report", "room"
RECEIPT, TEXT = "receipt", "text"


def replay_spool(sessions: Sessions, spool: Spool) -> int:
    """File all items of the spool; returns how many. Each is removed only after its transaction.

    Raises:
        DatabaseGone: the database is still out of reach; what is left waits on.
    """
    filed = 0
    # Calls first: the requests that came of them point to their rows.
    for item in sorted(spool.waiting(), key=lambda item: item.kind != CALL):
        try:
            with transaction(sessions) as session:
                _file(session, item)
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


def _file(session: Session, item: Item) -> None:
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
    elif item.kind == RECEIPT:
        note_news(session, Receipt.model_validate(item.payload), now=item.at)
    elif item.kind == TEXT:
        take_news(session, TextOfCitizen.model_validate(item.payload), now=item.at)
    else:
        raise ValueError("a kind of item that this version does not know")


def replay_messages(sessions: Sessions, settings: Settings) -> int:
    """File the messages that the dialplan recorded while the AGI server was down; returns how many.

    The dialplan writes ``<uniqueid>.wav`` and, when the caller has hung up, ``<uniqueid>.txt`` with the time
    (seconds since 1970) and the calling number. Raises :class:`~desk.db.DatabaseGone`.
    """
    filed = 0
    for note in sorted(settings.messages.glob("*.txt")):
        recording = note.with_suffix(".wav")
        if not recording.exists():
            # Its note is removed last: a run that was cut short comes back here.
            note.unlink()
            continue
        seconds, _, number = note.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
        at = _moment(seconds) or datetime.fromtimestamp(note.stat().st_mtime, UTC)
        # Names of its own: the AGI server may have taken another message in the same call.
        kept = settings.recordings / f"{note.stem}-dialplan.wav"
        settings.recordings.mkdir(parents=True, exist_ok=True)
        if not kept.exists():
            part = kept.with_suffix(".part")
            shutil.copyfile(recording, part)
            part.replace(kept)
        order = MessageOrder(
            recording=kept,
            caller=to_e164(number),
            idempotency_key=f"dialplan-{note.stem}",
            call_unique_id=note.stem,
        )
        with transaction(sessions) as session:
            file_message(session, order, now=at)
        recording.unlink()
        note.unlink()
        filed += 1
    return filed


def _moment(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
