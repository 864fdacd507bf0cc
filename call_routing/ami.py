"""pyst2's manager client, made safe for a worker: one thread, and each answer for its own question.

pyst2 0.5.1 waits for ever for the answer of an Asterisk that died, gives an answer to whoever asked last,
keeps the headers of one action for the next, and needs two threads per connection. This subclass keeps its
messages and its actions (``login``, ``hangup``) and replaces what lies below them.
"""

from __future__ import annotations

import itertools
import re
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from asterisk.manager import EOL, Manager, ManagerMsg

#: Seconds Asterisk may take to answer.
ANSWER = 10.0
#: The longest message that is read: what is longer does not come from Asterisk.
LONGEST = 1_000_000
_END = (EOL + EOL).encode()
#: Control characters would begin another header.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

#: The headers of an event.
Event = Mapping[str, str]


class Gone(Exception):
    """Asterisk is not there, or not any more."""


class Refused(Exception):
    """Asterisk will not do what was asked."""


class Ami(Manager):  # type: ignore[misc]
    """A connection to Asterisk's manager interface, for one thread. Every method may raise :class:`Gone`."""

    def __init__(self, address: tuple[str, int]) -> None:
        # pyst2's own constructor starts threads; nothing of its state is used here.
        self._ids = itertools.count(1)
        self._events: deque[Event] = deque()
        self._received = b""
        try:
            self._socket = socket.create_connection(address, timeout=ANSWER)
        except OSError as e:
            raise Gone(f"Asterisk's manager interface is not there: {e}") from e
        try:
            self._take(EOL.encode(), ANSWER)
        except (Gone, TimeoutError) as e:
            self.close()
            raise Gone("what answers is not Asterisk") from e

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        """Nothing is left to do: pyst2 would say farewell to an Asterisk that may be gone."""

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def send_action(self, cdict: Mapping[str, str], **headers: str) -> ManagerMsg:
        """Send an action and wait for its answer. Raises :class:`Refused`."""
        return self._answer(self._send({**cdict, **headers}))

    def ask(self, action: str, **headers: str) -> list[Event]:
        """The events with which Asterisk answers an action that lists something. Raises :class:`Refused`."""
        own = self._send({"Action": action, **headers})
        self._answer(own)
        listed: list[Event] = []
        while True:
            event = self._awaited().headers
            if event.get("ActionID") != own:
                self._keep(event)
            elif event.get("EventList") == "Complete":
                return listed
            else:
                listed.append(event)

    def events(self, seconds: float) -> Iterator[Event]:
        """What happens within ``seconds``, and what has happened before."""
        end = time.monotonic() + seconds
        while True:
            while self._events:
                yield self._events.popleft()
            left = end - time.monotonic()
            if left <= 0:
                return
            try:
                self._keep(self._message(left).headers)
            except TimeoutError:
                return

    def _send(self, headers: Mapping[str, str]) -> str:
        own = str(next(self._ids))
        lines = [f"{key}: {_CONTROL.sub(' ', value)}{EOL}" for key, value in headers.items()]
        try:
            self._socket.settimeout(ANSWER)
            self._socket.sendall(f"{''.join(lines)}ActionID: {own}{EOL}{EOL}".encode())
        except OSError as e:
            raise Gone("Asterisk does not listen") from e
        return own

    def _answer(self, own: str) -> ManagerMsg:
        while True:
            message = self._awaited()
            if message.has_header("Event") or message.get_header("ActionID") != own:
                self._keep(message.headers)
            elif message.get_header("Response") == "Error":
                raise Refused(message.get_header("Message", ""))
            else:
                return message

    def _keep(self, event: Event) -> None:
        if "Event" in event:
            self._events.append(event)

    def _awaited(self) -> ManagerMsg:
        """The next message, while an answer is due."""
        try:
            return self._message(ANSWER)
        except TimeoutError as e:
            raise Gone(f"no answer within {ANSWER:g} s") from e

    def _message(self, seconds: float) -> ManagerMsg:
        """The next message. Raises ``TimeoutError`` where none comes within ``seconds``."""
        text = self._take(_END, seconds).decode(errors="replace")
        return ManagerMsg([line + EOL for line in text.split(EOL)])

    def _take(self, end: bytes, seconds: float) -> bytes:
        """What is received up to ``end``, without it."""
        deadline = time.monotonic() + seconds
        while end not in self._received:
            if len(self._received) > LONGEST:
                raise Gone("what answers is not Asterisk")
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                self._socket.settimeout(left)
                data = self._socket.recv(65536)
            except TimeoutError:
                raise
            except OSError as e:
                raise Gone("the connection broke") from e
            if not data:
                raise Gone("Asterisk closed the connection")
            self._received += data
        taken, _, self._received = self._received.partition(end)
        return taken
