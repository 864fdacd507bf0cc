"""Recorded talks on real files: encrypted, opened by few, deleted; a crash anywhere does no harm."""

from __future__ import annotations

import io
import os
import stat
import time
import wave
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from desk import call_recordings, db
from desk.call_recordings import (
    NoRecording,
    NotAllowed,
    delete_expired,
    keep_recorded_calls,
    open_recording,
)
from desk.models import CallRecording, Operator, RecordingAccess, Role, RoutingRules
from desk.operators import create_operator
from desk.settings import Settings

CALL = "1795536186.12"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    settings.recorded_calls.mkdir(parents=True)
    return settings


def recorded(settings: Settings, at: datetime, *, seconds: int = 3, note: bool = True) -> bytes:
    """What Asterisk leaves of a call; returns the file's content."""
    path = settings.recorded_calls / f"{CALL}.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(os.urandom(16000 * seconds))
    if note:
        path.with_suffix(".txt").write_text(f"{at.timestamp():.0f}\n", encoding="ascii")
    return path.read_bytes()


def people(sessions: db.Sessions) -> None:
    with db.transaction(sessions) as session:
        for login, role in (("anna", Role.OPERATOR), ("bruno", Role.SUPERVISOR), ("carla", Role.SUPERVISOR)):
            create_operator(session, login=login, name=login, password="p", role=role)
        # She has left.
        session.execute(update(Operator).where(Operator.login == "carla").values(active=False))


def rows(sessions: db.Sessions) -> list[CallRecording]:
    with db.reading(sessions) as session:
        return list(session.scalars(select(CallRecording)))


def test_encrypted_kept_opened_and_deleted(sessions: db.Sessions, settings: Settings, now: datetime) -> None:
    people(sessions)
    with db.transaction(sessions) as session:
        session.add(RoutingRules(recordings_days=7))
    words = recorded(settings, now - timedelta(minutes=1))
    assert keep_recorded_calls(sessions, settings, now=now) == 1
    assert list(settings.recorded_calls.iterdir()) == []
    (row,) = rows(sessions)
    assert (row.call_unique_id, row.seconds, row.recorded_at, row.until) == (
        CALL,
        3,
        now - timedelta(minutes=1),
        now + timedelta(days=7),
    )
    (sealed,) = settings.call_recordings.iterdir()
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.call_recordings.stat().st_mode) == 0o700
    assert words[1000:1032] not in sealed.read_bytes()
    assert open_recording(sessions, settings, CALL, by="bruno", now=now) == words
    assert delete_expired(sessions, settings, now=now + timedelta(days=7, seconds=-1)) == 0
    assert delete_expired(sessions, settings, now=now + timedelta(days=7)) == 1
    assert rows(sessions) == []
    assert list(settings.call_recordings.iterdir()) == []
    with pytest.raises(NoRecording):
        open_recording(sessions, settings, CALL, by="bruno", now=now)


@pytest.mark.parametrize("login", ["anna", "carla", "nobody"])
def test_who_may_not_listen_is_refused_and_noted(
    sessions: db.Sessions, settings: Settings, now: datetime, login: str
) -> None:
    people(sessions)
    recorded(settings, now)
    keep_recorded_calls(sessions, settings, now=now)
    with pytest.raises(NotAllowed):
        open_recording(sessions, settings, CALL, by=login, now=now)
    open_recording(sessions, settings, CALL, by="bruno", now=now)
    with db.reading(sessions) as session:
        kept = session.scalars(select(RecordingAccess).order_by(RecordingAccess.id)).all()
    assert [(access.by, access.allowed, access.call_unique_id) for access in kept] == [
        (login, False, CALL),
        ("bruno", True, CALL),
    ]


class Crash(Exception):
    """The power is gone."""


@pytest.mark.parametrize("step", ["write_durably", "sync_folder", "_seconds", "_keep_row"])
def test_a_crash_at_any_step_loses_nothing(
    sessions: db.Sessions, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    people(sessions)
    words = recorded(settings, now)

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(call_recordings, step, crash)
        with pytest.raises(Crash):
            keep_recorded_calls(sessions, settings, now=now)
    assert keep_recorded_calls(sessions, settings, now=now) == 1
    assert list(settings.recorded_calls.iterdir()) == []
    assert len(rows(sessions)) == 1
    assert open_recording(sessions, settings, CALL, by="bruno", now=now) == words


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_nothing_lies_open_while_the_database_is_away(
    sessions: db.Sessions, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    recorded(settings, now)
    database, away = tmp_path / "centralino.sqlite", tmp_path / "away"
    sessions.kw["bind"].dispose()
    database.rename(away)
    with pytest.raises(db.DatabaseGone):
        keep_recorded_calls(sessions, settings, now=now)
    assert list(settings.recorded_calls.glob("*.wav")) == []
    database.unlink(missing_ok=True)
    away.rename(database)
    assert keep_recorded_calls(sessions, settings, now=now) == 1
    assert [row.call_unique_id for row in rows(sessions)] == [CALL]


def test_a_call_that_goes_on_is_left_alone_and_what_a_crash_of_asterisk_left_is_taken(
    sessions: db.Sessions, settings: Settings, now: datetime
) -> None:
    recorded(settings, now, note=False)
    assert keep_recorded_calls(sessions, settings, now=now) == 0
    path = settings.recorded_calls / f"{CALL}.wav"
    long_ago = time.time() - call_recordings.ABANDONED - 60
    os.utime(path, (long_ago, long_ago))
    assert keep_recorded_calls(sessions, settings, now=now) == 1
    assert list(settings.recorded_calls.iterdir()) == []


def test_a_file_put_in_anothers_place_is_not_opened(
    sessions: db.Sessions, settings: Settings, now: datetime
) -> None:
    people(sessions)
    recorded(settings, now)
    keep_recorded_calls(sessions, settings, now=now)
    sealed = settings.call_recordings / f"{CALL}.enc"
    with db.transaction(sessions) as session:
        other = CallRecording(call_unique_id="1.9", file=sealed.name, seconds=1, recorded_at=now, until=now)
        session.add(other)
    with pytest.raises(NoRecording):
        open_recording(sessions, settings, "1.9", by="bruno", now=now)
    sealed.write_bytes(b"x" + sealed.read_bytes()[1:])
    with pytest.raises(NoRecording):
        open_recording(sessions, settings, CALL, by="bruno", now=now)


def test_what_is_recorded_is_sound(sessions: db.Sessions, settings: Settings, now: datetime) -> None:
    people(sessions)
    recorded(settings, now, seconds=2)
    keep_recorded_calls(sessions, settings, now=now)
    with wave.open(io.BytesIO(open_recording(sessions, settings, CALL, by="bruno", now=now))) as sound:
        assert sound.getnframes() == 16000
