"""The FastAGI server: long-lived, one thread per call, hard to harm.

A peer that is not Asterisk (garbage, half a header, silence, endless lines) is dropped after
:data:`HEADER_SECONDS` or :data:`~agi_scripts.session.LONGEST_LINE` bytes and costs one thread until then.
Above :data:`CALLS` connections at once new ones are closed: the dialplan then rings the back office.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from agi_scripts.session import LONGEST_LINE, BadPeerError, Session
from ivr.conversation import HungUp

log = logging.getLogger(__name__)

#: Seconds for the whole header. Asterisk sends it at once.
HEADER_SECONDS = 5.0
#: Seconds after which a command without an answer counts as a hang-up. The longest command is a recorded
#: message of two minutes.
ANSWER_SECONDS = 180.0
#: Calls at once.
CALLS = 500

#: An entry point: runs one call on a session.
Entry = Callable[[Session], None]


class SocketWire:
    """A wire on a TCP connection; see :class:`~agi_scripts.session.Wire`."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()
        self._pending: list[str] = []
        #: ``time.monotonic()`` at which the header must be complete; ``None`` once it is.
        self._deadline: float | None = time.monotonic() + HEADER_SECONDS
        connection.settimeout(HEADER_SECONDS)

    def header_is_complete(self) -> None:
        """From now on commands are answered, which may take as long as a recording."""
        self._deadline = None
        self._socket.settimeout(ANSWER_SECONDS)

    def readline(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise BadPeerError("a line is too long")
            if self._deadline is not None:
                seconds = self._deadline - time.monotonic()
                if seconds <= 0:
                    raise TimeoutError("the header did not come in time")
                self._socket.settimeout(seconds)
            received = self._socket.recv(4096)
            if not received:
                raise HungUp
            self._buffer += received
        line = self._buffer[:end].decode("utf-8", "replace").rstrip("\r")
        del self._buffer[: end + 1]
        return line

    def write(self, text: str) -> None:
        self._pending.append(text)

    def flush(self) -> None:
        data = "".join(self._pending).encode("utf-8", "replace")
        self._pending.clear()
        self._socket.sendall(data)


class _Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        # Commands and answers are small and alternate: never wait to fill a packet.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = SocketWire(self.request)
        try:
            session = Session(wire)
        except HungUp:
            # Also how `centralino status` looks whether we are there.
            log.debug("a peer left before its header was complete")
            return
        except (BadPeerError, OSError) as e:
            log.warning("dropped a peer: %s", e)
            return
        wire.header_is_complete()
        name = urlsplit(session.env.get("agi_request", "")).path.strip("/")
        entry = self.server.entries.get(name)
        if entry is None:
            log.error("no such entry point; the dialplan will ring the back office")
            return
        try:
            entry(session)
        except HungUp:
            # The caller is gone, or Asterisk is: nothing is owed to anybody on this connection.
            log.debug("hung up outside a conversation")
        except Exception:
            # The connection closes without an outcome, which tells the dialplan to ring the back office.
            log.exception("%s failed on call %s", name, session.env["agi_uniqueid"])


class Server(socketserver.ThreadingTCPServer):
    """Serves ``entries`` (name in the URL to entry point) to the addresses in ``allowed``."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], entries: Mapping[str, Entry], allowed: tuple[str, ...]
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.entries = entries
        self._allowed = frozenset(allowed)
        self._places = threading.BoundedSemaphore(CALLS)
        super().__init__(address, _Handler)

    def verify_request(self, request: object, client_address: object) -> bool:
        assert isinstance(client_address, tuple)
        allowed = client_address[0] in self._allowed
        if not allowed:
            log.warning("refused a connection from an address that is not configured")
        return allowed

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        if not self._places.acquire(blocking=False):
            log.error("more than %d calls at once: a new one goes to the back office", CALLS)
            self.shutdown_request(request)
            return
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        # Called inside the handling of the error, which only the traceback module can see from here.
        log.error("a connection failed: %s", traceback.format_exc())
