"""``centralino keep``: run a helper process and start it again when it ends."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time

import click

log = logging.getLogger(__name__)

#: Seconds before a restart: doubled while the process keeps ending at once.
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
#: A process that ran longer than this (seconds) had started well.
WELL = 60.0


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def keep(command: tuple[str, ...]) -> None:
    """Run COMMAND, and again whenever it ends, until SIGTERM or SIGINT."""
    stop = threading.Event()
    child: subprocess.Popen[bytes] | None = None

    def end(number: int, _frame: object) -> None:
        stop.set()
        if child is not None and child.poll() is None:
            child.send_signal(number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    wait = FIRST_WAIT
    while not stop.is_set():
        started = time.monotonic()
        child = subprocess.Popen(command)
        code = child.wait()
        if stop.is_set():
            break
        if time.monotonic() - started > WELL:
            wait = FIRST_WAIT
        log.error("ended with code %d; starting it again in %.0f s", code, wait)
        stop.wait(wait)
        wait = min(wait * 2, LONGEST_WAIT)
    sys.exit(0)
