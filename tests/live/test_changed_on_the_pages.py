"""What is changed on the pages reaches a running Asterisk by itself, and calls go on meanwhile."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
import soundfile

from desk.db import transaction
from desk.exchange_rules import PhoneOrder, add_phone, remove_phone
from desk.models import Role, Tier
from tests.console.signing_in import an_operator, sign_in
from tests.live.harness import System, melody, wait_until
from webhooks.app import create_app

pytestmark = pytest.mark.live


def test_a_phone_that_is_added_rings_without_a_restart(system: System) -> None:
    system.kill_agi()
    back_office = system.phone("201", answer_after=0)
    with system.worker():
        call = system.call()
        back_office.answered()
        now = datetime.now(UTC)
        with transaction(system.database) as session:
            order = PhoneOrder(Tier.COUNTER, "Sportello 5", 20, may_override=False)
            add_phone(session, "105", order, by="admin", now=now)
            remove_phone(session, "104", by="admin", now=now)
        wait_until(lambda: "PJSIP/105" in system.ask("queue show desk"), "the queue knows the new phone")
        assert "PJSIP/104" not in system.ask("queue show desk")
        assert "105" in system.ask("dialplan show 105@phones")
        wait_until(lambda: "105/105" in system.ask("pjsip show endpoints"), "the new phone may register")
        # Nobody was cut off by it.
        assert "1 active call" in system.ask("core show channels")
        call.hang_up()


def test_other_words_and_a_recording_are_heard_on_the_next_call(speaking_system: System) -> None:
    system = speaking_system
    spoken, recorded = system.prompt("welcome.greeting"), system.prompt("main.language")
    an_operator(system.database, "capo", Role.MANAGER)
    app = create_app(system.settings, system.keyring)
    manager = sign_in(app.test_client(), "capo")
    usual = (spoken.read_bytes(), recorded.read_bytes())

    words = "Buongiorno, risponde la voce nuova del nostro Comune."
    assert manager.post("/console/prompts/welcome.greeting/it", data={"text": words}).status_code == 303
    wave = io.BytesIO()
    soundfile.write(wave, melody(7, 3.0), 8000, format="WAV", subtype="PCM_16")
    wave.seek(0)
    upload = {"sound": (wave, "voce.wav")}
    assert manager.post("/console/prompts/main.language/it/recording", data=upload).status_code == 303
    # The worker was not there meanwhile.
    with system.worker():
        wait_until(
            lambda: spoken.read_bytes() != usual[0] and recorded.read_bytes() != usual[1],
            "the worker gives them a sound",
        )
    after = system.call()
    after.hear_all([spoken, recorded])
    assert after.sound.contains(melody(7, 3.0)[4000:12000])
    app.extensions["engine"].dispose()
