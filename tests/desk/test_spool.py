"""The spool and its replay: nothing is lost, nothing is filed twice, one bad item stops no other."""

from __future__ import annotations

import wave
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlalchemy import make_url, select

from desk import db
from desk.models import MessageDetails, Request
from desk.replay import NEVER_ENDED, replay_messages, replay_spool
from desk.requests import MessageOrder
from desk.settings import Settings
from desk.spool import Item, Spool
from tests.desk.test_filing import order


class Note(BaseModel):
    text: str


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def filed(sessions: db.Sessions) -> list[Request]:
    with db.reading(sessions) as session:
        return list(session.scalars(select(Request).order_by(Request.id)))


def test_what_is_put_waits_until_it_is_done(spool: Spool, now: datetime) -> None:
    spool.put("note", "a/../b", Note(text="è"), now=now)
    (item,) = spool.waiting()
    assert (item.kind, item.key, item.payload, item.at) == ("note", "a/../b", {"text": "è"}, now)
    spool.done(item)
    spool.done(item)
    assert list(spool.waiting()) == []


def test_the_oldest_comes_first(spool: Spool, now: datetime) -> None:
    for key in ("c", "a", "b"):
        spool.put("note", key, Note(text=key), now=now)
    assert [item.key for item in spool.waiting()] == ["c", "a", "b"]


def test_the_same_key_waits_once(spool: Spool, now: datetime) -> None:
    spool.put("note", "a", Note(text="one"), now=now)
    spool.put("note", "a", Note(text="two"), now=now)
    assert [item.payload["text"] for item in spool.waiting()] == ["two"]


def test_items_are_for_the_owner_only_and_nothing_half_written_remains(
    spool: Spool, tmp_path: Path, now: datetime
) -> None:
    spool.put("note", "a", Note(text="x"), now=now)
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_a_crash_left_half_written_is_no_item(spool: Spool, tmp_path: Path, now: datetime) -> None:
    spool.put("note", "a", Note(text="x"), now=now)
    (file,) = tmp_path.rglob("*.json")
    file.with_name(f".{file.stem}.4711.1").write_bytes(file.read_bytes()[:20])
    assert [item.key for item in spool.waiting()] == ["a"]
    assert list(tmp_path.rglob("broken/*")) == []


def test_many_may_put_the_same_at_once(spool: Spool, now: datetime) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: spool.put("note", "a", Note(text=str(n)), now=now), range(64)))
    assert [item.key for item in spool.waiting()] == ["a"]


def test_a_database_that_goes_half_way_leaves_the_rest(
    town: db.Sessions, spool: Spool, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("k1", "k2", "k3"):
        spool.put("certificate", key, order(key), now=now)
    done, engine = spool.done, town.kw["bind"]

    def then_close(item: Item) -> None:
        done(item)
        engine.dispose()
        monkeypatch.setitem(town.kw, "bind", unreachable)

    unreachable = db.connect("sqlite:////nowhere/centralino.sqlite")
    with monkeypatch.context() as first_item:
        first_item.setattr(spool, "done", then_close)
        with pytest.raises(db.DatabaseGone):
            replay_spool(town, spool)
    assert [item.key for item in spool.waiting()] == ["k2", "k3"]
    monkeypatch.setitem(town.kw, "bind", engine)
    assert replay_spool(town, spool) == 2
    assert [request.idempotency_key for request in filed(town)] == ["k1", "k2", "k3"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"kind": "note"}', b'{"kind":"n","key":"k","at":"x","payload":{}}'],
)
def test_a_broken_item_is_put_aside(spool: Spool, tmp_path: Path, now: datetime, content: bytes) -> None:
    spool.put("note", "good", Note(text="x"), now=now)
    (good,) = tmp_path.rglob("*.json")
    good.with_name("bad.json").write_bytes(content)
    assert [item.key for item in spool.waiting()] == ["good"]
    assert [path.read_bytes() for path in tmp_path.rglob("broken/*")] == [content]
    assert len(list(spool.waiting())) == 1


