from __future__ import annotations

import sqlite3

from flask.testing import FlaskClient

from desk.settings import Settings


def test_all_is_well(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json == {"ok": True, "parts": {"database": True, "schema": True}}
    assert "Set-Cookie" not in answer.headers


def test_a_lost_database_is_told(settings: Settings, client: FlaskClient) -> None:
    for file in settings.home.glob("centralino.sqlite*"):
        file.unlink()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json == {"ok": False, "parts": {"database": False, "schema": False}}


def test_the_schema_of_another_version_is_told(settings: Settings, client: FlaskClient) -> None:
    connection = sqlite3.connect(settings.home / "centralino.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = 'of tomorrow'")
    connection.commit()
    connection.close()
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json == {"ok": False, "parts": {"database": True, "schema": False}}
