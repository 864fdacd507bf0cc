"""``python -m bench.receipts``: delivery receipts per second through HTTP, against a route that does nothing.

A private system on a database of its own, served by gunicorn as in production, is told so many receipts by
several connections at once. The baseline is the same server with an empty route, asked by the same callers:
what is left is the signature, the row that is locked, and the commit. Nothing leaves this machine.

Exits with 1 if a receipt was refused or is not in the database afterwards.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from bench.serving import SERVE, serving
from desk import db
from desk.models import Message, MessageReceipt, MessageState
from desk.settings import Settings
from webhooks.server import gunicorn_options
from webhooks.twilio import PREFIX

PUBLIC, TOKEN = "https://desk.example", "bench"
CONNECTIONS = 8

Post = tuple[str, str, dict[str, str]]


class EmptyServer(BaseApplication):  # type: ignore[misc]
    """The server of production with one route that does nothing."""

    def load_config(self) -> None:
        for name, value in gunicorn_options(Settings()).items():
            # It has no streams that would have to be ended.
            if name != "post_worker_init":
                self.cfg.set(name, value)

    def load(self) -> Flask:
        app = Flask("empty")
        app.add_url_rule("/empty", "empty", lambda: ("", 204), methods=["POST"])
        return app


@click.command()
@click.option("--receipts", default=2000, show_default=True, type=click.IntRange(10, 100_000))
@click.option("--url", default="", help="An empty PostgreSQL database; default: SQLite in a private folder.")
def main(receipts: int, url: str) -> None:
    """Measure, print, and check that nothing was lost."""
    with tempfile.TemporaryDirectory(prefix="centralino-bench-") as folder:
        settings = Settings(home=Path(folder), database_url=url)
        db.migrate(settings.url)
        engine = db.connect(settings.url)
        sessions = db.sessions(engine)
        posts = list(_receipts(_messages(sessions, receipts)))
        empty = [("/empty", body, headers) for _, body, headers in posts]
        told = {"PUBLIC_URL": PUBLIC, "TWILIO_AUTH_TOKEN": TOKEN}
        with serving(
            "from bench.receipts import EmptyServer; EmptyServer().run()", settings, **told
        ) as server:
            baseline = _tell(server.port, empty)
        with serving(SERVE, settings, **told) as server:
            ours = _tell(server.port, posts)
        with db.reading(sessions) as session:
            stored = session.scalar(select(func.count()).select_from(MessageReceipt)) or 0
            followed = session.scalar(
                select(func.count()).select_from(Message).where(Message.state == MessageState.DELIVERED)
            )
        engine.dispose()
    kind = "PostgreSQL" if url else "SQLite"
    click.echo(f"{'empty route':24} {receipts / baseline:8.0f} /s")
    click.echo(
        f"{'receipts, ' + kind:24} {receipts / ours:8.0f} /s   1 / {ours / baseline:.1f} of the empty route"
    )
    click.echo(f"{stored} of {receipts} stored, {followed} followed")
    sys.exit(0 if stored == followed == receipts else 1)


def _messages(sessions: db.Sessions, count: int) -> Sequence[str]:
    """So many messages that a provider has taken."""
    now = datetime.now(UTC)
    ids = [str(uuid.uuid4()) for _ in range(count)]
    with db.transaction(sessions) as session:
        session.add_all(
            Message(
                id=message,
                to_e164="+393330000001",
                template="certificate_receipt",
                template_version=1,
                language="it",
                body="bench",
                state=MessageState.SENT,
                created_at=now,
                not_before=now,
                sent_at=now,
            )
            for message in ids
        )
    return ids


def _receipts(messages: Sequence[str]) -> Iterator[Post]:
    validator = RequestValidator(TOKEN)
    for message in messages:
        path = f"{PREFIX}/status?message={message}"
        form = {"MessageSid": f"SM{message.replace('-', '')}", "MessageStatus": "delivered"}
        yield (
            path,
            urlencode(form),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": validator.compute_signature(PUBLIC + path, form),
            },
        )


def _tell(port: int, posts: Sequence[Post]) -> float:
    """Seconds that it took. A refused one ends it."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        began = time.perf_counter()
        for refused in pool.map(
            lambda part: _post(port, part), (posts[n::CONNECTIONS] for n in range(CONNECTIONS))
        ):
            if refused:
                raise click.ClickException(f"{refused} were refused.")
        return time.perf_counter() - began


def _post(port: int, posts: Sequence[Post]) -> int:
    refused = 0
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        for path, body, headers in posts:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            refused += answer.status != 204
    return refused


if __name__ == "__main__":
    main()
