"""Prompts and messages in the console: own words, recordings, new versions; and what callers get of it."""

from __future__ import annotations

import io
import wave
from datetime import datetime

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from agi_scripts.house import FRESH, House
from desk.db import Sessions, reading, transaction
from desk.models import Message, MessageText, Role, TownChange
from desk.prompt_texts import own_texts
from desk.settings import Settings
from desk.sms.outbox import write_message
from desk.sms.own_texts import template_of
from desk.spool import Spool
from ivr.uses import nodes_of
from prompts.catalogue import load_catalogue
from prompts.own_words import read_own, recording
from prompts.rewording import Rewording
from tests.console.fixed import Clock
from tests.console.signing_in import an_operator, sign_in

KEY = "welcome.greeting"


@pytest.fixture
def manager(client: FlaskClient, sessions: Sessions) -> FlaskClient:
    an_operator(sessions, "mara", Role.MANAGER)
    return sign_in(client, "mara")


def a_tone(seconds: float = 0.5, rate: int = 8000, loudness: float = 0.5) -> bytes:
    """A WAV file."""
    samples = np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 700 / rate) * loudness
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


def upload(client: FlaskClient, data: bytes, **fields: str) -> int:
    form = {**fields, "sound": (io.BytesIO(data), "mine.wav")}
    return client.post(f"/console/prompts/{KEY}/it/recording", data=form).status_code


def test_prompts_are_found_and_say_where_they_are_heard(manager: FlaskClient) -> None:
    page = manager.get("/console/prompts?q=certificato+nascita").text
    assert "certificate.kind.birth" in page
    assert "appointments.booked" not in page
    heard = manager.get("/console/prompts/appointments.confirm.yes").text
    assert "Appuntamento: conferma dello spostamento" in heard
    assert "appointments.confirm_move" not in heard
    assert nodes_of("appointments.where.identity_card") == {"appointments.booked", "appointments.moved"}
    assert manager.get("/console/prompts/no.such.key").status_code == 404