def test_a_full_disk_is_told(spool: Spool, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(OSError, match="spool"):
        spool.put("note", "a", Note(text="x"), now=now)


def test_a_request_is_filed_as_of_its_confirmation(town: db.Sessions, spool: Spool, now: datetime) -> None:
    spool.put("certificate", "k1", order(), now=now)
    assert replay_spool(town, spool) == 1
    assert [(request.idempotency_key, request.filed_at) for request in filed(town)] == [("k1", now)]
    assert list(spool.waiting()) == []


def test_a_crash_after_filing_files_nothing_twice(
    town: db.Sessions, spool: Spool, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.put("certificate", "k1", order(), now=now)

    class PowerCutError(Exception):
        pass

    def cut(*_: object) -> None:
        raise PowerCutError

    with monkeypatch.context() as until_the_cut:
        until_the_cut.setattr(spool, "done", cut)
        with pytest.raises(PowerCutError):
            replay_spool(town, spool)
    assert len(filed(town)) == 1
    replay_spool(town, spool)
    assert len(filed(town)) == 1
    assert list(spool.waiting()) == []


def test_without_a_database_everything_goes_on_waiting(sqlite_url: str, spool: Spool, now: datetime) -> None:
    spool.put("certificate", "k1", order(), now=now)
    Path(str(make_url(sqlite_url).database)).unlink()
    engine = db.connect(sqlite_url)
    with pytest.raises(db.DatabaseGone):
        replay_spool(db.sessions(engine), spool)
    engine.dispose()
    assert len(list(spool.waiting())) == 1


@pytest.mark.parametrize("bad", ["of no kind", "of a wrong shape", "of an unknown certificate"])
def test_what_can_never_be_filed_stops_nothing_else(
    town: db.Sessions, spool: Spool, tmp_path: Path, now: datetime, bad: str
) -> None:
    if bad == "of no kind":
        spool.put("horoscope", "bad", Note(text="x"), now=now)
    elif bad == "of a wrong shape":
        spool.put("certificate", "bad", Note(text="x"), now=now)
    else:
        spool.put("certificate", "bad", order("bad", kind="horoscope"), now=now)
    spool.put("certificate", "k1", order(), now=now)
    assert replay_spool(town, spool) == 1
    assert [request.idempotency_key for request in filed(town)] == ["k1"]
    assert len(list(tmp_path.rglob("broken/*"))) == 1


def test_a_citizen_who_is_not_in_the_register_any_more_stops_nothing_else(
    town: db.Sessions, spool: Spool, now: datetime
) -> None:
    spool.put("certificate", "bad", order("bad", citizen_id=4040404), now=now)
    spool.put("certificate", "k1", order(), now=now)
    replay_spool(town, spool)
    assert "k1" in [request.idempotency_key for request in filed(town)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def record(settings: Settings, name: str, note: str | None) -> None:
    settings.messages.mkdir(parents=True, exist_ok=True)
    with wave.open(str(settings.messages / f"{name}.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\x01\x00" * 16000)
    if note is not None:
        (settings.messages / f"{name}.txt").write_text(note)


def test_a_message_of_the_dialplan_is_filed_once_and_its_recording_kept(
    town: db.Sessions, settings: Settings, now: datetime
) -> None:
    record(settings, "1795.1", f"{int(now.timestamp())} +393331234567\n")
    assert replay_messages(town, settings, now=datetime.now(UTC)) == 1
    assert replay_messages(town, settings, now=datetime.now(UTC)) == 0
    (request,) = filed(town)
    assert (request.contact_e164, request.filed_at) == ("+393331234567", now)
    assert isinstance(request.details, MessageDetails)
    assert request.details.recording
    assert request.details.recording.stat().st_size > 32000
    assert list(settings.messages.iterdir()) == []


def test_a_message_that_is_not_complete_waits(town: db.Sessions, settings: Settings) -> None:
    record(settings, "1795.1", None)
    assert replay_messages(town, settings, now=datetime.now(UTC)) == 0
    assert (settings.messages / "1795.1.wav").exists()


def test_a_message_during_which_asterisk_died_is_filed_all_the_same(
    town: db.Sessions, settings: Settings, now: datetime
) -> None:
    record(settings, "1795.1", None)
    recording = settings.messages / "1795.1.wav"
    # As it is found then: all of the sound is there, but the head says nothing of its length.
    sound = bytearray(recording.read_bytes())
    sound[40:44] = sound[4:8] = bytes(4)
    recording.write_bytes(bytes(sound) + b"x")
    (settings.messages / "1795.1.begun").write_text(f"{int(now.timestamp())} +393331234567\n")
    written_at = datetime.fromtimestamp(recording.stat().st_mtime, UTC)
    assert replay_messages(town, settings, now=written_at + NEVER_ENDED) == 0
    assert replay_messages(town, settings, now=written_at + NEVER_ENDED + timedelta(seconds=1)) == 1
    (request,) = filed(town)
    assert (request.contact_e164, request.filed_at) == ("+393331234567", now)
    assert isinstance(request.details, MessageDetails)
    with wave.open(str(request.details.recording)) as kept:
        assert kept.getnframes() == 16000
    assert list(settings.messages.iterdir()) == []


def test_a_caller_who_said_nothing_leaves_nothing(town: db.Sessions, settings: Settings) -> None:
    settings.messages.mkdir(parents=True)
    begun = settings.messages / "1795.1.begun"
    begun.write_text("1795000000 ")
    now = datetime.fromtimestamp(begun.stat().st_mtime, UTC)
    replay_messages(town, settings, now=now)
    assert begun.exists()
    assert replay_messages(town, settings, now=now + NEVER_ENDED + timedelta(seconds=1)) == 0
    assert not begun.exists()
    assert filed(town) == []


@pytest.mark.parametrize("note", ["", "garbage", "1795000000 ", "² x", "9" * 400])
def test_a_poor_note_costs_no_message(town: db.Sessions, settings: Settings, note: str) -> None:
    record(settings, "1795.1", note)
    assert replay_messages(town, settings, now=datetime.now(UTC)) == 1
    (request,) = filed(town)
    assert request.contact_e164 is None
    assert request.filed_at <= datetime.now(UTC) + timedelta(days=365)


def test_what_the_dialplan_recorded_after_the_server_had_filed_a_message_is_not_lost(
    town: db.Sessions, settings: Settings, spool: Spool, now: datetime
) -> None:
    message = MessageOrder(
        recording=Path("/first.wav"), idempotency_key="message-1795.1", call_unique_id="1795.1"
    )
    spool.put("message", message.idempotency_key, message, now=now)
    replay_spool(town, spool)
    record(settings, "1795.1", f"{int(now.timestamp())} ")
    replay_messages(town, settings, now=datetime.now(UTC))
    assert len(filed(town)) == 2
