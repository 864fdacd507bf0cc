"""``python tests/live/agi_at.py 2026-11-24T10:00+01:00``: the AGI server, as if it were started at that time.

A desk that is open or closed is a matter of the clock, and tests run at night and on Christmas Day too.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from agi_scripts.serve import serve
from desk.settings import Settings


def main() -> None:
    """Serve with a clock that starts at the given time and goes on from there."""
    shift = datetime.fromisoformat(sys.argv[1]).astimezone(UTC) - datetime.now(UTC)
    serve(Settings(), clock=lambda: datetime.now(UTC) + shift)


if __name__ == "__main__":
    main()
