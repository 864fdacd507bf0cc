"""After and during a talk with an operator: a question, and a recording, where the town wants them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from call_routing.trial.rtp import likeness, read_sound
from desk.call_recordings import open_recording
from desk.db import reading, transaction
from desk.models import CallOutcome, CallRecording, Role, SurveyAnswer
from desk.operators import create_operator
from tests.live.harness import PATIENCE, DeskPhone, System, melody, wait_until

pytestmark = pytest.mark.live


def answers(system: System) -> list[tuple[str | None, bool]]:
    with reading(system.database) as session:
        return [(row.extension, row.solved) for row in session.scalars(select(SurveyAnswer))]


def test_the_question_is_answered_with_one_key(system: System, caller: str) -> None:
    system.change_rules(survey=True)
    phone = system.phone("201", answer_after=0)
    call = system.call(caller=caller, keys="0")
    phone.answered()
    phone.hang_up()
    call.hear(system.prompt("survey.question"))
    call.press("2")
    call.hear(system.prompt("survey.thanks"))
    call.over()
    assert answers(system) == [("201", False)]
    # The call's own outcome is what it was.
    story = system.story(caller)
    assert (story.outcome, story.last_node) == (CallOutcome.OPERATOR, "person")
    assert [event.node for event in story.events][-1] == "survey.thanks"


def test_silence_ends_politely(system: System, caller: str) -> None:
    system.change_rules(survey=True)
    phone = system.phone("201", answer_after=0)
    call = system.call(caller=caller, keys="0")
    phone.answered()
    phone.hang_up()
    call.hear(system.prompt("survey.thanks"), timeout=2 * PATIENCE)
    call.over()
    assert answers(system) == []


def test_without_question_and_recording_neither_is_there(town: System, caller: str) -> None:
    phone = town.phone("201", answer_after=0)
    call = town.call(caller=caller, keys="0")
    phone.answered()
    talk(town, call.sound.speak, phone)
    phone.hang_up()
    call.over()
    assert not call.sound.has_heard(town.prompt("survey.question"))
    assert not call.sound.has_heard(town.prompt("person.recording", days=30))
    assert list(town.settings.recorded_calls.iterdir()) == []


def talk(system: System, citizen: object, phone: DeskPhone) -> None:
    assert callable(citizen)
    citizen(melody(70, 1.5))
    wait_until(lambda: phone.sound.contains(melody(70, 1.5)), "the operator hears the citizen")


def test_a_talk_is_recorded_after_the_caller_was_told(system: System, caller: str, tmp_path: Path) -> None:
    system.change_rules(record_calls=True, recordings_days=7)
    phone = system.phone("201", answer_after=0)
    # Keys do not skip it.
    call = system.call(caller=caller, keys="01")
    call.hear_all(system.sentence("person.recording", days=7))
    phone.answered()
    talk(system, call.sound.speak, phone)
    phone.sound.speak(melody(71, 1.5))
    wait_until(lambda: call.sound.contains(melody(71, 1.5)), "the citizen hears the operator")
    folder = system.settings.recorded_calls
    assert [path.suffix for path in folder.iterdir()] == [".wav"]
    call.hang_up()
    wait_until(lambda: any(folder.glob("*.txt")), "the recording is complete")
    with system.worker():
        wait_until(lambda: not list(folder.iterdir()), "nothing lies open")
    with transaction(system.database) as session:
        (row,) = session.scalars(select(CallRecording)).all()
        create_operator(session, login="listener", name="Bruno", password="p", role=Role.SUPERVISOR)
    (sealed,) = system.settings.call_recordings.iterdir()
    assert b"RIFF" not in sealed.read_bytes()
    recording = tmp_path / "talk.wav"
    recording.write_bytes(
        open_recording(
            system.database, system.settings, row.call_unique_id, by="listener", now=datetime.now(UTC)
        )
    )
    heard = read_sound(recording)
    for seed in (70, 71):
        assert likeness(heard, melody(seed, 1.5)) > 0.7
