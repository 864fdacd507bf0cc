"""The AGI server is down, dies, hangs: the citizen still reaches a person, or leaves a message."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from call_routing import names
from call_routing.names import Outcome, Sound, Variable
from call_routing.trial.rtp import RATE, Samples, likeness, read_sound
from desk.db import connect, reading, sessions
from desk.models import MessageDetails, Request
from desk.replay import NEVER_ENDED, replay_messages
from tests.live.harness import PATIENCE, Call, Exchange, melody, wait_until

pytestmark = pytest.mark.live

Prompts = dict[Sound, Path]
Serve = Callable[[socket.socket], None]


def test_server_down_the_back_office_rings(exchange: Exchange, prompts: Prompts) -> None:
    back_office, counter = exchange.phone("201", answer_after=0.3), exchange.phone("101")
    call = exchange.call()
    call.hear(prompts[Sound.SORRY])
    back_office.answered()
    assert counter.events == []
    # Both hear each other.
    voice = melody(50, 1.5)
    wait_until(lambda: len(back_office.sound.heard()) > 0, "the operator hears the line")
    call.sound.speak(voice)
    wait_until(lambda: back_office.sound.contains(voice), "the operator hears the citizen")
    back_office.sound.speak(voice)
    wait_until(lambda: call.sound.contains(voice), "the citizen hears the operator")
    call.hang_up()
    back_office.device.wait_for("ended", PATIENCE)


def test_back_office_busy_the_counters_ring_at_once(exchange: Exchange) -> None:
    back_office = exchange.phone("201", answer_after=0)
    counters = [exchange.phone(extension) for extension in ("101", "102", "103", "104")]
    first = exchange.call()
    back_office.answered()
    exchange.call(caller="+393337654321")
    for counter in counters:
        counter.rings()
    assert back_office.events.count("ringing") == 1
    first.hang_up()


def test_back_office_refuses_the_counters_ring(exchange: Exchange) -> None:
    back_office, counter = exchange.phone("201", busy=True), exchange.phone("103", answer_after=0)
    exchange.call()
    back_office.device.wait_for("refused", PATIENCE)
    counter.answered()


def test_back_office_silent_the_counters_ring_after_its_time(exchange: Exchange) -> None:
    back_office = exchange.phone("201")
    counters = [exchange.phone(extension) for extension in ("101", "102", "103", "104")]
    call = exchange.call()
    back_office.rings()
    back_office.device.wait_for("cancelled", PATIENCE)
    assert [counter.events for counter in counters] == [[], [], [], []]
    for counter in counters:
        counter.rings()
    # The back office may still take it.
    back_office.rings(times=2)
    call.hang_up()


def test_everybody_is_talking_the_citizen_waits_and_is_next(exchange: Exchange, prompts: Prompts) -> None:
    back_office = exchange.phone("201", answer_after=0)
    first = exchange.call()
    back_office.answered()
    second = exchange.call(caller="+393337654321")
    # Longer than a phone may ring unanswered: no message is asked for while somebody is at work.
    wait_until(
        lambda: "EXITWITHTIMEOUT" in exchange.queue_log, "the citizen's first round of waiting is over"
    )
    first.hang_up()
    back_office.device.wait_for("answered", PATIENCE, times=2)
    assert not second.sound.has_heard(prompts[Sound.LEAVE_MESSAGE])


def test_back_office_not_registered_the_counters_ring_at_once(exchange: Exchange) -> None:
    counter = exchange.phone("104", answer_after=0)
    exchange.call()
    counter.answered()


def test_all_silent_a_message_is_taken(exchange: Exchange, prompts: Prompts) -> None:
    back_office, counter = exchange.phone("201"), exchange.phone("102")
    call = exchange.call(caller="+393331234567")
    call.hear(prompts[Sound.LEAVE_MESSAGE])
    assert "ringing" in back_office.events
    assert "ringing" in counter.events
    words = melody(51)
    _speak_after_the_tone(call, words)
    call.press("#")
    call.hear(prompts[Sound.RECORDED])
    call.over()
    recording, caller = _message(exchange)
    assert caller == "+393331234567"
    assert _contains(recording, words)


def test_nobody_registered_a_message_is_taken_and_kept_when_the_citizen_hangs_up(
    exchange: Exchange, prompts: Prompts
) -> None:
    call = exchange.call(caller=None)
    call.hear(prompts[Sound.LEAVE_MESSAGE])
    words = melody(52)
    _speak_after_the_tone(call, words)
    call.hang_up()
    recording, caller = _message(exchange)
    assert caller == ""
    assert _contains(recording, words)


def test_asterisk_killed_during_a_message_what_was_said_is_filed(
    exchange: Exchange, prompts: Prompts, sqlite_url: str
) -> None:
    call = exchange.call(caller="+393331234567")
    call.hear(prompts[Sound.LEAVE_MESSAGE])
    words = melody(53)
    _speak_after_the_tone(call, words)
    recording = next((exchange.settings.home / "spool" / "messages").glob("*.wav"))
    # Asterisk writes a recording by the block.
    wait_until(lambda: recording.stat().st_size > 2 * len(words), "the words are on the disk")
    exchange.kill()
    engine = connect(sqlite_url)
    with reading(sessions(engine)) as session:
        later = datetime.now(UTC) + 2 * NEVER_ENDED
        assert replay_messages(sessions(engine), exchange.settings, now=later) == 1
        message = session.scalars(select(Request)).one()
    engine.dispose()
    assert message.contact_e164 == "+393331234567"
    assert isinstance(message.details, MessageDetails)
    assert message.details.recording
    assert _contains(message.details.recording, words)


def test_server_dies_in_mid_call_the_back_office_rings(exchange: Exchange, prompts: Prompts) -> None:
    back_office = exchange.phone("201", answer_after=0)

    def die_after_answering(connection: socket.socket) -> None:
        _read_greeting(connection)
        connection.sendall(b"ANSWER\n")
        connection.recv(100)

    with _server(exchange, die_after_answering):
        call = exchange.call()
        call.hear(prompts[Sound.SORRY])
        back_office.answered()


def test_server_hangs_the_back_office_rings(
    prompts: Prompts, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "FIRST_COMMAND_SECONDS", 1)
    exchange.reload()
    back_office = exchange.phone("201", answer_after=0)
    let_go = threading.Event()

    def say_nothing(_connection: socket.socket) -> None:
        let_go.wait(60)

    with _server(exchange, say_nothing):
        call = exchange.call()
        call.hear(prompts[Sound.SORRY])
        back_office.answered()
        let_go.set()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_outcome_decides(exchange: Exchange, prompts: Prompts, outcome: Outcome) -> None:
    back_office = exchange.phone("201", answer_after=0)

    def decide(connection: socket.socket) -> None:
        _read_greeting(connection)
        for command in ("ANSWER", f'SET VARIABLE {Variable.OUTCOME} "{outcome}"'):
            connection.sendall(command.encode() + b"\n")
            connection.recv(100)

    with _server(exchange, decide, calls=1):
        call = exchange.call()
        match outcome:
            case Outcome.DONE:
                call.over()
            case Outcome.OPERATOR:
                back_office.answered()
            case Outcome.MESSAGE:
                call.hear(prompts[Sound.LEAVE_MESSAGE])
    assert not call.sound.has_heard(prompts[Sound.SORRY])


@contextlib.contextmanager
def _server(exchange: Exchange, serve: Serve, *, calls: int = 10) -> Iterator[None]:
    """An AGI server that serves that many calls this way and then is gone."""
    listener = socket.create_server((exchange.settings.agi_address, exchange.settings.agi_port))

    def work() -> None:
        for _ in range(calls):
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            with connection:
                serve(connection)
        listener.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(PATIENCE)


def _read_greeting(connection: socket.socket) -> None:
    data = b""
    while not data.endswith(b"\n\n"):
        data += connection.recv(4096)


def _message(exchange: Exchange) -> tuple[Path, str]:
    """The one message that was taken: its recording, and the caller's number from the note beside it."""
    folder = exchange.settings.home / "spool" / "messages"
    wait_until(lambda: any(folder.glob("*.txt")), "the message's note is written")
    (note,) = folder.glob("*.txt")
    _at, _, caller = note.read_text(encoding="ascii").rstrip("\n").partition(" ")
    return note.with_suffix(".wav"), caller


def _speak_after_the_tone(call: Call, words: Samples) -> None:
    call.sound.wait_for_pause(seconds=0.2)
    call.sound.speak(np.concatenate([words, np.zeros(RATE // 4, dtype=np.float32)]))
    call.sound.sent()


def _contains(recording: Path, words: Samples) -> bool:
    return likeness(read_sound(recording), words) > 0.8
