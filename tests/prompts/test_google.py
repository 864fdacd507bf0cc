"""gTTS against a real HTTP server on this machine that behaves well or badly, and with the network closed."""

from __future__ import annotations

import base64
import io
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gtts.tts
import numpy as np
import pytest
import soundfile

from prompts.catalogue import Catalogue
from prompts.checking import missing_sounds
from prompts.engines import EngineFailed, Google, Pico, google
from prompts.rendering import render

CatalogueOf = Callable[..., Catalogue]

#: gTTS asks for at most 100 characters at once.
LONG = "Una frase di prova che non finisce mai, " * 6


def mp3() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(np.arange(24000) / 5), 24000, format="MP3")
    return file.getvalue()


def answer_with(sound: bytes) -> bytes:
    encoded = base64.b64encode(sound).decode()
    return f'[["wrb.fr","jQ1olc","[\\"{encoded}\\"]",null]]\n'.encode()


class Service:
    """Stands in for the voice service: answers what the test sets, counts what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = answer_with(mp3())
        self.silent = threading.Event()
        self.asked = 0
        #: The number of the one question that gets an empty answer.
        self.skipped = 0
        self.bodies: list[bytes] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.asked += 1
                service.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                if service.silent.is_set():
                    closing.wait(10)
                    return
                self.send_response(service.status)
                body = b"" if service.asked == service.skipped else service.body
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        closing = self._closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def close(self) -> None:
        self._closing.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def aim(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """gTTS offers no setting for the address; everything else of it runs as it is."""
    monkeypatch.setattr(gtts.tts, "_translate_url", lambda **_: url)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    aim(monkeypatch, service.url)
    yield service
    service.close()


def test_a_text_becomes_sound(service: Service) -> None:
    audio = Google().say("Buongiorno.", "it")
    assert audio.rate == 24000
    assert len(audio.samples) / audio.rate == pytest.approx(1.0, abs=0.2)
    assert b"Buongiorno" in service.bodies[0]
    assert b"it" in service.bodies[0]


def test_a_long_text_goes_in_several_questions(service: Service) -> None:
    audio = Google().say(LONG, "it")
    assert service.asked > 2
    assert len(audio.samples) / audio.rate == pytest.approx(service.asked, abs=0.5)


def test_a_long_text_with_a_hole_is_a_failure(service: Service) -> None:
    service.skipped = 2
    with pytest.raises(EngineFailed, match="without any sound"):
        Google().say(LONG, "it")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sorry</html>",
        answer_with(b""),
        answer_with(b"no mp3 at all"),
        b'["jQ1olc","[null]"]\n',
        b'jQ1olc","[\\"=\\"]\n',
        b"\xff\xfejQ1olc",
    ],
)
def test_a_200_without_sound_is_a_failure(service: Service, body: bytes) -> None:
    service.body = body
    with pytest.raises(EngineFailed):
        Google().say("Buongiorno.", "it")


def test_too_many_requests_close_the_service_at_once(service: Service) -> None:
    service.status = 429
    voice = Google()
    with pytest.raises(EngineFailed, match="429"):
        voice.say("Uno.", "it")
    service.status = 200
    with pytest.raises(EngineFailed, match="429"):
        voice.say("Due.", "it")
    assert service.asked == 1


def test_one_failure_does_not_close_the_service(service: Service) -> None:
    service.status = 503
    voice = Google()
    with pytest.raises(EngineFailed, match="503"):
        voice.say("Uno.", "it")
    service.status = 200
    voice.say("Due.", "it")
    service.status = 503
    with pytest.raises(EngineFailed, match="503"):
        voice.say("Tre.", "it")
    service.status = 200
    voice.say("Quattro.", "it")


def test_a_service_that_keeps_silent_does_not_hold_us(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google, "_TIMEOUT", (0.3, 0.3))
    service.silent.set()
    with pytest.raises(EngineFailed, match="cannot be reached"):
        Google().say("Buongiorno.", "it")


def test_a_closed_network_is_given_up_after_a_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        aim(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}/")
        voice = Google()
        for _ in range(2):
            with pytest.raises(EngineFailed, match=r"cannot be reached \(ConnectionError\)"):
                voice.say("Buongiorno.", "it")
        with pytest.raises(EngineFailed, match="not asked again after 2 failures"):
            voice.say("Buongiorno.", "it")


def test_a_text_without_words_is_refused_before_any_question(service: Service) -> None:
    with pytest.raises(EngineFailed):
        Google().say("...", "it")
    assert service.asked == 0


def test_languages() -> None:
    assert all(Google().speaks(language) for language in ("it", "en", "ro", "uk", "ar", "sq"))
    assert not Google().speaks("it-IT")
    assert Google().fingerprint("it") != Google().fingerprint("en")


@pytest.mark.usefixtures("few_fragments")
def test_prompts_fall_back_to_the_offline_voice_when_the_service_closes(
    service: Service, catalogue_of: CatalogueOf, tmp_path: Path
) -> None:
    catalogue = catalogue_of(it='a = "Buongiorno a tutti."\nb = "Buonasera a tutti."')
    service.status = 429
    report = render(catalogue, [Google(), Pico()], tmp_path / "cache")
    assert report.failed == ()
    assert missing_sounds(catalogue) == []
    assert {problem.key for problem in report.fallbacks} >= {"a", "b"}
    assert "429" in str(report)
    assert service.asked <= 8  # As many as were already on their way in other threads.

    service.status = 200
    again = render(catalogue, [Google(), Pico()], tmp_path / "cache")
    assert again.fallbacks == ()
    assert again.made == len({sound.text for sound in catalogue.all_sounds() if sound.text})
