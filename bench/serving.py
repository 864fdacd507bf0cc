"""The web server of production in a process of its own, for measurements."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from desk.settings import PROJECT, Settings

#: The program that serves the application as production does.
SERVE = "from desk.settings import Settings; from webhooks.server import serve; serve(Settings())"
#: Seconds until a server must answer.
START = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens on this machine, and its process, which has one worker."""

    port: int
    pid: int


@contextmanager
def serving(program: str, settings: Settings, **more: str) -> Iterator[Server]:
    """A server of ``program`` on the home and the database of ``settings``.

    ``more`` are settings by their name without the prefix.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    said = {"HOME": str(settings.home), "DATABASE_URL": settings.url, "WEB_PORT": str(port), **more}
    environment = os.environ | {f"CENTRALINO_{name}": value for name, value in said.items()}
    process = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, env=environment)
    try:
        deadline = time.monotonic() + START
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise click.ClickException("The server does not start.")
            time.sleep(0.05)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(15)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
