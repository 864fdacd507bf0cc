"""The application on a migrated database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from desk import db
from desk.settings import Settings
from tests.console.fixed import KEYRING
from webhooks.app import create_app


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path, database_url="")
    db.migrate(settings.url)
    return settings


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings, KEYRING)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
