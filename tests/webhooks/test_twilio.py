"""What Twilio tells over HTTP: believed only with its signature, then never lost and never done twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from desk import db
from desk.consents import Purpose, has_consent
from desk.models import InboundText, Message, MessageReceipt, MessageState, Request
from desk.replay import replay_spool
from desk.settings import Settings
from desk.sms.outbox import send_waiting
from desk.spool import Spool
from tests.conftest import NOW
from tests.console.fixed import KEYRING, Clock
from tests.desk.sending import NUMBER, Sent, agree, row, write
from webhooks.app import create_app
from webhooks.twilio import LONGEST_BODY

PUBLIC, TOKEN = "https://desk.example", "a-token"
STATUS, SMS, VOICE = "/webhooks/twilio/status", "/webhooks/twilio/sms", "/webhooks/twilio/voice"
STRANGER = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        home=tmp_path,
        database_url=database_url,
        public_url=PUBLIC,
        twilio_auth_token=TOKEN,
        twilio_sip_uri="sip:+390200000100@desk.example",
        back_office_number="+390200000201",
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings, KEYRING, clock=Clock())
    yield app
    app.extensions["engine"].dispose()


def post(
    client: FlaskClient,
    path: str,
    form: dict[str, str],
    *,
    signed_as: str | None = None,
    token: str = TOKEN,
    headers: dict[str, str] | None = None,
) -> TestResponse:
    """Post ``form`` with the signature of ``signed_as``, by default of the public address."""
    signature = RequestValidator(token).compute_signature(signed_as or PUBLIC + path, form)
    return client.post(path, data=form, headers={"X-Twilio-Signature": signature} | (headers or {}))


def receipt(status: str, error_code: str = "") -> dict[str, str]:
    return {"MessageSid": "SM1", "MessageStatus": status} | ({"ErrorCode": error_code} if error_code else {})


def tell(client: FlaskClient, message: str, status: str, error_code: str = "") -> int:
    return post(client, f"{STATUS}?message={message}", receipt(status, error_code)).status_code


def receipts(sessions: db.Sessions) -> int:
    with db.reading(sessions) as session:
        return session.scalar(select(func.count()).select_from(MessageReceipt)) or 0


@pytest.fixture
def sent(sessions: db.Sessions) -> str:
    """A message that Twilio has taken."""
    agree(sessions, NOW)
    (message,) = write(sessions, NOW)
    send_waiting(sessions, [Sent()], now=NOW)
    return message


def test_a_receipt_is_followed(client: FlaskClient, sessions: db.Sessions, sent: str) -> None:
    assert row(sessions, sent).state is MessageState.SENT
    assert tell(client, sent, "delivered") == 204
    assert row(sessions, sent).state is MessageState.DELIVERED


@pytest.mark.parametrize(
    "signed_as",
    [
        "http://desk.example{path}",
        "https://127.0.0.1:8080{path}",
        "http://localhost{path}",
        "https://desk.example:8443{path}",
        "https://desk.example{path}&more=1",
        "https://desk.example/webhooks/twilio/sms",
        "",
    ],
)
def test_what_is_signed_for_another_address_is_refused(
    client: FlaskClient, sessions: db.Sessions, sent: str, signed_as: str
) -> None:
    path = f"{STATUS}?message={sent}"
    answer = post(client, path, receipt("delivered"), signed_as=signed_as.format(path=path) or " ")
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert row(sessions, sent).state is MessageState.SENT
    assert receipts(sessions) == 0


def test_a_forged_or_missing_signature_is_refused(
    client: FlaskClient, sessions: db.Sessions, sent: str
) -> None:
    path, form = f"{STATUS}?message={sent}", receipt("delivered")
    good = RequestValidator(TOKEN).compute_signature(PUBLIC + path, form)
    for signature in ("", "x", good[:-1], good.lower(), good[::-1]):
        answer = client.post(path, data=form, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 403
    assert client.post(path, data=form).status_code == 403
    assert post(client, path, form, token="another").status_code == 403
    changed = {"X-Twilio-Signature": good}
    assert client.post(path, data=receipt("failed"), headers=changed).status_code == 403
    other = path.replace(sent, STRANGER)
    assert client.post(other, data=form, headers=changed).status_code == 403
    assert receipts(sessions) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "127.0.0.1:8080"},
        {"Host": "inner", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"X-Original-Url": "/webhooks/twilio/sms"},
    ],
)
def test_behind_a_proxy_only_the_public_address_counts(
    client: FlaskClient, sessions: db.Sessions, sent: str, headers: dict[str, str]
) -> None:
    path = f"{STATUS}?message={sent}"
    assert post(client, path, receipt("delivered"), headers=headers).status_code == 204
    assert receipts(sessions) == 1


def test_the_usual_port_may_be_signed_or_not(client: FlaskClient, sent: str) -> None:
    path = f"{STATUS}?message={sent}"
    with_port = f"https://desk.example:443{path}"
    assert post(client, path, receipt("delivered"), signed_as=with_port).status_code == 204


@pytest.mark.parametrize(
    "missing", [{"twilio_auth_token": ""}, {"public_url": ""}, {"public_url": "", "twilio_auth_token": ""}]
)
def test_without_token_or_public_address_nothing_is_let_in(
    settings: Settings, missing: dict[str, str]
) -> None:
    system = Settings(**(settings.model_dump() | {"database_url": settings.url} | missing))
    client = create_app(system, KEYRING).test_client()
    for token in (TOKEN, ""):
        for base in (PUBLIC, "http://localhost", ""):
            answer = post(client, VOICE, {"CallSid": "CA1"}, token=token, signed_as=base + VOICE)
            assert answer.status_code == 403


def test_the_signature_comes_before_everything_else(
    client: FlaskClient, sessions: db.Sessions, settings: Settings
) -> None:
    with db.transaction(sessions) as session:
        session.execute(text("DROP TABLE message_receipts"))
        session.execute(text("DROP TABLE inbound_texts"))
    for path in (STATUS, SMS, VOICE):
        assert client.post(path, data={"nonsense": "1"}).status_code == 403
        assert client.post(path, json={"MessageSid": "x"}).status_code == 403
    assert list(Spool(settings.home / "spool").waiting()) == []


def test_a_body_is_not_read_beyond_its_limit(client: FlaskClient) -> None:
    form = {"MessageSid": "SM1", "From": NUMBER, "Body": "x" * LONGEST_BODY}
    assert post(client, SMS, form).status_code == 413
    unsigned = client.post(
        SMS, data="Body=" + "x" * LONGEST_BODY, content_type="application/x-www-form-urlencoded"
    )
    assert unsigned.status_code == 413


def test_a_signed_request_that_says_nothing_is_refused(client: FlaskClient) -> None:
    assert post(client, SMS, {}).status_code == 400
    assert post(client, STATUS, {"MessageSid": "SM1"}).status_code == 400
    signature = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(PUBLIC + SMS, {})}
    assert client.post(SMS, json={"MessageSid": "SM1"}, headers=signature).status_code == 400
    assert client.get(SMS, headers=signature).status_code == 405


@pytest.mark.parametrize("message", [STRANGER, "1", "", "%00", "../../x"])
def test_unknown_ids_are_left_alone(client: FlaskClient, sessions: db.Sessions, message: str) -> None:
    assert tell(client, message, "delivered") == 204
    assert receipts(sessions) == 0


def test_a_replay_changes_nothing_and_is_stored(
    client: FlaskClient, sessions: db.Sessions, sent: str
) -> None:
    for _ in range(3):
        assert tell(client, sent, "delivered") == 204
    assert row(sessions, sent).state is MessageState.DELIVERED
    assert receipts(sessions) == 3


def test_in_whatever_order_receipts_come_a_final_state_stays(
    client: FlaskClient, sessions: db.Sessions
) -> None:
    agree(sessions, NOW)
    final = {"delivered": MessageState.DELIVERED, "undelivered": MessageState.UNDELIVERED}
    for order in permutations(("queued", "sent", "delivered", "undelivered", "what is this")):
        (message,) = write(sessions, NOW)
        for status in order:
            assert tell(client, message, status) == 204
        assert row(sessions, message).state is next(final[status] for status in order if status in final)
    assert receipts(sessions) == 120 * 5


def test_a_receipt_that_beats_the_commit_is_not_undone(client: FlaskClient, sessions: db.Sessions) -> None:
    agree(sessions, NOW)
    (message,) = write(sessions, NOW)
    sender = Sent()
    sender.meanwhile = lambda text: tell(client, text.id, "delivered")  # type: ignore[assignment]
    send_waiting(sessions, [sender], now=NOW)
    assert sender.ids == [message]
    assert row(sessions, message).state is MessageState.DELIVERED


def test_a_citizen_who_told_twilio_to_stop_is_not_texted_again(
    client: FlaskClient, sessions: db.Sessions, sent: str
) -> None:
    assert tell(client, sent, "undelivered", "21610") == 204
    assert row(sessions, sent).state is MessageState.STOPPED
    with db.reading(sessions) as session:
        assert not has_consent(session, NUMBER, Purpose.RECEIPTS)


def written(answer: TestResponse) -> list[str]:
    """The messages of the TwiML that was answered."""
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    return [message.text or "" for message in ElementTree.fromstring(answer.data)]  # noqa: S314  our own


def test_a_text_is_taken_once_and_answered(client: FlaskClient, sessions: db.Sessions) -> None:
    form = {"MessageSid": "SM7", "From": "+393331234567", "Body": "Il lampione <di> via Roma è spento"}
    first, again = (written(post(client, SMS, form)) for _ in range(2))
    assert first == again
    with db.reading(sessions) as session:
        assert session.scalars(select(InboundText)).one().body == form["Body"]
        reference = session.scalars(select(Request.reference)).one()
    form = {"MessageSid": "SM8", "From": "+393331234567", "Body": f"STATO {reference}"}
    (state,) = written(post(client, SMS, form))
    assert reference in state


@pytest.mark.parametrize("word", ["STOP", "arresto", "Basta"])
def test_stop_ends_the_consent(client: FlaskClient, sessions: db.Sessions, word: str) -> None:
    agree(sessions, NOW)
    answer = post(client, SMS, {"MessageSid": "SM9", "From": NUMBER, "Body": word})
    assert answer.status_code == 200
    with db.reading(sessions) as session:
        assert not has_consent(session, NUMBER, Purpose.RECEIPTS)


def test_odd_characters_are_no_fault(client: FlaskClient, sessions: db.Sessions) -> None:
    form = {"MessageSid": "SM\x001", "From": "\x00+39", "Body": "\x00😀"}
    assert post(client, SMS, form).status_code == 200
    with db.reading(sessions) as session:
        assert session.scalars(select(InboundText)).one().body == "😀"


def test_what_is_told_while_the_database_is_away_is_filed_later(
    client: FlaskClient,
    sessions: db.Sessions,
    settings: Settings,
    sent: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for there, away in (("message_receipts", "gone_receipts"), ("inbound_texts", "gone_texts")):
        with db.transaction(sessions) as session:
            session.execute(text(f"ALTER TABLE {there} RENAME TO {away}"))
    assert tell(client, sent, "delivered") == 204
    assert tell(client, sent, "delivered") == 204
    form = {"MessageSid": "SM7", "From": NUMBER, "Body": "STOP"}
    assert written(post(client, SMS, form)) == []
    assert NUMBER[3:] not in caplog.text
    spool = Spool(settings.home / "spool")
    assert sorted(item.kind for item in spool.waiting()) == ["receipt", "text"]
    with pytest.raises(db.DatabaseGone):
        replay_spool(sessions, spool)

    for there, away in (("message_receipts", "gone_receipts"), ("inbound_texts", "gone_texts")):
        with db.transaction(sessions) as session:
            session.execute(text(f"ALTER TABLE {away} RENAME TO {there}"))
    assert replay_spool(sessions, spool) == 2
    assert row(sessions, sent).state is MessageState.DELIVERED
    with db.reading(sessions) as session:
        assert not has_consent(session, NUMBER, Purpose.RECEIPTS)
    assert list(spool.waiting()) == []


def voice(client: FlaskClient, path: str, **form: str) -> list[tuple[str, str | None]]:
    """What the TwiML does: tags and texts, in order of the document."""
    answer = post(client, path, {"CallSid": "CA1"} | form)
    assert (answer.status_code, answer.mimetype) == (200, "text/xml")
    root = ElementTree.fromstring(answer.data)  # noqa: S314  our own
    return [(element.tag, element.text) for element in root.iter()][1:]


def test_a_call_is_dialled_to_us_and_else_to_the_back_office(client: FlaskClient) -> None:
    answer = post(client, VOICE, {"CallSid": "CA1"})
    dial = ElementTree.fromstring(answer.data).find("Dial")  # noqa: S314  our own
    assert dial is not None
    assert dial.get("action") == f"{PUBLIC}{VOICE}/unanswered"
    assert voice(client, VOICE) == [("Dial", None), ("Sip", "sip:+390200000100@desk.example")]
    for status in ("busy", "no-answer", "failed"):
        assert voice(client, f"{VOICE}/unanswered", DialCallStatus=status) == [
            ("Dial", None),
            ("Number", "+390200000201"),
        ]
    for status in ("completed", "answered", "canceled"):
        assert voice(client, f"{VOICE}/unanswered", DialCallStatus=status) == [("Hangup", None)]


def test_a_call_needs_no_database(client: FlaskClient, sessions: db.Sessions, settings: Settings) -> None:
    for table in ("message_receipts", "inbound_texts"):
        with db.transaction(sessions) as session:
            session.execute(text(f"DROP TABLE {table}"))
    assert voice(client, VOICE)[1][0] == "Sip"


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        ({"twilio_sip_uri": ""}, [("Dial", None), ("Number", "+390200000201")]),
        ({"twilio_sip_uri": "", "back_office_number": ""}, [("Reject", None)]),
    ],
)
def test_a_call_without_a_way_to_us(
    settings: Settings, missing: dict[str, str], wanted: list[tuple[str, str | None]]
) -> None:
    system = Settings(**(settings.model_dump() | {"database_url": settings.url} | missing))
    client = create_app(system, KEYRING).test_client()
    assert voice(client, VOICE) == wanted
    if "back_office_number" in missing:
        assert voice(client, f"{VOICE}/unanswered", DialCallStatus="busy") == [("Hangup", None)]


def test_no_number_and_no_text_reach_the_log(
    client: FlaskClient, sessions: db.Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        post(client, SMS, {"MessageSid": "SM1", "From": "+393331234567", "Body": "segreto"})
        client.post(SMS, data={"MessageSid": "SM1", "From": "+393331234567", "Body": "segreto"})
    assert "/webhooks/twilio/sms 200" in caplog.text
    assert "3331234567" not in caplog.text
    assert "segreto" not in caplog.text
    with db.reading(sessions) as session:
        assert session.scalars(select(Message)).all() == []
