"""Any interleaving of sends, receipts, deaths and STOP leaves each message legal, sent at most once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk import db
from desk.models import Message, MessageState
from desk.outbox import InDoubt, Undelivered
from desk.sms.inbound import take_text
from desk.sms.limits import Limits
from desk.sms.outbox import send_waiting
from desk.sms.receipts import STOPPED, note_receipt, settle_unreceipted
from desk.sms.senders import Text
from desk.sms.voice_notices import (
    CallingRules,
    begin_calls,
    called,
    lost_calls,
    note_heard,
    note_in_vain,
    note_refused,
)
from tests.conftest import Postgres
from tests.desk.sending import agree, write

NUMBERS = ("+393330000001", "+393330000002")
#: Told by telephone.
LANDLINE = "+390290912345"
CALLING = CallingRules(time(0), time(23, 59), 1, Limits(time(), time(), 10_000, 10_000))
#: Calls of one notice at most.
CALLS = 3
LIMITS = Limits(time(), time(), 10_000, 10_000)

#: Nothing leaves these.
FINAL = {
    MessageState.DELIVERED,
    MessageState.UNDELIVERED,
    MessageState.FAILED,
    MessageState.NO_CONSENT,
    MessageState.STOPPED,
    MessageState.HEARD,
    MessageState.TRIAL,
}
#: What a message that a provider has taken cannot be.
NEVER_TAKEN = {
    MessageState.CREATED,
    MessageState.NO_CONSENT,
    MessageState.TRIAL,
    MessageState.VOICE_NOTICE,
    MessageState.CALLING,
    MessageState.HEARD,
}

#: How one send ends: whether the provider takes it, and what we see of that.
OUTCOMES = (
    "accepted", "accepted", "receipt first", "stopped receipt first", "busy", "refused", "stopped",
    "lost answer", "no answer", "killed before", "killed after",
)  # fmt: skip
STATUSES = ("queued", "sent", "delivered", "undelivered", "failed", "nonsense")


class Killed(BaseException):
    """The worker's process is gone."""


class Fickle:
    """A provider that does what it is told, message by message."""

    gives_receipts = True

    def __init__(self, life: Life, name: str, *, can_find: bool) -> None:
        self._life, self.name, self.can_find = life, name, can_find
        self.taken: list[str] = []

    def send(self, text: Text) -> str:
        life = self._life
        assert text.to in life.agreed, "sent to who said no"
        outcome = life.outcomes.pop(0) if life.outcomes else "accepted"
        if outcome in {"accepted", "receipt first", "stopped receipt first", "lost answer", "killed after"}:
            self.taken.append(text.id)
        if outcome == "receipt first":
            life.note(text.id, "delivered", None)
        if outcome == "stopped receipt first":
            life.note(text.id, "undelivered", STOPPED)
        if outcome == "busy":
            raise Undelivered("busy")
        if outcome == "refused":
            raise Undelivered("refused", final=True)
        if outcome == "stopped":
            life.agreed.discard(text.to)
            raise Undelivered("stopped", final=True, state=MessageState.STOPPED)
        if outcome in {"lost answer", "no answer"}:
            raise InDoubt("no answer")
        if outcome.startswith("killed"):
            raise Killed
        return f"{self.name}-{text.id}"

    def find(self, text: Text) -> Sequence[str]:
        return [f"{self.name}-{message}" for message in self.taken if message == text.id]


