"""The application on a migrated database of its own, a clock that stands still, and one operator."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser

from console.live_feed import FEEDS
from desk import db
from desk.models import (
    Channel,
    Citizen,
    Message,
    MessageState,
    Operator,
    Request,
    RequestDetails,
    RequestPeriod,
    RequestState,
    Role,
)
from desk.operators import create_operator
from desk.references import new_reference
from desk.settings import Settings
from tests.console.browsing import Visitor, chromium, served
from tests.console.fixed import KEYRING, Clock, File, birth_certificate
from webhooks.app import create_app


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # Nothing listens there: a system that runs beside the tests is left alone.
    return Settings(home=tmp_path, database_url="", ami_port=9)


@pytest.fixture
def sessions(settings: Settings, _migrated_file: Path) -> Iterator[db.Sessions]:
    # Migrated once and copied: every test has a database of its own.
    shutil.copy(_migrated_file, settings.home / "centralino.sqlite")
    engine = db.connect(settings.url)
    yield db.sessions(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(
    settings: Settings, sessions: db.Sessions, clock: Clock, _compiled: FileSystemBytecodeCache
) -> Iterator[Flask]:
    app = create_app(settings, KEYRING, clock=clock)
    # Each test has an application of its own; the templates need not be compiled for each.
    app.jinja_env.bytecode_cache = _compiled
    yield app
    # A stream that no page closed would look at a database that is gone, and tell so in a later test.
    for feed in app.extensions[FEEDS]:
        feed.stopping = lambda: True
    for thread in threading.enumerate():
        if thread.name == "live feed":
            thread.join(10)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the application is served."""
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module; each takes a window of its own.

    Not for longer: while it runs no other Playwright and no asyncio can be started in the same process.
    """
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser, address: str) -> Iterator[Visitor]:
    """A fresh window with nobody logged in."""
    visitor = Visitor.at(browser, address)
    yield visitor
    visitor.page.context.close()


@pytest.fixture
def anna(sessions: db.Sessions) -> Operator:
    """An operator whose password is ``giusta``."""
    with db.transaction(sessions) as session:
        return create_operator(
            session, login="anna", name="Anna Bianchi", password="giusta", role=Role.OPERATOR
        )


@pytest.fixture
def file(sessions: db.Sessions, clock: Clock) -> File:
    """Writes a request as each channel may leave it."""

    def write(
        details: RequestDetails | None = None,
        *,
        state: RequestState = RequestState.RECEIVED,
        channel: Channel = Channel.PHONE,
        due_on: date = date(2026, 11, 26),
        citizen: Citizen | None = None,
        receipt: MessageState | None = None,
        assignee: str | None = None,
    ) -> Request:
        details = details or birth_certificate()
        reference = new_reference()
        with db.transaction(sessions) as session:
            request = Request(
                reference=reference,
                channel=channel,
                kind=details.kind,
                details=details,
                citizen_id=citizen.id if citizen else None,
                contact_e164="+393331234567",
                state=state,
                due_on=due_on,
                filed_at=clock.now,
                idempotency_key=reference,
                language="it",
                assignee=assignee,
                periods=[RequestPeriod(state=state, started_at=clock.now, by="phone", assignee=assignee)],
            )
            session.add(request)
            session.flush()
            if receipt:
                session.add(
                    Message(
                        id=reference,
                        request_id=request.id,
                        to_e164="+393331234567",
                        template="certificate_receipt",
                        template_version=1,
                        language="it",
                        body="…",
                        state=receipt,
                        created_at=clock.now,
                        not_before=clock.now,
                        failure="twilio: 400 21211" if receipt is MessageState.FAILED else None,
                    )
                )
        return request

    return write
