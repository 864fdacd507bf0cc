"""Documents of requests: what is taken, sealed on the disk, who took them out, when they go."""

from __future__ import annotations

import os
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from desk import attachments, db
from desk.attachments import (
    Attached,
    NoAttachment,
    attach,
    attachments_of,
    open_attachment,
    remove_old_attachments,
)
from desk.citizen_export import export_citizen
from desk.citizens import register_citizen
from desk.erasure import erase_citizen
from desk.models import (
    Audit,
    Channel,
    Citizen,
    MessageDetails,
    Request,
    RequestAttachment,
    RequestKind,
    RequestNote,
    RequestPeriod,
    RequestState,
)
from desk.pseudonyms import Pseudonyms
from desk.settings import Settings

PDF = b"%PDF-1.7 Codice fiscale CLMGLI80C55F205N"
REFERENCE = "12345674"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def request_id(sessions: db.Sessions, now: datetime) -> int:
    with db.transaction(sessions) as session:
        request = Request(
            reference=REFERENCE,
            idempotency_key=REFERENCE,
            channel=Channel.COUNTER,
            kind=RequestKind.MESSAGE,
            details=MessageDetails(text="x"),
            state=RequestState.RECEIVED,
            due_on=now.date(),
            filed_at=now,
            language="it",
            periods=[RequestPeriod(state=RequestState.RECEIVED, started_at=now, by="anna")],
        )
        session.add(request)
        session.flush()
        return request.id


def test_a_document_is_kept_sealed_and_taken_out_by_name(
    sessions: db.Sessions, settings: Settings, request_id: int, now: datetime
) -> None:
    name = "C:\\scans\\../carta d’identità.pdf"
    kept = attach(sessions, settings, REFERENCE, name=name, data=PDF, by="anna", now=now)
    assert kept is Attached.ATTACHED
    (file,) = settings.attachments.iterdir()
    assert b"CLMGLI" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    with db.reading(sessions) as session:
        (row,) = attachments_of(session, request_id)
    document = open_attachment(sessions, settings, REFERENCE, row.id, by="bruno", now=now)
    assert (document.name, document.media_type, document.data) == (
        "carta d’identità.pdf",
        "application/pdf",
        PDF,
    )
    with db.reading(sessions) as session:
        (look,) = session.scalars(select(Audit)).all()
        assert (look.by, look.action.value, look.request_id) == ("bruno", "downloaded", request_id)
    for reference, number in ((REFERENCE, row.id + 1), ("22345673", row.id)):
        with pytest.raises(NoAttachment):
            open_attachment(sessions, settings, reference, number, by="bruno", now=now)
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(NoAttachment):
        open_attachment(sessions, settings, REFERENCE, row.id, by="bruno", now=now)


def test_what_is_no_document_is_refused(
    sessions: db.Sessions,
    settings: Settings,
    request_id: int,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def put(data: bytes, reference: str = REFERENCE) -> Attached:
        return attach(sessions, settings, reference, name="a", data=data, by="anna", now=now)

    monkeypatch.setattr(attachments, "LARGEST", 20)
    monkeypatch.setattr(attachments, "MOST", 2)
    assert put(b"") is Attached.EMPTY
    assert put(b"%PDF-" + b"x" * 16) is Attached.TOO_LARGE
    assert put(b"MZ\x90 a program") is Attached.WRONG_TYPE
    assert put(b"<svg onload='x'/>") is Attached.WRONG_TYPE
    assert put(b"%PDF-", "22345673") is Attached.NO_REQUEST
    assert [put(b"%PDF-"), put(b"\xff\xd8\xff"), put(b"%PDF-")] == [
        Attached.ATTACHED,
        Attached.ATTACHED,
        Attached.TOO_MANY,
    ]
    assert len(list(settings.attachments.iterdir())) == 2


def test_documents_go_when_their_request_is_closed_for_long(
    sessions: db.Sessions, settings: Settings, request_id: int, now: datetime
) -> None:
    attach(sessions, settings, REFERENCE, name="a.pdf", data=PDF, by="anna", now=now)
    lost = settings.attachments / "00000000-0000-0000-0000-000000000000.enc"
    lost.write_bytes(b"x")
    later = now + timedelta(days=settings.keep_days.attachments + 1)
    assert remove_old_attachments(sessions, settings, now=later) == 0
    os.utime(lost, (time.time() - 2 * 86400,) * 2)
    assert remove_old_attachments(sessions, settings, now=later) == 1
    with db.transaction(sessions) as session:
        request = session.get_one(Request, request_id)
        request.state = request.periods[0].state = RequestState.DONE
    assert remove_old_attachments(sessions, settings, now=later - timedelta(days=2)) == 0
    assert remove_old_attachments(sessions, settings, now=later) == 1
    assert list(settings.attachments.iterdir()) == []
    with db.reading(sessions) as session:
        assert session.scalars(select(RequestAttachment)).all() == []


def test_documents_and_notes_go_with_their_citizen(
    sessions: db.Sessions, settings: Settings, request_id: int, now: datetime
) -> None:
    attach(sessions, settings, REFERENCE, name="a.pdf", data=PDF, by="anna", now=now)
    with db.transaction(sessions) as session:
        giulia = register_citizen(
            session,
            tax_code="CLMGLI80C55F205N",
            first_name="Giulia",
            last_name="Colombo",
            birth_date=date(1980, 3, 15),
            address="Via Brasca 4",
            phone_numbers=(),
            now=now,
        )
        request = session.get_one(Request, request_id)
        request.citizen_id = giulia.id
        request.state = request.periods[0].state = RequestState.DONE
        request.periods[0].note = "è la figlia di Marco"
        session.add(RequestNote(request_id=request_id, at=now, by="anna", text="abita in Via Brasca"))
    settings.recordings.mkdir()
    with db.transaction(sessions) as session:
        exported = export_citizen(
            session, giulia, settings, Pseudonyms("secret"), by="capo", how="page", now=now
        ).decode()
        assert "abita in Via Brasca" in exported
        assert "è la figlia di Marco" in exported
        assert '"a.pdf"' in exported
    with db.transaction(sessions) as session:
        erased = erase_citizen(
            session,
            session.get_one(Citizen, giulia.id),
            settings,
            Pseudonyms("secret"),
            by="capo",
            how="page",
            now=now,
        )
        assert erased.rows["request_attachments"] == erased.rows["request_notes"] == 1
    assert list(settings.attachments.iterdir()) == []
    with db.reading(sessions) as session:
        assert session.scalars(select(RequestNote.text)).all() == [""]
        assert session.get_one(Request, request_id).periods[0].note is None
        assert session.scalars(select(Citizen.name_key)).all() == [""]
