"""What is kept, and for how long: counts stay, numbers go, and nothing that is needed is touched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String, func, select

from desk import db
from desk.drafts import keep_draft
from desk.models import (
    Audit,
    AuditAction,
    Base,
    Booking,
    BookingState,
    Call,
    CallBack,
    CallBackDetails,
    CallBackState,
    CallEvent,
    CallLeg,
    Channel,
    Citizen,
    Consent,
    Device,
    Draft,
    DutyPeriod,
    HandOver,
    IdentificationAttempt,
    InboundKind,
    InboundText,
    Message,
    MessageDetails,
    MessageState,
    Operator,
    PauseReason,
    PlaceStay,
    Purpose,
    QueueEvent,
    QueueStay,
    Request,
    RequestNote,
    RequestPeriod,
    RequestState,
    StayOutcome,
)
from desk.pseudonyms import Pseudonyms
from desk.retention import RULES, apply_retention, remove_old_drafts
from desk.settings import KeepDays, Settings

NUMBER, OTHER = "+393331112201", "+393331112299"
TOWN = "+390200000100"
PSEUDONYMS = Pseudonyms("secret", spared=[TOWN])
#: Longer than anything is kept.
LONG = timedelta(days=4000)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.recordings.mkdir()
    return settings


def a_call(
    name: str, at: datetime, *, number: str = NUMBER, state: RequestState | None = None, settings: Settings
) -> list[Base]:
    """A call with all that is kept of it, and the request it led to."""
    recording = settings.recordings / f"{name}.wav"
    recording.write_bytes(b"sound")
    os.utime(recording, (at.timestamp(), at.timestamp()))
    call = Call(
        unique_id=name,
        caller_e164=number,
        called="+390200000100",
        started_at=at,
        events=[CallEvent(seq=1, node="n", event="answered", detail=f"to {number}", at=at)],
    )
    rows: list[Base] = [
        call,
        QueueEvent(
            source="f",
            position=hash(name) % 2**31,
            at=at,
            call_unique_id=name,
            queue="desk",
            agent="NONE",
            event="ENTERQUEUE",
            data=["", number, "1"],
        ),
        CallLeg(
            source="f",
            position=hash(name) % 2**31,
            unique_id=name,
            linked_id=name,
            caller=number,
            dialled=number if name == "again" else TOWN,
            channel="PJSIP/trunk-00000123",
            other_channel=f"Local/{number}@back-0001;2",
            started_at=at,
            ended_at=at,
            disposition="ANSWERED",
        ),
        QueueStay(call_unique_id=name, caller_e164=number, entered_at=at, outcome=StayOutcome.ANSWERED),
    ]
    if state is not None:
        request = Request(
            reference=name,
            channel=Channel.PHONE,
            kind="message",
            details=MessageDetails(recording=recording),
            contact_e164=number,
            state=state,
            due_on=at.date(),
            filed_at=at,
            idempotency_key=name,
            language="it",
            periods=[RequestPeriod(state=state, started_at=at, by="phone")],
        )
        rows.append(request)
    return rows


def store(sessions: db.Sessions, rows: list[Base]) -> None:
    with db.transaction(sessions) as session:
        session.add_all(rows)
        session.flush()
        calls = {row.unique_id: row for row in rows if isinstance(row, Call)}
        for row in rows:
            if isinstance(row, Request) and row.reference in calls:
                row.call_id = calls[row.reference].id
                session.add(a_text(row))


def a_text(request: Request) -> Message:
    return Message(
        id=request.reference,
        request_id=request.id,
        to_e164=str(request.contact_e164),
        template="t",
        template_version=1,
        language="it",
        body=f"La sua richiesta {request.reference}",
        filled_with={"ref": request.reference},
        state=MessageState.SENT,
        created_at=request.filed_at,
        not_before=request.filed_at,
    )


def counts(sessions: db.Sessions) -> Mapping[str, int]:
    with db.reading(sessions) as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def everything(sessions: db.Sessions) -> str:
    with db.reading(sessions) as session:
        return "\n".join(
            repr(row) for table in Base.metadata.tables.values() for row in session.execute(select(table))
        )


def test_old_numbers_go_and_counts_stay(sessions: db.Sessions, settings: Settings, now: datetime) -> None:
    old = now - LONG
    rows = a_call("12345678", old, state=RequestState.DONE, settings=settings)
    rows += a_call("again", old, settings=settings) + a_call("other", old, number=OTHER, settings=settings)
    rows += a_call_back("87654321", old)
    rows += [
        IdentificationAttempt(caller=NUMBER, at=old),
        IdentificationAttempt(caller=None, at=old),
        InboundText(
            provider_id="p",
            sender=NUMBER,
            body=f"Chiamatemi al {NUMBER}",
            kind=InboundKind.MESSAGE,
            at=old,
            answer=f"Messaggio di {NUMBER} arrivato",
        ),
        HandOver(
            call_unique_id="12345678",
            at=old,
            summary="Richiamata",
            identified=False,
            answers=[{"node": "call_back.number", "answer": NUMBER}],
            recordings=["recordings/12345678-name.wav"],
        ),
        a_consent(given=old, withdrawn=old),
        Audit(at=old, by="anna", action=AuditAction.VIEWED, detail=""),
    ]
    store(sessions, rows)
    before = counts(sessions)

    changed = apply_retention(sessions, settings, PSEUDONYMS, now=now)

    assert counts(sessions) == before
    idle = {name for name, count in changed.items() if count == 0}
    assert idle == {
        "call legs: channel",
        "contacts of appointments",
        "notes on requests",
        "what was said with a change",
        "tax codes of requests",
        "tax codes of appointments",
        "who is enrolled",
        "who asked: applicant",
        "who asked: applicant_key",
        "attachments",
        "hand-overs: citizen_id",
        "places",
        "names of appointments",
        "reasons about rooms",
    }
    assert changed["recordings"] == 3
    text = everything(sessions)
    assert NUMBER not in text
    assert NUMBER[3:] not in text
    assert "La sua richiesta" not in text
    assert "Chiamatemi" not in text
    with db.reading(sessions) as session:
        callers = session.scalars(select(Call.caller_e164).order_by(Call.id)).all()
        # Who called twice still did.
        assert callers == [PSEUDONYMS.of(NUMBER)] * 2 + [PSEUDONYMS.of(OTHER)]
        assert session.scalars(select(QueueStay.caller_e164).order_by(QueueStay.id)).all() == callers
        assert session.scalars(select(QueueEvent.data)).first() == ["", PSEUDONYMS.of(NUMBER), "1"]
        leg = session.scalars(select(CallLeg)).first()
        assert leg
        assert leg.dialled == TOWN
        assert leg.channel == "PJSIP/trunk-00000123"
        assert leg.other_channel == f"Local/{PSEUDONYMS.of(NUMBER)}@back-0001;2"
        assert session.scalars(select(Audit.by)).all() == ["anna"]
    assert set(apply_retention(sessions, settings, PSEUDONYMS, now=now).values()) == {0}


def a_call_back(reference: str, at: datetime) -> list[Base]:
    """A call-back that was made, with its request."""
    request = Request(
        reference=reference,
        channel=Channel.PHONE,
        kind="call_back",
        details=CallBackDetails(number=NUMBER, waiting_since=at),
        contact_e164=NUMBER,
        state=RequestState.DONE,
        due_on=at.date(),
        filed_at=at,
        idempotency_key=reference,
        language="it",
        periods=[RequestPeriod(state=RequestState.DONE, started_at=at, by="system")],
    )
    made = CallBack(
        request=request,
        e164=NUMBER,
        asked_by=NUMBER,
        asked_at=at,
        waiting_since=at,
        state=CallBackState.DONE,
        next_try_at=at,
    )
    return [request, made]


def a_consent(*, given: datetime, withdrawn: datetime | None) -> Consent:
    return Consent(
        e164=NUMBER,
        purpose=Purpose.RECEIPTS,
        text_version="1",
        given_at=given,
        given_how="keypad",
        given_by="call",
        withdrawn_at=withdrawn,
    )


def test_nothing_that_is_still_needed_is_touched(
    town: db.Sessions, settings: Settings, now: datetime
) -> None:
    """Open requests however old, appointments to come, messages that wait, consents in force, drafts."""
    old = now - LONG
    rows: list[Base] = []
    for number, state in enumerate(
        (RequestState.RECEIVED, RequestState.IN_PROGRESS, RequestState.WAITING_CITIZEN)
    ):
        rows += a_call(f"1000000{number}", old, state=state, settings=settings)
    # Filed long ago, closed yesterday.
    late = a_call("20000000", old, state=RequestState.DONE, settings=settings)
    for row in late:
        if isinstance(row, Request):
            row.periods[0].started_at = now - timedelta(days=1)
    spoken = settings.recordings / "identity.wav"
    spoken.write_bytes(b"sound")
    spooled = settings.recordings / "spooled.wav"
    spooled.write_bytes(b"sound")
    for file in (spoken, spooled):
        os.utime(file, (old.timestamp(), old.timestamp()))
    (settings.home / "spool" / "broken").mkdir(parents=True)
    (settings.home / "spool" / "broken" / "x.json").write_text(f'{{"recording": "{spooled}"}}', "utf-8")
    rows += [
        *late,
        a_consent(given=old, withdrawn=None),
        an_appointment(spoken, now + timedelta(days=1), old),
    ]
    store(town, rows)
    with db.transaction(town) as session:
        waiting = a_text(session.scalars(select(Request)).first() or Request())
        waiting.id, waiting.request_id, waiting.state = "waiting", None, MessageState.CREATED
        session.add(waiting)
        keep_draft(session, key="d", caller=NUMBER, kind="certificate", answers={}, now=now)
    before = everything(town)

    changed = apply_retention(town, settings, PSEUDONYMS, now=now)

    assert set(changed.values()) == {0}
    assert everything(town) == before
    assert len(list(settings.recordings.iterdir())) == 6


def an_appointment(recording: Path, starts_at: datetime, booked_at: datetime) -> Booking:
    return Booking(
        reference="30000000",
        service_code="identity_card",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=20),
        state=BookingState.BOOKED,
        channel=Channel.PHONE,
        contact_e164=NUMBER,
        identity_recording=str(recording),
        language="it",
        idempotency_key="b",
        booked_at=booked_at,
    )


def test_an_appointment_that_is_long_over_loses_number_and_recording(
    town: db.Sessions, settings: Settings, now: datetime
) -> None:
    spoken = settings.recordings / "identity.wav"
    spoken.write_bytes(b"sound")
    old = now - LONG
    os.utime(spoken, (old.timestamp(), old.timestamp()))
    store(town, [an_appointment(spoken, old, old)])
    apply_retention(town, settings, PSEUDONYMS, now=now)
    assert not spoken.exists()
    with db.reading(town) as session:
        assert session.scalars(select(Booking.contact_e164)).all() == [PSEUDONYMS.of(NUMBER)]


def test_each_kind_has_its_own_days(sessions: db.Sessions, tmp_path: Path, now: datetime) -> None:
    settings = Settings(home=tmp_path, keep_days=KeepDays(calls=10, queue=30))
    settings.recordings.mkdir()
    store(sessions, a_call("c", now - timedelta(days=20), settings=settings))
    apply_retention(sessions, settings, PSEUDONYMS, now=now)
    with db.reading(sessions) as session:
        assert session.scalars(select(Call.caller_e164)).one() == PSEUDONYMS.of(NUMBER)
        assert session.scalars(select(QueueStay.caller_e164)).one() == NUMBER


def test_days_are_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_KEEP_DAYS__CALLS", "7")
    assert Settings().keep_days.calls == 7
    assert Settings().keep_days.recordings == KeepDays().recordings


def test_more_rows_than_one_portion(
    sessions: db.Sessions, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.retention.PORTION", 3)
    with db.transaction(sessions) as session:
        session.add_all(IdentificationAttempt(caller=NUMBER, at=now - LONG) for _ in range(10))
    assert apply_retention(sessions, settings, PSEUDONYMS, now=now)["failed identifications"] == 10


def test_who_was_identified_in_a_call_goes_with_the_number(
    town: db.Sessions, settings: Settings, now: datetime
) -> None:
    """Else the pseudonym would have a name."""
    handed = {"summary": "", "identified": True, "answers": [], "recordings": []}
    with db.transaction(town) as session:
        citizen = session.scalars(select(Citizen.id)).first()
        for name, at in (("old", now - LONG), ("new", now)):
            session.add(HandOver(call_unique_id=name, at=at, citizen_id=citizen, **handed))
    assert apply_retention(town, settings, PSEUDONYMS, now=now)["hand-overs: citizen_id"] == 1
    with db.reading(town) as session:
        found = dict(iter(session.execute(select(HandOver.call_unique_id, HandOver.citizen_id))))
    assert found == {"old": None, "new": citizen}


def test_where_operators_worked_is_forgotten_but_for_who_is_there(
    town: db.Sessions, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.retention.PORTION", 2)
    kept = timedelta(days=settings.keep_days.places)

    def at_work(login: str, began: datetime, ended: datetime | None) -> None:
        session.add(
            PlaceStay(
                operator_id=session.scalars(select(Operator.id).where(Operator.login == login)).one(),
                extension="201" if login == "anna" else "101",
                device=Device.WEB,
                began_at=began,
                seen_at=began,
                ended_at=ended,
                duties=[
                    DutyPeriod(
                        reason=PauseReason.BREAK, note="dal medico", by=login, began_at=began, ended_at=now
                    ),
                    DutyPeriod(note="", by=login, began_at=began, ended_at=ended),
                ],
            )
        )

    with db.transaction(town) as session:
        for days in (400, 300, 200):
            at_work("anna", now - timedelta(days=days), now - timedelta(days=days - 1))
        at_work("anna", now - kept - timedelta(hours=9), now - kept + timedelta(minutes=1))
        # Somebody who never left is there.
        at_work("bruno", now - LONG, None)
    assert apply_retention(town, settings, PSEUDONYMS, now=now)["places"] == 3
    with db.reading(town) as session:
        assert session.scalar(select(func.count()).select_from(PlaceStay)) == 2
        assert session.scalar(select(func.count()).select_from(DutyPeriod)) == 4
    assert apply_retention(town, settings, PSEUDONYMS, now=now)["places"] == 0


def test_drafts_go_when_they_are_offered_no_more(sessions: db.Sessions, now: datetime) -> None:
    with db.transaction(sessions) as session:
        for hours in (47, 49):
            at = now - timedelta(hours=hours)
            keep_draft(session, key=f"{hours}", caller=NUMBER, kind="certificate", answers={}, now=at)
        assert remove_old_drafts(session, hours=48, now=now) == 1
        assert session.scalars(select(Draft.key)).all() == ["47"]


def test_every_column_that_holds_a_number_has_a_rule() -> None:
    """A new table with telephone numbers must say how long it keeps them."""
    named = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String) and (column.name.endswith("e164") or column.name == "caller")
    }
    #: The register itself; how a number's callers like to be spoken to; what goes after hours.
    kept = {("phone_numbers", "e164"), ("caller_preferences", "e164"), ("drafts", "caller_e164")}
    #: The town's own; what goes with the request that is open.
    kept |= {("direct_lines", "e164"), ("direct_line_phones", "e164"), ("open_lost_calls", "e164")}
    ruled = {(rule.column.class_.__tablename__, rule.column.key) for rule in RULES}
    assert named - kept <= ruled


@given(st.integers(10**5, 10**12).map(lambda n: f"+39{n}"), st.text("ab", min_size=1))
def test_pseudonyms_are_stable_and_depend_on_the_secret(number: str, secret: str) -> None:
    made = Pseudonyms(secret).of(number)
    assert made == Pseudonyms(secret).of(number)
    assert made != Pseudonyms(secret + "c").of(number)
    assert len(made) == 16
    assert number[3:] not in made


@pytest.mark.parametrize(
    "text", ["", "201", "12", "PJSIP/trunk-00000123", "1732447123.45", "answered 8 keys", "Local/201@x"]
)
def test_what_is_no_number_stays(text: str) -> None:
    assert PSEUDONYMS.within(text) == text


def test_references_in_details_stay() -> None:
    assert PSEUDONYMS.within("12345678", digits=9) == "12345678"


def test_what_was_written_about_a_closed_request_goes(
    sessions: db.Sessions, settings: Settings, now: datetime
) -> None:
    old = now - LONG
    store(sessions, a_call("12345678", old, state=RequestState.DONE, settings=settings))
    store(sessions, a_call("22345678", old, state=RequestState.RECEIVED, settings=settings))
    with db.transaction(sessions) as session:
        for request in session.scalars(select(Request)).all():
            request.applicant = "Riva Ugo"
            request.periods[-1].note = "Via Roma 1"
            session.add(RequestNote(request_id=request.id, at=old, by="anna", text="Via Roma 1"))
    apply_retention(sessions, settings, PSEUDONYMS, now=now)
    with db.reading(sessions) as session:
        found = [
            (request.applicant, request.applicant_key, request.periods[-1].note)
            for request in session.scalars(select(Request).order_by(Request.reference))
        ]
        assert found == [(None, None, None), ("Riva Ugo", "riva ugo", "Via Roma 1")]
        notes = session.scalars(select(RequestNote.text).order_by(RequestNote.id)).all()
        assert sorted(notes) == ["", "Via Roma 1"]
