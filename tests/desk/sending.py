"""A sender that keeps what it was given and behaves as told, and numbers that agreed to messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from desk import db
from desk.consents import Purpose, give_consent
from desk.models import Message
from desk.outbox import Undelivered
from desk.sms.outbox import write_message
from desk.sms.senders import Text

NUMBER = "+393330000001"
VALUES = {"ref": "12345678", "day": "31/12/2026"}


class Sent:
    """Keeps the ids of what it was given; ``failure`` is raised instead of an answer."""

    gives_receipts = True

    def __init__(
        self, failure: BaseException | None = None, *, name: str = "test", can_find: bool = False
    ) -> None:
        self.name, self.can_find = name, can_find
        self.ids: list[str] = []
        self.failure = failure
        #: What it says it has when it is asked.
        self.has: list[str] = []
        #: Called while a message is being handed over.
        self.meanwhile: Callable[[Text], None] = lambda _: None

    def send(self, text: Text) -> str:
        self.ids.append(text.id)
        self.meanwhile(text)
        if self.failure is not None:
            raise self.failure
        return f"p-{text.id}"

    def find(self, text: Text) -> Sequence[str]:
        if not self.can_find:
            raise Undelivered("cannot be asked")
        return [f"p-{message}" for message in self.has if message == text.id]


def agree(sessions: db.Sessions, now: datetime, *numbers: str) -> None:
    """Let the numbers agree to all messages."""
    with db.transaction(sessions) as session:
        for number in numbers or (NUMBER,):
            for purpose in Purpose:
                give_consent(
                    session,
                    e164=number,
                    citizen_id=None,
                    purpose=purpose,
                    text_version="1",
                    how="phone",
                    by="call 1",
                    now=now,
                )


def write(
    sessions: db.Sessions,
    now: datetime,
    count: int = 1,
    *,
    to: str = NUMBER,
    not_after: datetime | None = None,
) -> list[str]:
    """Write so many messages; returns their ids."""
    with db.transaction(sessions) as session:
        return [
            write_message(
                session,
                to=to,
                template="certificate_receipt",
                values=VALUES,
                language="it",
                request_id=None,
                now=now,
                not_after=not_after,
            ).id
            for _ in range(count)
        ]


def row(sessions: db.Sessions, message: str) -> Message:
    with db.reading(sessions) as session:
        return session.get_one(Message, message)
