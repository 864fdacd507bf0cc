"""The application on a migrated database of its own, and the real server in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from desk import db
from desk.keyring import open_keyring
from desk.settings import PROJECT, Settings
from tests.console.fixed import KEYRING
from webhooks.app import create_app

SERVE = "from desk.settings import Settings; from webhooks.server import serve; serve(Settings())"


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def port() -> int:
    return _free_port()


@pytest.fixture
def server(settings: Settings, port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real server in a process of its own, once it answers."""
    open_keyring(settings.home, extensions=(), logins=())
    environment = os.environ | {"CENTRALINO_HOME": str(settings.home), "CENTRALINO_WEB_PORT": str(port)}
    environment["CENTRALINO_DATABASE_URL"] = settings.database_url.get_secret_value()
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
