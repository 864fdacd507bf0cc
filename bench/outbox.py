"""``python -m bench.outbox [--quick]``: messages per second through the outbox, receipts per second.

On SQLite and on PostgreSQL, against a provider on this machine. The baseline of sending is the provider's own
client in a loop without any outbox; that of receipts is a transaction that only inserts a row. Both are
measured in the same run. Exits with 1 if a message did not go out exactly once or a receipt was lost.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path

import click
from sqlalchemy import func, select

from bench.provider import Provider
from desk import db
from desk.models import CallerPreference, Consent, Message, MessageReceipt, MessageState, Purpose
from desk.sms.by_twilio import TwilioSender
from desk.sms.limits import Limits
from desk.sms.outbox import send_waiting, write_message
from desk.sms.receipts import note_receipt
from desk.sms.senders import Text
from tests.conftest import private_postgres

#: No quiet hours, and no limit of the day.
LIMITS = Limits(clock_time(), clock_time(), sys.maxsize, sys.maxsize)


@dataclass(frozen=True, slots=True)
class Speed:
    """Things per second, with the baseline's."""

    what: str
    ours: float
    baseline: float


def measure(url: str, count: int) -> Iterator[Speed]:
    """Messages and receipts on an empty database. Raises ``AssertionError`` for one lost or doubled."""
    db.migrate(url)
    engine = db.connect(url)
    sessions, now = db.sessions(engine), datetime.now(UTC)
    try:
        with Provider() as provider:
            sender = TwilioSender(
                "AC" + "a" * 32, "t", sender="Trezzo", api=provider.url, public_url="https://town.example"
            )
            ids = _fill(sessions, count, now)
            bare = _timed(count, lambda n: sender.send(Text(f"bare{n}", _number(n), "x" * 150, now)))
            provider.taken.clear()
            begun = time.perf_counter()
            while send_waiting(sessions, [sender], now=now, limits=LIMITS):
                pass
            yield Speed("messages", count / (time.perf_counter() - begun), bare)
        assert set(provider.times) == set(ids), "a message was lost"
        assert set(provider.times.values()) == {1}, "a message went out twice"
        bare = _timed(count, lambda n: _insert(sessions, n, now))
        yield Speed("receipts", _timed(count, lambda n: _note(sessions, ids[n], now)), bare)
        with db.reading(sessions) as session:
            kept = session.scalar(select(func.count()).select_from(MessageReceipt))
            done = session.scalar(
                select(func.count()).select_from(Message).where(Message.state == MessageState.DELIVERED)
            )
        assert kept == done == count, "a receipt was lost"
    finally:
        engine.dispose()


def _fill(sessions: db.Sessions, count: int, now: datetime) -> list[str]:
    with db.transaction(sessions) as session:
        ids = []
        for n in range(count):
            session.add(
                Consent(
                    e164=_number(n),
                    purpose=Purpose.RECEIPTS,
                    text_version="1",
                    given_at=now,
                    given_how="bench",
                    given_by="bench",
                )
            )
            message = write_message(
                session,
                to=_number(n),
                template="certificate_receipt",
                values={"ref": "12345678", "day": "31/12/2026"},
                language="it",
                request_id=None,
                now=now,
            )
            ids.append(message.id)
    return ids


def _number(n: int) -> str:
    return f"+39333{n:07}"


def _insert(sessions: db.Sessions, n: int, now: datetime) -> None:
    with db.transaction(sessions) as session:
        session.add(CallerPreference(e164=_number(n), language="it", slow=False, updated_at=now))


def _note(sessions: db.Sessions, message: str, now: datetime) -> None:
    with db.transaction(sessions) as session:
        note_receipt(session, message, status="delivered", error_code=None, provider_id="SM", at=now)


def _timed(count: int, once: Callable[[int], object]) -> float:
    begun = time.perf_counter()
    for n in range(count):
        once(n)
    return count / (time.perf_counter() - begun)


@contextlib.contextmanager
def _databases() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="centralino-bench-") as folder, private_postgres() as server:
        yield {"SQLite": f"sqlite:///{Path(folder) / 'bench.sqlite'}", "PostgreSQL": server.create()}


@click.command()
@click.option("--quick", is_flag=True, help="200 messages instead of 2 000.")
def main(quick: bool) -> None:
    """Measure and print."""
    count = 200 if quick else 2000
    click.echo(f"Per second, {count} each          ours  baseline   ratio")
    try:
        with _databases() as urls:
            for name, url in urls.items():
                for speed in measure(url, count):
                    click.echo(
                        f"{name:12} {speed.what:14} {speed.ours:8.0f}  {speed.baseline:8.0f}  "
                        f"{speed.ours / speed.baseline:6.2f}"
                    )
    except AssertionError as e:
        raise click.ClickException(str(e)) from e


if __name__ == "__main__":
    main()