def test_the_town_speaks_in_its_own_words_on_the_next_call(
    manager: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    usual = load_catalogue(settings.sounds)
    with_values = next(
        key for key in usual.keys("it") if list(usual.placeholders("it", key).values()) == ["number"]
    )
    (name,) = usual.placeholders("it", with_values)
    address = f"/console/prompts/{with_values}/it"
    for wrong in ("", "Senza segnaposto.", f"Con {{{name}:code}}.", f"Con {{{name}:number}} <b>.", "x" * 601):
        answer = manager.post(address, data={"text": wrong})
        assert answer.status_code == 400, wrong
        assert "it-text-error" in answer.text
    long = "Una frase che non finisce mai. " * 15
    assert manager.post(f"/console/prompts/{KEY}/it", data={"text": long}).status_code == 400

    words = f"Sono {{{name}:number}} in tutto."
    assert manager.post(address, data={"text": words}).status_code == 303
    house = House(settings, sessions, Spool(settings.home / "spool"), usual)
    house.town()
    assert house.catalogue.text("it", with_values, {name: 3}) == usual.text("it", with_values, {name: 3})
    worker = Rewording(settings, sessions)
    worker.keep_up()
    assert (settings.sounds / "it" / f"{with_values}-1.wav").stat().st_size > 2000
    house._read_at -= FRESH + 1
    house.town()
    assert house.catalogue.text("it", with_values, {name: 3}) == "Sono tre in tutto."
    assert "Testo del Comune" in manager.get(f"/console/prompts?q={with_values}").text

    assert manager.post(address, data={"do": "usual"}).status_code == 303
    worker.keep_up()
    house.read_anew()
    house.town()
    assert house.catalogue.text("it", with_values, {name: 3}) == usual.text("it", with_values, {name: 3})
    assert read_own(settings.home) == {}
    with reading(sessions) as session:
        assert own_texts(session) == {}
        assert session.scalars(select(TownChange.what)).all() == ["prompt_texts"] * 2


def test_a_recording_wins_over_the_voice_until_it_is_removed(
    manager: FlaskClient, sessions: Sessions, settings: Settings
) -> None:
    worker = Rewording(settings, sessions)
    worker.keep_up()
    for wrong in (b"", b"ID3 no wave", b"RIFFrubbish", a_tone(loudness=0.0), a_tone(31.0), a_tone(rate=4000)):
        assert upload(manager, wrong) == 400
    assert upload(manager, a_tone(), part="another.key") == 404
    # Larger than any other form may be.
    assert upload(manager, a_tone(9.0)) == 303
    worker.keep_up()
    sound = settings.sounds / "it" / f"{KEY}.wav"
    recorded = sound.read_bytes()
    assert len(recorded) > 16000 * 8
    with manager.get(f"/console/prompts/{KEY}/it/sound.wav?part={KEY}") as heard:
        assert heard.data == recorded
    assert "Rimuovi la registrazione" in manager.get(f"/console/prompts/{KEY}").text
    assert manager.post(f"/console/prompts/{KEY}/it/recording", data={"do": "remove"}).status_code == 303
    worker.keep_up()
    assert sound.read_bytes() != recorded
    assert not recording(settings.home, "it", KEY).exists()
    assert "Voce sintetica: pico" in manager.get(f"/console/prompts/{KEY}").text
    # A file that was damaged is made again when somebody asks for it.
    whole = sound.read_bytes()
    sound.write_bytes(b"noise")
    worker.keep_up()
    assert sound.read_bytes() == b"noise"
    assert manager.post(f"/console/prompts/{KEY}/it/recording", data={"do": "anew"}).status_code == 303
    # What could not be made is still asked for.
    cache = settings.home / "prompt-cache"
    cache.rename(settings.home / "away")
    cache.touch()
    with pytest.raises(OSError):
        worker.keep_up()
    cache.unlink()
    (settings.home / "away").rename(cache)
    assert sound.read_bytes() == b"noise"
    worker.keep_up()
    assert sound.read_bytes() == whole


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Comune: appuntamento {ref} il {day}.", "Servono esattamente questi segnaposto"),
        ("Appuntamento {ref} {day} {time} {place} {secret}", "Servono esattamente questi segnaposto"),
        ("Appuntamento {ref {day} {time} {place}", "Servono esattamente questi segnaposto"),
        ("È confermato {ref} {day} {time} {place}", "È → E"),
        ("{ref} {day} {time} {place} " + "x" * 270, "Occuperebbe 3 SMS"),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused(
    manager: FlaskClient, sessions: Sessions, text: str, told: str
) -> None:
    answer = manager.post("/console/messages/appointment_booked/it", data={"text": text, "do": "save"})
    assert answer.status_code == 400
    assert told in answer.text.replace("&#39;", "'")
    with reading(sessions) as session:
        assert session.scalars(select(MessageText)).all() == []


def test_a_new_version_counts_from_the_next_message(
    manager: FlaskClient, sessions: Sessions, clock: Clock
) -> None:
    values = {"ref": "12345678", "day": "1/12/2026", "time": "9:00", "place": "Municipio"}

    def written(now: datetime) -> Message:
        with transaction(sessions) as session:
            return write_message(
                session,
                to="+393331112201",
                template="appointment_booked",
                values=values,
                language="it",
                request_id=None,
                now=now,
            )

    before = written(clock.now)
    address = "/console/messages/appointment_booked/it"
    text = "Appuntamento {ref}: {day} ore {time}, {place}. STOP per non ricevere SMS."
    preview = manager.post(address, data={"text": text, "do": "preview"})
    assert "Appuntamento 12345678: 31/12/2026 ore 10:20" in preview.text
    assert written(clock.now).body == before.body
    for _ in range(2):
        assert manager.post(address, data={"text": text, "do": "save"}).status_code == 303
    after = written(clock.now)
    assert after.body.startswith("Appuntamento 12345678: 1/12/2026 ore 9:00, Municipio.")
    assert after.template_version == before.template_version + 1
    assert "Appuntamento {ref}:" in manager.get("/console/messages").text
    assert manager.post(address, data={"do": "usual"}).status_code == 303
    assert written(clock.now).body == before.body
    with reading(sessions) as session:
        assert [row.version for row in session.scalars(select(MessageText).order_by(MessageText.id))] == [
            2,
            3,
        ]
        # A text of a town that the program has outgrown is not sent.
        session.add(
            MessageText(
                language="it",
                name="appointment_booked",
                version=9,
                text="{gone}",
                written_at=clock.now,
                written_by="x",
            )
        )
        session.flush()
        assert template_of(session, "appointment_booked", "it").version == 1