class Life(RuleBasedStateMachine):
    """Two routes, one of which can be asked; two numbers; one database."""

    def __init__(self, new_url: Callable[[], str]) -> None:
        super().__init__()
        self.engine = db.connect(new_url())
        self.sessions = db.sessions(self.engine)
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.outcomes: list[str] = []
        self.agreed: set[str] = {*NUMBERS, LANDLINE}
        self.heard: list[str] = []
        self.texts = self.written = 0
        self.before: dict[str, MessageState] = {}
        self.senders = [Fickle(self, "askable", can_find=True), Fickle(self, "mute", can_find=False)]
        agree(self.sessions, self.now, *NUMBERS, LANDLINE)

    @property
    def taken(self) -> list[str]:
        return [message for sender in self.senders for message in sender.taken]

    @initialize()
    def begin(self) -> None:
        for number in NUMBERS:
            self.write(number, 3)

    @rule(number=st.sampled_from((*NUMBERS, LANDLINE)), count=st.integers(1, 4))
    def write(self, number: str, count: int) -> None:
        ids = write(self.sessions, self.now, count, to=number)
        with db.transaction(self.sessions) as session:
            for message in ids:
                self.written += 1
                # Order and route follow from the id: a failure must be found again.
                session.execute(
                    update(Message).where(Message.id == message).values(id=f"message {self.written:04}")
                )

    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=6))
    def run(self, outcomes: list[str]) -> None:
        self.outcomes = list(outcomes)
        with suppress(Killed):
            send_waiting(self.sessions, self.senders, now=self.now, limits=LIMITS)

    @rule(end=st.sampled_from(["heard", "refused", "heard and refused", "busy", "lost", "killed", "nobody"]))
    def call(self, end: str) -> None:
        """The worker has a landline called, and what came of it is noted, or it dies before that."""
        with db.transaction(self.sessions) as session:
            begun = begin_calls(session, CALLING, now=self.now, known_by=self.now)
        for channel, number in begun:
            assert number in self.agreed, "called who said no"
            if end == "killed":
                continue
            self.end_call(channel, end)

    @rule()
    def find_lost_calls(self) -> None:
        """Another worker finds what the dead one has left."""
        with db.transaction(self.sessions) as session:
            for message in lost_calls(session, [], now=self.now):
                self.in_vain(session, message, "lost")

    def end_call(self, channel: str, end: str) -> None:
        with db.transaction(self.sessions) as session:
            if end.startswith("heard"):
                message = called(session, channel)
                assert message
                self.heard.append(message.id)
                note_heard(session, channel, now=self.now)
            if end.endswith("refused"):
                note_refused(session, channel, now=self.now)
                self.agreed.discard(LANDLINE)
            # The dialplan's note comes after, and changes nothing where somebody has heard or refused.
            message = called(session, channel)
            if message is not None:
                self.in_vain(session, message, end)

    def in_vain(self, session: Session, message: Message, why: str) -> None:
        again = self.now + timedelta(minutes=5) if message.attempts < CALLS else None
        note_in_vain(session, message, why, next_try_at=again, now=self.now)

    @rule(minutes=st.sampled_from([1, 5, 11, 60, 24 * 60, 4 * 24 * 60]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(which=st.integers(0, 30), status=st.sampled_from(STATUSES), stopped=st.booleans())
    def receipt(self, which: int, status: str, stopped: bool) -> None:
        if self.taken:
            message = self.taken[which % len(self.taken)]
            self.note(message, status, STOPPED if stopped and status == "undelivered" else None)

    @rule(number=st.sampled_from((*NUMBERS, LANDLINE)), word=st.sampled_from(["STOP", "START"]))
    def text(self, number: str, word: str) -> None:
        self.texts += 1
        with db.transaction(self.sessions) as session:
            take_text(session, sender=number, body=word, provider_id=str(self.texts), now=self.now)
        (self.agreed.discard if word == "STOP" else self.agreed.add)(number)

    @rule()
    def give_up_waiting(self) -> None:
        with db.transaction(self.sessions) as session:
            settle_unreceipted(session, now=self.now)

    @invariant()
    def legal(self) -> None:
        assert len(self.taken) == len(set(self.taken)), "sent twice"
        assert len(self.heard) == len(set(self.heard)), "told twice"
        states = self.states()
        for message, state in states.items():
            before = self.before.get(message)
            assert before not in FINAL or state is before, f"{before} was left for {state}"
            assert message not in self.taken or state not in NEVER_TAKEN
            assert state is not MessageState.DELIVERED or message in self.taken
            assert (state is MessageState.HEARD) == (message in self.heard)
        self.before = states

    def teardown(self) -> None:
        # Once everything is well again nothing is left open.
        self.outcomes = []
        for _ in range(14):
            self.now += timedelta(hours=1)
            self.legal()
            send_waiting(self.sessions, self.senders, now=self.now, limits=LIMITS)
            self.find_lost_calls()
        while not self.is_told():
            self.now += timedelta(minutes=10)
            self.call("heard")
        self.legal()
        assert not {MessageState.CREATED, MessageState.SENDING} & set(self.states().values())
        self.engine.dispose()

    def note(self, message: str, status: str, error: str | None) -> None:
        with db.transaction(self.sessions) as session:
            number = session.get_one(Message, message).to_e164
            note_receipt(session, message, status=status, error_code=error, provider_id=None, at=self.now)
        if error == STOPPED:
            self.agreed.discard(number)

    def is_told(self) -> bool:
        return not {MessageState.VOICE_NOTICE, MessageState.CALLING} & set(self.states().values())

    def states(self) -> dict[str, MessageState]:
        with db.reading(self.sessions) as session:
            return {message.id: message.state for message in session.scalars(select(Message))}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_life_is_legal(request: pytest.FixtureRequest, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            migrated = request.getfixturevalue("_migrated_file")

            def new_url() -> str:
                path = Path(folder) / "life.sqlite"
                for old in Path(folder).iterdir():
                    old.unlink()
                shutil.copy(migrated, path)
                return f"sqlite:///{path}"
        else:
            server: Postgres = request.getfixturevalue("postgres")

            def new_url() -> str:
                return server.create(template="migrated")

        run_state_machine_as_test(
            lambda: Life(new_url),  # type: ignore[arg-type]  # a factory does as well
            settings=settings(
                max_examples=50 if kind == "sqlite" else 10,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
