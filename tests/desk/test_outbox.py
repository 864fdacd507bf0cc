"""The SMS outbox: sent once each, tried again where it helps, never sent in doubt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from string import Formatter

import pytest
from sqlalchemy import select

from desk import db
from desk.models import Message, MessageState
from desk.outbox import Undelivered, claim_next
from desk.sms.outbox import TRIES, read_text, send_waiting, write_message
from desk.sms.senders import FileSender
from desk.sms.templates import FOLDER, SINGLE, TemplateError, segments, templates

VALUES = {"ref": "12345678", "day": "31/12/2026"}
#: The longest of what is written into messages.
LONGEST = {**VALUES, "time": "10:20", "place": "Municipio, Sportello SpazioPiù"}


class Sent:
    """A sender that keeps what it was given, or fails as told."""

    def __init__(self, failure: Undelivered | None = None) -> None:
        self.ids: list[str] = []
        self._failure = failure

    def send(self, message_id: str, to: str, body: str) -> str:
        self.ids.append(message_id)
        if self._failure is not None:
            raise self._failure
        return f"p-{message_id}"


def write(sessions: db.Sessions, now: datetime, count: int = 1) -> None:
    with db.transaction(sessions) as session:
        for _ in range(count):
            write_message(
                session,
                to="+393330000001",
                template="certificate_receipt",
                values=VALUES,
                language="it",
                request_id=None,
                now=now,
            )


def only(sessions: db.Sessions) -> Message:
    with db.reading(sessions) as session:
        return session.scalars(select(Message)).one()


def test_a_message_is_sent_once(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    sender = Sent()
    assert send_waiting(sessions, sender, now=now) == 1
    assert send_waiting(sessions, sender, now=now) == 0
    message = only(sessions)
    assert (message.state, message.sent_at) == (MessageState.SENT, now)
    assert message.provider_id == f"p-{message.id}"


def test_two_workers_send_nothing_twice(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now, 12)
    sender = Sent()
    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda _: send_waiting(sessions, sender, now=now), range(4)))
    assert sent == len(sender.ids) == len(set(sender.ids)) == 12


def test_a_passing_failure_is_tried_again_later_and_not_for_ever(
    sessions: db.Sessions, now: datetime
) -> None:
    write(sessions, now)
    sender = Sent(Undelivered("busy"))
    assert send_waiting(sessions, sender, now=now) == 0
    assert len(sender.ids) == 1
    assert only(sessions).state is MessageState.CREATED
    assert send_waiting(sessions, sender, now=now + timedelta(seconds=59)) == 0
    assert len(sender.ids) == 1
    for day in range(1, 20):
        send_waiting(sessions, sender, now=now + timedelta(days=day))
    assert len(sender.ids) == TRIES
    assert (only(sessions).state, only(sessions).failure) == (MessageState.FAILED, "busy")


def test_the_waits_between_tries_grow(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    sender, at, waits = Sent(Undelivered("busy")), now, []
    for _ in range(TRIES - 1):
        send_waiting(sessions, sender, now=at)
        due = only(sessions).not_before
        waits.append((due - at) / timedelta(minutes=1))
        at = due
    assert waits == [1, 2, 4, 8, 16]


def test_a_worker_that_is_killed_while_sending_leaves_no_second_message(
    sessions: db.Sessions, now: datetime
) -> None:
    write(sessions, now, 2)

    class Killed(BaseException):
        pass

    class Dying(Sent):
        def send(self, message_id: str, to: str, body: str) -> str:
            super().send(message_id, to, body)
            raise Killed

    dying, next_worker = Dying(), Sent()
    with pytest.raises(Killed):
        send_waiting(sessions, dying, now=now)
    send_waiting(sessions, next_worker, now=now)
    send_waiting(sessions, next_worker, now=now + timedelta(hours=1))
    assert not set(dying.ids) & set(next_worker.ids)
    with db.reading(sessions) as session:
        states = {message.id: message.state for message in session.scalars(select(Message))}
    assert states == {dying.ids[0]: MessageState.UNKNOWN, next_worker.ids[0]: MessageState.SENT}


def test_a_final_failure_is_not_tried_again(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    sender = Sent(Undelivered("no such number", final=True))
    send_waiting(sessions, sender, now=now)
    send_waiting(sessions, sender, now=now + timedelta(days=1))
    assert len(sender.ids) == 1
    assert only(sessions).state is MessageState.FAILED


def test_what_a_dead_worker_may_have_sent_is_not_sent_again(sessions: db.Sessions, now: datetime) -> None:
    write(sessions, now)
    assert claim_next(sessions, Message, read_text, now=now) is not None
    sender = Sent()
    send_waiting(sessions, sender, now=now + timedelta(hours=1))
    assert sender.ids == []
    assert only(sessions).state is MessageState.UNKNOWN


def test_the_file_sender_writes_for_the_owner_only(
    sessions: db.Sessions, now: datetime, tmp_path: Path
) -> None:
    write(sessions, now)
    assert send_waiting(sessions, FileSender(tmp_path / "sms.txt"), now=now) == 1
    assert (tmp_path / "sms.txt").stat().st_mode & 0o777 == 0o600
    assert VALUES["ref"] in (tmp_path / "sms.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["it", "en"])
def test_receipts_go_in_one_part_and_answers_in_two(language: str) -> None:
    samples = {
        **LONGEST,
        "fee": "1022,21",
        "amount": "49,56",
        "notice": "3" * 18,
        "position": "20",
        "due": "31/12/2026",
        "hours": ", ".join(["lun 10:00-12:45 16:00-19:45"] * 5),
    }
    for name, template in templates(language).items():
        fields = {field for _, field, _, _ in Formatter().parse(template.text) if field}
        parts = segments(template.fill({field: samples[field] for field in fields}))
        assert parts <= (2 if name.startswith("info_") else 1), name


def test_the_languages_have_the_same_templates() -> None:
    languages = [file.stem for file in FOLDER.glob("*.toml")]
    assert len({frozenset(templates(language)) for language in languages}) == 1


def test_values_must_be_complete_and_in_the_alphabet() -> None:
    template = templates("it")["certificate_receipt"]
    for values in (
        {"ref": "1"},
        {**VALUES, "more": "x"},
        {**VALUES, "day": "“oggi”"},
        {**VALUES, "day": "È"},
    ):
        with pytest.raises(TemplateError):
            template.fill(values)


def test_the_length_of_parts() -> None:
    assert [segments("x" * n) for n in (SINGLE, SINGLE + 1, 306, 307)] == [1, 2, 2, 3]
