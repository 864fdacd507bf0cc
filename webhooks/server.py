"""Serves the application with gunicorn: one process, many threads."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from console.live_feed import FEEDS, STREAMS
from console.wall_feed import WALLS
from desk.keyring import Keyring, open_keyring
from desk.settings import Settings
from webhooks.app import create_app

#: Pages wait for the database more than for the processor, and one process keeps the failed log-ins together.
#: Of them, every open page of an operator's phone and every wall holds one (console/live_feed.py); the others
#: do the work.
THREADS = STREAMS + WALLS + 16
#: Seconds a visitor may fall silent within a request, or not take its answer, before it is dropped.
PATIENCE = 5
#: Seconds an answer under way may still take when the server is stopped.
GRACE = 10


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; does not return. Raises ``KeyringError`` if the secrets are unusable."""
    keyring = open_keyring(settings.home, extensions=(), logins=())
    _Server(settings, keyring).run()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._settings = settings
        self._keyring = keyring
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        # Runs in the worker process, so that no database connection crosses the fork.
        return create_app(self._settings, self._keyring)


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """Gunicorn's settings for this system."""
    address = f"[{settings.web_address}]" if ":" in settings.web_address else settings.web_address
    shared_memory = Path("/dev/shm")  # noqa: S108 - gunicorn makes its own private file there
    return {
        "bind": f"{address}:{settings.web_port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": THREADS,
        "graceful_timeout": GRACE,
        "keepalive": 5,
        "proc_name": "centralino-web",
        # webhooks.access_log writes the lines: gunicorn's own would name addresses and visitors.
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        # Its default lies in the home folder of the user, shared by all gunicorns of the machine.
        "control_socket_disable": True,
        # The worker's sign of life must not wait for a slow disk.
        "worker_tmp_dir": str(shared_memory) if shared_memory.is_dir() else None,
        "when_ready": _drop_silent_visitors,
        "post_worker_init": _end_streams_with_the_worker,
    }


def _end_streams_with_the_worker(worker: Any) -> None:
    """A stream would hold up the end of the server for as long as that may take."""
    for feed in worker.wsgi.extensions[FEEDS]:
        feed.stopping = lambda: not worker.alive


def _drop_silent_visitors(arbiter: Any) -> None:
    """Before the first visitor: a request that stops in its middle must not keep a thread for ever.

    Gunicorn has no such limit; connections inherit the kernel's from the listening socket.
    """
    limit = struct.pack("@ll", PATIENCE, 0)
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
