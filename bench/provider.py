"""A provider of text messages on this machine that speaks as Twilio does, counts, and fails as told."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

#: How a request is met. ``lost``: taken, but the connection breaks before the answer; ``late``: taken, and
#: the answer comes after the client has gone; ``broken``: the connection breaks and nothing was taken.
Fault = Literal["", "400", "401", "429", "500", "503", "lost", "late", "broken", "garbage"]

_PATH = "/2010-04-01/Accounts/"


@dataclass
class Provider:
    """Takes messages over HTTP while the block runs; ``faults`` says how each one is met."""

    faults: Callable[[], Fault] = lambda: ""
    #: The provider's code in errors.
    code: int = 20001
    #: What was taken: number and words, in order.
    taken: list[dict[str, str]] = field(default_factory=list)
    #: Seconds until a late answer.
    late: float = 1.0

    def __enter__(self) -> Provider:
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def times(self) -> Counter[str]:
        """How often each message was taken, by our own id of it."""
        with self._lock:
            return Counter(message["callback"].rpartition("=")[2] for message in self.taken)

    def take(self, wanted: dict[str, str]) -> dict[str, object]:
        """Keep a message and return it as the API shows it."""
        with self._lock:
            message = {
                "sid": f"SM{uuid.uuid4().hex}",
                "to": wanted["To"],
                "body": wanted["Body"],
                "callback": wanted.get("StatusCallback", ""),
                "date_created": format_datetime(datetime.now(UTC)),
            }
            self.taken.append(message)
        return _shown(message)

    def latest(self, to: str, limit: int) -> list[dict[str, object]]:
        """The messages to a number, the newest first."""
        with self._lock:
            return [_shown(message) for message in reversed(self.taken) if message["to"] == to][:limit]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Connections that break are what it is for.
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: ClassVar[Provider]
    # Head and body of an answer in two packets would wait for each other.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        wanted = {name: values[0] for name, values in parse_qs(body).items()}
        fault = self.provider.faults()
        if fault == "broken":
            self.close_connection = True
        elif fault == "garbage":
            self.provider.take(wanted)
            self._answer(201, "<html>")
        elif fault.isdigit():
            error = {"code": self.provider.code, "message": "x", "status": int(fault)}
            self._answer(int(fault), json.dumps(error))
        else:
            taken = self.provider.take(wanted)
            if fault == "lost":
                self.close_connection = True
                return
            if fault == "late":
                threading.Event().wait(self.provider.late)
            self._answer(201, json.dumps(taken))

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        found = self.provider.latest(query["To"][0], int(query.get("PageSize", ["50"])[0]))
        self._answer(200, json.dumps({"messages": found, "page": 0, "next_page_uri": None}))

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _shown(message: dict[str, str]) -> dict[str, object]:
    return {**message, "status": "queued", "direction": "outbound-api", "error_code": None}
