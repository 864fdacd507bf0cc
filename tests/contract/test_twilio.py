"""The Twilio client against Twilio's own description of its API, and against every kind of failure."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.provider import Fault, Provider
from desk.models import MessageState
from desk.outbox import InDoubt, Undelivered
from desk.settings import PROJECT, Settings
from desk.sms import by_twilio
from desk.sms.by_twilio import TwilioSender
from desk.sms.senders import Text
from desk.sms.ways import NotSet, senders_of

ACCOUNT, SERVICE = "AC" + "a" * 32, "MG" + "a" * 32
TEXT = Text("9f3c0b6e-3f0e-4b38-9f0e-0d8b1e0f8a11", "+393331112201", "Perché no? Così è.", datetime.now(UTC))
_PRISM = PROJECT / "build" / "contract" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
_DESCRIPTION = Path(__file__).with_name("twilio-messages.openapi.json")


@pytest.fixture(scope="module")
def twilio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Prism serves Twilio's description. A machine without it fails the test."""
    node = shutil.which("node")
    if node is None or not _PRISM.exists():
        pytest.fail("Prism is not installed: ./bootstrap dev")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("prism") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [node, str(_PRISM), "mock", "--errors", "-h", "127.0.0.1", "-p", str(port), str(_DESCRIPTION)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + 60
        while b"listening" not in log.read_bytes():
            assert server.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, "Prism does not listen"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("by", [{"service": SERVICE}, {"sender": "Trezzo"}, {"sender": "+390200000100"}])
@pytest.mark.parametrize("public_url", ["", "https://centralino.comune.example"])
def test_what_we_send_is_what_twilio_describes(twilio: str, by: dict[str, str], public_url: str) -> None:
    sender = TwilioSender(ACCOUNT, "secret", api=twilio, public_url=public_url, **by)
    # Prism answers with the example of the description.
    assert sender.send(TEXT).startswith("SM")
    assert sender.gives_receipts is bool(public_url)


def test_what_we_ask_is_what_twilio_describes(twilio: str) -> None:
    sender = TwilioSender(ACCOUNT, "secret", service=SERVICE, api=twilio)
    # The example's message is another one.
    assert sender.find(TEXT) == []


@pytest.mark.parametrize(("account", "service"), [("AC1", SERVICE), (ACCOUNT, "MG1")])
def test_the_server_refuses_what_twilio_would_refuse(twilio: str, account: str, service: str) -> None:
    """Else the tests above could not fail."""
    with pytest.raises(Undelivered, match="422"):
        TwilioSender(account, "secret", service=service, api=twilio).send(TEXT)


def a_sender(provider: Provider) -> TwilioSender:
    return TwilioSender(
        ACCOUNT, "secret", service=SERVICE, api=provider.url, public_url="https://centralino.comune.example"
    )


def test_the_callback_carries_our_own_id() -> None:
    with Provider() as provider:
        a_sender(provider).send(TEXT)
    assert provider.taken[0]["callback"] == (
        f"https://centralino.comune.example/webhooks/twilio/status?message={TEXT.id}"
    )
    assert (provider.taken[0]["to"], provider.taken[0]["body"]) == (TEXT.to, TEXT.body)


@pytest.mark.parametrize(
    ("fault", "code", "final", "state"),
    [
        ("429", 20429, False, MessageState.FAILED),
        ("401", 20003, False, MessageState.FAILED),
        ("400", 21611, False, MessageState.FAILED),
        ("400", 99999, False, MessageState.FAILED),
        ("400", 21211, True, MessageState.FAILED),
        ("400", 21614, True, MessageState.VOICE_NOTICE),
        ("400", 21610, True, MessageState.STOPPED),
    ],
)
def test_what_was_certainly_not_taken(fault: Fault, code: int, final: bool, state: MessageState) -> None:
    with Provider(lambda: fault, code) as provider, pytest.raises(Undelivered, match=fault) as caught:
        a_sender(provider).send(TEXT)
    assert (caught.value.final, caught.value.state) == (final, state)
    assert provider.taken == []


@pytest.mark.parametrize("fault", ["500", "503", "lost", "late", "broken", "garbage"])
def test_what_may_have_been_taken_is_a_doubt_that_the_provider_settles(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_twilio, "ANSWER", 0.3)
    faults = iter([fault])
    with Provider(lambda: next(faults)) as provider:
        sender = a_sender(provider)
        with pytest.raises(InDoubt):
            sender.send(TEXT)
        assert sender.find(TEXT) == [message["sid"] for message in provider.taken]
        assert len(provider.taken) == (fault in {"lost", "late", "garbage"})


def test_where_nobody_listens_nothing_was_taken() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sender = TwilioSender(ACCOUNT, "s", service=SERVICE, api=f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(Undelivered):
            sender.send(TEXT)
        with pytest.raises(Undelivered):
            sender.find(TEXT)


def test_only_messages_with_these_words_are_found_the_oldest_first() -> None:
    with Provider() as provider:
        sender = a_sender(provider)
        first, other, second = (
            sender.send(Text(f"id{n}", TEXT.to, body, TEXT.created_at))
            for n, body in enumerate((TEXT.body, "other", TEXT.body))
        )
        assert sender.find(TEXT) == [first, second]
        assert other not in sender.find(TEXT)


def test_no_number_and_no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Provider() as provider:
        sender = a_sender(provider)
        sender.send(TEXT)
        sender.find(TEXT)
    with Provider(lambda: "500") as provider, pytest.raises(InDoubt) as caught:
        a_sender(provider).send(TEXT)
    for words in (caplog.text, str(caught.value)):
        assert TEXT.to.removeprefix("+") not in words
        assert "secret" not in words


def test_the_routes_are_set_in_order_and_what_is_missing_is_named() -> None:
    ready = Settings(
        sms_sender=("twilio", "mail", "file"),
        twilio_account_sid=ACCOUNT,
        twilio_auth_token="t",
        twilio_messaging_service=SERVICE,
        smtp_host="127.0.0.1",
        sms_mail_to="{number}@sms.example",
    )
    assert [sender.name for sender in senders_of(ready)] == ["twilio", "mail", "file"]
    with pytest.raises(NotSet, match="CENTRALINO_TWILIO_AUTH_TOKEN"):
        senders_of(Settings(sms_sender=("twilio",), twilio_account_sid=ACCOUNT))
    with pytest.raises(NotSet, match="CENTRALINO_TWILIO_SENDER"):
        senders_of(Settings(sms_sender=("twilio",), twilio_account_sid=ACCOUNT, twilio_auth_token="t"))
    with pytest.raises(NotSet, match="CENTRALINO_SMS_MAIL_TO"):
        senders_of(Settings(sms_sender=("mail",)))


def test_routes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALINO_SMS_SENDER", "twilio, mail")
    assert Settings().sms_sender == ("twilio", "mail")
    monkeypatch.setenv("CENTRALINO_SMS_SENDER", "")
    with pytest.raises(ValueError):
        Settings()
