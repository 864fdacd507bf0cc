"""What the operator's page asks for, without Asterisk: what was said in a call, what supervisors may do."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from desk.audit import AuditAction
from desk.db import Sessions, reading, transaction
from desk.desk_now import OnCall, OnCallState, QueueNow, note_queue
from desk.hand_over import HandedOver, hand_over
from desk.models import Audit, Device, Phone, PlaceStay, Role, Tier
from desk.places import take_place
from desk.settings import Settings
from tests.console.fixed import KEYRING, Clock
from tests.console.signing_in import an_operator, sign_in
from webhooks.app import create_app

CALL = "1795547114.0"


@pytest.fixture
def desk(sessions: Sessions, clock: Clock) -> None:
    """Anna at 201, the supervisor Sara at 101."""
    with transaction(sessions) as session:
        for extension, tier in (("201", Tier.BACK_OFFICE), ("101", Tier.COUNTER)):
            session.add(Phone(extension=extension, tier=tier, label=extension, ring_seconds=15))
    for login, role, extension in (("anna", Role.OPERATOR, "201"), ("sara", Role.SUPERVISOR, "101")):
        who = an_operator(sessions, login, role)
        with transaction(sessions) as session:
            take_place(
                session,
                operator_id=who.id,
                extension=extension,
                device=Device.WEB,
                by=login,
                now=clock.now,
            )


def on_call(sessions: Sessions, clock: Clock, state: OnCallState) -> None:
    """Somebody's call is at 201."""
    with transaction(sessions) as session:
        on = OnCall(CALL, "201", state, clock.now, citizen=True)
        note_queue(session, QueueNow(clock.now, 0, None, {}, on_calls=(on,)))


def heard(sessions: Sessions) -> list[tuple[str, str | None]]:
    with reading(sessions) as session:
        return [
            (look.by, look.detail)
            for look in session.scalars(select(Audit).where(Audit.action == AuditAction.HEARD))
        ]


@pytest.mark.usefixtures("desk")
def test_what_a_caller_has_said_is_for_who_talks_with_the_caller(
    client: FlaskClient, sessions: Sessions, settings: Settings, clock: Clock
) -> None:
    folder = settings.home / "recordings"
    folder.mkdir()
    kept, outside = folder / f"{CALL}-subject.wav", settings.home.parent / "outside.wav"
    for file in (kept, outside):
        file.write_bytes(b"RIFF sound")
    gone = folder / "gone.wav"
    with transaction(sessions) as session:
        hand_over(session, HandedOver(CALL, clock.now, "Cert. nascita", recordings=(gone, kept, outside)))
    card, said = f"/console/phone/card/{CALL}", f"/console/phone/card/{CALL}/said"
    sign_in(client, "anna")

    on_call(sessions, clock, OnCallState.RINGING)
    assert "<audio" not in client.get(card).text
    assert client.get(f"{said}/1").status_code == 404
    assert heard(sessions) == []

    on_call(sessions, clock, OnCallState.TALKING)
    page = client.get(card).text
    assert page.count("<audio") == 1
    assert f'src="{said}/1"' in page
    with client.get(f"{said}/1") as answer:
        assert (answer.status_code, answer.data) == (200, b"RIFF sound")
    assert heard(sessions) == [("anna", "said in a call")]
    assert [client.get(f"{said}/{number}").status_code for number in (0, 2, 3)] == [404, 404, 404]
    assert client.get("/console/phone/card/1.1/said/0").status_code == 404

    # A colleague at another place is not in that call.
    client.post("/console/logout")
    sign_in(client, "sara")
    assert client.get(f"{said}/1").status_code == 404
    assert len(heard(sessions)) == 1


@pytest.mark.usefixtures("desk")
def test_a_supervisor_moves_people_and_listens_only_where_the_town_allows_it(
    app: Flask, sessions: Sessions, settings: Settings, clock: Clock
) -> None:
    def order(client: FlaskClient, do: str, extension: str = "201") -> int:
        data = {"do": do, "extension": extension}
        return client.post("/console/phone/supervise", data=data).status_code

    def tier() -> Tier | None:
        with reading(sessions) as session:
            return session.scalars(select(PlaceStay.tier).where(PlaceStay.extension == "201")).one()

    assert order(sign_in(app.test_client(), "anna"), "counter", "101") == 403
    sara = sign_in(app.test_client(), "sara")
    assert [order(sara, do) for do in ("", "dance")] == [400, 400]
    assert order(sara, "counter", "104") == 404
    assert order(sara, "counter") == 204
    assert tier() is Tier.COUNTER
    assert order(sara, "back_office") == 204
    assert tier() is None, "the phone's own"
    assert order(sara, "resume") == 204

    for do in ("listen", "whisper"):
        assert order(sara, do) == 409
    assert heard(sessions) == []
    # Where it is allowed, who listened is kept before anybody hears anything: here no Asterisk is there.
    listening = create_app(settings.model_copy(update={"listening": True}), KEYRING, clock=clock)
    sara = sign_in(listening.test_client(), "sara")
    assert order(sara, "whisper") == 503
    assert heard(sessions) == [("sara", "whispered to 201 (anna)")]
    listening.extensions["engine"].dispose()
