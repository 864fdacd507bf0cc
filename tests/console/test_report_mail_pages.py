"""Reports by mail in the console: ordered, seen to fail, ended there and from the mail itself."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from desk.db import Sessions, reading, transaction
from desk.models import MessageState, ReportMail, Role, ScheduledReport, TownChange
from desk.scheduled_reports import stop_token
from tests.console.fixed import KEYRING
from tests.console.signing_in import an_operator, sign_in

PAGE = "/console/statistics/mails"
ADDRESS = "carla.neri@comune.example"


@pytest.fixture
def reader(sessions: Sessions, client: FlaskClient) -> int:
    """A manager who may get reports and orders them; the number."""
    an_operator(sessions, "super", Role.SUPERVISOR)
    number = an_operator(sessions, "capo", Role.MANAGER).id
    sign_in(client, "capo")
    return number


def form(reader: int, **changed: object) -> dict[str, object]:
    return {
        "operator": reader,
        "address": ADDRESS,
        "every": "week",
        "form": "pdf",
        "language": "it",
        "table": ["calls", "lost"],
    } | changed


def reports(sessions: Sessions) -> list[ScheduledReport]:
    with reading(sessions) as db:
        return list(db.scalars(select(ScheduledReport)))


def test_ordered_seen_and_ended(client: FlaskClient, sessions: Sessions, reader: int) -> None:
    assert "Nessuno riceve" in client.get(PAGE).text
    assert client.post(PAGE, data=form(reader)).status_code == 303
    (report,) = reports(sessions)
    assert (report.every, report.tables, report.created_by) == ("week", ["calls", "lost"], "capo")
    page = client.get(PAGE).text
    assert ADDRESS in page
    assert "In attesa" in page
    with transaction(sessions) as db:
        mail = db.scalars(select(ReportMail)).one()
        mail.state, mail.failure = MessageState.FAILED, "the address was refused: 550"
    page = client.get(PAGE).text
    assert "Non riuscito" in page
    assert "refused: 550" in page

    assert client.post(f"{PAGE}/{report.id}/end").status_code == 303
    assert client.post(f"{PAGE}/{report.id}/end").status_code == 404
    assert reports(sessions)[0].to_address == ""
    assert ADDRESS not in client.get(PAGE).text
    with reading(sessions) as db:
        changed = db.scalars(select(TownChange).order_by(TownChange.id)).all()
    assert [(change.what, change.by) for change in changed] == [("scheduled_reports", "capo")] * 2
    # Rows about changes are kept: whose address it was does not stand there.
    assert ADDRESS not in str([(change.before, change.after) for change in changed])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "carla.neri"}, "nome@comune.it"),
        ({"address": f"{ADDRESS}\nBcc: altri@example.org"}, "nome@comune.it"),
        ({"table": []}, "almeno una tabella"),
        ({"table": ["heat"]}, "almeno una tabella"),
        ({"every": "hour"}, "Scegliere"),
        ({"operator": 1}, "non può ricevere"),
        ({"operator": 99}, "non può ricevere"),
    ],
)
def test_what_is_refused_says_why(
    client: FlaskClient, sessions: Sessions, reader: int, wrong: dict[str, object], said: str
) -> None:
    answer = client.post(PAGE, data=form(reader, **wrong))
    assert answer.status_code == 400
    assert said in answer.text
    assert reports(sessions) == []


def test_the_link_of_the_mail_ends_it_without_a_log_in(
    app: Flask, client: FlaskClient, sessions: Sessions, reader: int
) -> None:
    client.post(PAGE, data=form(reader))
    (report,) = reports(sessions)
    app.config["WTF_CSRF_ENABLED"] = True
    anybody = app.test_client()
    link = f"{PAGE}/stop/{report.id}/{stop_token(KEYRING.web_key, report.id)}"
    assert anybody.get(f"{PAGE}/stop/{report.id}/{'0' * 40}").status_code == 404
    assert anybody.post(f"{PAGE}/stop/{report.id + 1}/{link[-40:]}").status_code == 404
    # Programs that check links end nothing.
    assert anybody.get(link).status_code == 200
    assert reports(sessions)[0].ended_at is None
    answer = anybody.post(link, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, "non arriverà più nulla" in answer.text) == (200, True)
    assert reports(sessions)[0].ended_at is not None
    # Twice is once.
    assert anybody.post(link).status_code == 200
