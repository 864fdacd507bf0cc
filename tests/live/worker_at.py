"""``python tests/live/worker_at.py 2026-11-24T10:00+01:00``: the worker, as if started at that time."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

from desk.cli.running import work
from desk.settings import Settings


def main() -> None:
    """Work with a clock that starts at the given time and goes on from there."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    shift = datetime.fromisoformat(sys.argv[1]).astimezone(UTC) - datetime.now(UTC)
    work(Settings(), clock=lambda: datetime.now(UTC) + shift)


if __name__ == "__main__":
    main()
