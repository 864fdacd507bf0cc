"""How the queue stands now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from desk.db import Sessions, reading, transaction
from desk.desk_now import Member, PhoneState, QueueNow, note_queue, queue_now

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def test_what_was_seen_last_is_read(sessions: Sessions) -> None:
    with reading(sessions) as session:
        assert queue_now(session) is None
    first = QueueNow(
        NOW,
        2,
        NOW - timedelta(minutes=3),
        {"201": Member(PhoneState.BUSY), "101": Member(PhoneState.FREE, "lunch")},
    )
    for seen in (first, QueueNow(NOW + timedelta(seconds=5), 0, None, {"201": Member(PhoneState.FREE)})):
        with transaction(sessions) as session:
            note_queue(session, seen)
        with reading(sessions) as session:
            assert queue_now(session) == seen
